#include "core/store/health.h"

#include "tests/unit/store_fixture.h"

#include <sqlite3.h>

static void move_database(struct fixture *f, bool away) {
    static const char *const ends[] = {"", "-wal", "-shm"};
    char here[INSP_PATH_BYTES], there[INSP_PATH_BYTES];
    for (size_t i = 0; i < INSP_COUNT(ends); i++) {
        ck_insp_ok(insp_path(here, &f->err, "%s/inspectd.sqlite3%s", f->dir, ends[i]), f->err);
        ck_insp_ok(insp_path(there, &f->err, "%s/away%s", f->dir, ends[i]), f->err);
        ck_assert_int_eq(away ? rename(here, there) : rename(there, here), 0);
    }
}

static int put(struct fixture *f) {
    char id[INSP_UUID_BYTES];
    struct insp_record record = fixture_record(id, "p", false);
    return insp_store_put(f->store, &record, 1, &f->err);
}

START_TEST(test_a_database_that_is_moved_is_missed_and_found_again) {
    struct fixture f;
    fixture_open(&f);
    ck_insp_ok(insp_store_probe(f.store, &f.err), f.err);
    move_database(&f, true);
    ck_insp_code(put(&f), INSP_E_STORE_LOST, f.err);
    ck_insp_code(insp_store_health(f.store, &f.err), INSP_E_STORE_LOST, f.err);
    ck_assert_ptr_null(strstr(f.err.detail, f.dir)); /* anybody may read it */
    ck_insp_code(insp_store_probe(f.store, &f.err), INSP_E_STORE_LOST, f.err);
    move_database(&f, false);
    ck_insp_ok(insp_store_probe(f.store, &f.err), f.err);
    ck_insp_ok(put(&f), f.err);
    fixture_close(&f);
}
END_TEST

static int remove_database(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    (void)db;
    (void)reterr;
    move_database(arg, true);
    return 0;
}

/* It goes between the beginning of a transaction and its commit: the commit succeeds, into a file without a name.
 */
START_TEST(test_a_commit_into_a_file_without_a_name_is_no_success) {
    struct fixture f;
    fixture_open(&f);
    ck_insp_code(insp_store_write(f.store, remove_database, &f, &f.err), INSP_E_STORE_LOST, f.err);
    move_database(&f, false);
    fixture_close(&f);
}
END_TEST

START_TEST(test_a_database_that_is_held) {
    struct fixture f;
    char path[INSP_PATH_BYTES];
    sqlite3 *other;
    fixture_open(&f);
    ck_insp_ok(insp_path(path, &f.err, "%s/inspectd.sqlite3", f.dir), f.err);
    ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    ck_insp_code(insp_store_probe(f.store, &f.err), INSP_E_IO, f.err);
    ck_assert_str_eq(f.err.detail, "inspectd.sqlite3 is held by another process");
    sqlite3_close(other);
    ck_insp_ok(insp_store_probe(f.store, &f.err), f.err);
    fixture_close(&f);
}
END_TEST

static int conflict(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    (void)db;
    (void)arg;
    return insp_fail(reterr, INSP_E_CONFLICT, "no");
}

START_TEST(test_a_conflict_says_nothing_about_the_storage) {
    struct fixture f;
    fixture_open(&f);
    ck_insp_code(insp_store_write(f.store, conflict, NULL, &f.err), INSP_E_CONFLICT, f.err);
    ck_insp_ok(insp_store_health(f.store, &f.err), f.err);
    fixture_close(&f);
}
END_TEST

INSP_TESTS(test_a_database_that_is_moved_is_missed_and_found_again,
           test_a_commit_into_a_file_without_a_name_is_no_success, test_a_database_that_is_held,
           test_a_conflict_says_nothing_about_the_storage);
