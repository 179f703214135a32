#include "core/store/retention/orphans.h"

#include "tests/unit/retention_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

/* An image file without a row, made `age_us` ago by its id and by its time. */
static void orphan(struct fixture *f, int64_t age_us, char *ret_path) {
    char id[INSP_UUID_BYTES], folder[INSP_PATH_BYTES];
    insp_uuid7(id);
    int64_t made_ms = (insp_wall_us() - age_us) / 1000;
    char head[32];
    snprintf(head, sizeof head, "%08x-%04x", (unsigned)(made_ms >> 16), (unsigned)(made_ms & 0xFFFF));
    memcpy(id, head, 13);
    ck_insp_ok(insp_path(folder, &f->err, "%s/images/2026-01-01", f->dir), f->err);
    ck_insp_ok(insp_mkdir_all(folder, 0700, &f->err), f->err);
    ck_insp_ok(insp_path(ret_path, &f->err, "%s/%s.jpg", folder, id), f->err);
    ck_insp_ok(insp_write_file(ret_path, "left", 4, 0600, false, &f->err), f->err);
    const struct timespec old = {.tv_sec = made_ms / 1000};
    const struct timespec times[2] = {old, old};
    ck_assert_int_eq(utimensat(AT_FDCWD, ret_path, times, 0), 0);
}

static bool there(const char *path) {
    return access(path, F_OK) == 0;
}

static bool set_aside(const struct fixture *f, const char *path) {
    char place[INSP_PATH_BYTES];
    ck_assert_int_eq(insp_path(place, NULL, "%s/quarantine/%s", f->dir, strrchr(path, '/') + 1), 0);
    return there(place) && !there(path);
}

static void put_some(struct fixture *f, int count) {
    for (int i = 0; i < count; i++) {
        char id[INSP_UUID_BYTES];
        struct insp_record record = fixture_record(id, "p", false);
        fixture_put(f, &record);
    }
}

/* The database was made `age_us` ago. */
static int age_database(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    char sql[96];
    snprintf(sql, sizeof sql, "UPDATE retention SET born_us = %lld",
             (long long)(insp_wall_us() - *(int64_t *)arg));
    return insp_sql_exec(db, sql, reterr);
}

static void reopen(struct fixture *f, int64_t born_before_us) {
    ck_insp_ok(insp_store_write(f->store, age_database, &born_before_us, &f->err), f->err);
    insp_store_close(f->store);
    ck_insp_ok(insp_store_open(f->dir, INSP_DURABLE_PROCESS, &f->store, &f->err), f->err);
}

static const int64_t MINUTE_US = 60 * 1000000LL;

/* A kill between file and row: set aside after an hour, removed late. A younger file stays, and so does whatever
 * this program did not make. */
START_TEST(test_a_few_orphans_are_set_aside) {
    struct fixture f;
    char old[INSP_PATH_BYTES], young[INSP_PATH_BYTES], foreign[INSP_PATH_BYTES];
    fixture_open(&f);
    put_some(&f, 1);
    reopen(&f, 10 * DAY_US);
    orphan(&f, 120 * MINUTE_US, old);
    orphan(&f, 30 * MINUTE_US, young);
    ck_insp_ok(insp_path(foreign, &f.err, "%s/images/2026-01-01/notes.txt", f.dir), f.err);
    ck_insp_ok(insp_write_file(foreign, "mine", 4, 0600, false, &f.err), f.err);
    struct insp_retention policy = unbounded;
    policy.quarantine_age_us = 30 * DAY_US;
    struct insp_retention_result result = fixture_sweep(&f, &policy, 0);
    ck_assert(result.quarantined == 1 && result.alarms == 0 && result.quarantine_bytes == 4);
    ck_assert(set_aside(&f, old) && there(young) && there(foreign));
    result = fixture_sweep(&f, &policy, MINUTE_US);
    ck_assert(result.quarantined == 0 && result.expired == 0 && result.quarantine_bytes == 4);
    result = fixture_sweep(&f, &policy, 29 * DAY_US);
    ck_assert_uint_eq(result.expired, 0);
    result = fixture_sweep(&f, &policy, 31 * DAY_US);
    ck_assert(result.expired == 2 && !set_aside(&f, old)); /* the young one has followed meanwhile */
    fixture_close(&f);
}
END_TEST

/* The attack: a new database in place of the old one. */
START_TEST(test_a_new_database_moves_nothing) {
    struct fixture f;
    char path[20][INSP_PATH_BYTES];
    fixture_open(&f);
    put_some(&f, 3);
    for (int i = 0; i < 20; i++)
        orphan(&f, 2 * DAY_US + i * 1000, path[i]);
    struct insp_retention_result result = fixture_sweep(&f, &unbounded, 0);
    ck_assert(result.quarantined == 0 && result.alarms == INSP_ALARM_ORPHANS && result.orphans == 20);
    result = fixture_sweep(&f, &unbounded, 5 * MINUTE_US);
    ck_assert(result.quarantined == 0 && result.alarms == INSP_ALARM_ORPHANS && result.orphans == 20);
    for (int i = 0; i < 20; i++)
        ck_assert(there(path[i]));
    fixture_close(&f);
}
END_TEST

/* An older backup, or a lost journal: files are newer than the newest row. */
START_TEST(test_an_older_database_moves_nothing) {
    struct fixture f;
    char path[9][INSP_PATH_BYTES];
    int64_t shift_us = 5 * DAY_US;
    fixture_open(&f);
    put_some(&f, 1);
    reopen(&f, 10 * DAY_US);
    char sql[128];
    sqlite3 *db;
    ck_insp_ok(insp_path(path[0], &f.err, "%s/inspectd.sqlite3", f.dir), f.err);
    insp_store_close(f.store);
    ck_assert_int_eq(sqlite3_open(path[0], &db), SQLITE_OK);
    snprintf(sql, sizeof sql, "UPDATE inspection SET key = key - (%lld << 21)", (long long)(shift_us / 1000));
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), f.err);
    for (int i = 0; i < 9; i++)
        orphan(&f, 2 * DAY_US + i * 1000, path[i]);
    for (int turn = 0; turn < 3; turn++) {
        struct insp_retention_result result = fixture_sweep(&f, &unbounded, turn * 5 * MINUTE_US);
        ck_assert(result.quarantined == 0 && result.alarms == INSP_ALARM_ORPHANS);
    }
    for (int i = 0; i < 9; i++)
        ck_assert(there(path[i]));
    fixture_close(&f);
}
END_TEST

START_TEST(test_a_full_quarantine_leaves_orphans_where_they_are) {
    struct fixture f;
    char path[3][INSP_PATH_BYTES];
    fixture_open(&f);
    put_some(&f, 1);
    reopen(&f, 10 * DAY_US);
    for (int i = 0; i < 3; i++)
        orphan(&f, 120 * MINUTE_US, path[i]);
    struct insp_retention policy = unbounded;
    policy.quarantine_bytes_max = 8;
    struct insp_retention_result result = fixture_sweep(&f, &policy, 0);
    ck_assert(result.quarantined == 2 && result.quarantine_bytes == 8 && result.alarms == INSP_ALARM_QUARANTINE);
    ck_assert_int_eq(there(path[0]) + there(path[1]) + there(path[2]), 1);
    fixture_close(&f);
}
END_TEST

/* The walk continues where the last sweep stopped, and decides only when it has seen all files. */
START_TEST(test_the_walk_goes_on_from_sweep_to_sweep) {
    struct fixture f;
    char path[INSP_PATH_BYTES];
    struct insp_retention_result result = {0};
    fixture_open(&f);
    put_some(&f, 20);
    reopen(&f, 10 * DAY_US);
    orphan(&f, 120 * MINUTE_US, path);
    int sweeps = 0;
    while (!result.quarantined) {
        ck_assert_int_lt(++sweeps, 12);
        ck_insp_ok(insp_orphans_walk(f.store, &unbounded, insp_wall_us(), 5, &result, &f.err), f.err);
    }
    ck_assert_int_ge(sweeps, 5); /* 21 files, 5 at a time */
    ck_assert(set_aside(&f, path));
    fixture_close(&f);
}
END_TEST

INSP_TESTS(test_a_few_orphans_are_set_aside, test_a_new_database_moves_nothing,
           test_an_older_database_moves_nothing, test_a_full_quarantine_leaves_orphans_where_they_are,
           test_the_walk_goes_on_from_sweep_to_sweep);
