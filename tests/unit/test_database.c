#include "tests/unit/store_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct insp_filter any(size_t limit) {
    return (struct insp_filter){.verdict = -1, .label = -1, .limit = limit};
}

static int count_rows(void *arg, const struct insp_record *record) {
    (void)record;
    ++*(size_t *)arg;
    return 0;
}

static size_t rows_in(struct fixture *f) {
    size_t count = 0;
    struct insp_filter filter = any(10000);
    ck_insp_ok(insp_store_list(f->store, &filter, count_rows, &count, &f->err), f->err);
    return count;
}

START_TEST(test_usage_follows_puts) {
    struct fixture f;
    char id[3][INSP_UUID_BYTES];
    struct insp_record records[3];
    struct insp_store_usage usage;
    fixture_open(&f);
    for (int i = 0; i < 3; i++)
        records[i] = fixture_record(id[i], "p", i == 1);
    ck_insp_ok(insp_store_put(f.store, records, 3, &f.err), f.err);
    ck_insp_ok(insp_store_usage(f.store, &usage, &f.err), f.err);
    ck_assert_uint_eq(usage.inspections, 3);
    ck_assert_uint_eq(usage.images, 3);
    ck_assert_uint_eq(usage.image_bytes, 18);
    ck_assert_uint_gt(usage.database_bytes, 4096);
    ck_assert_uint_gt(usage.total_bytes, usage.free_bytes);
    fixture_close(&f);
}
END_TEST

/* Store, then answer: records that a child reported as stored exist after SIGKILL, with their images. */
START_TEST(test_survives_kill) {
    enum { RECORDS = 40 };
    struct fixture f;
    int pipes[2];
    fixture_open(&f);
    insp_store_close(f.store);
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        struct insp_store *store;
        if (insp_store_open(f.dir, INSP_DURABLE_PROCESS, &store, NULL) < 0)
            _exit(1);
        for (;;) {
            char id[INSP_UUID_BYTES];
            struct insp_record record = fixture_record(id, "p", false);
            if (insp_store_put(store, &record, 1, NULL) < 0 || write(pipes[1], id, sizeof id) != sizeof id)
                _exit(1);
        }
    }
    close(pipes[1]);
    char id[RECORDS][INSP_UUID_BYTES];
    for (int i = 0; i < RECORDS; i++)
        ck_assert_int_eq(read(pipes[0], id[i], INSP_UUID_BYTES), INSP_UUID_BYTES);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), f.err);
    for (int i = 0; i < RECORDS; i++) {
        void *data;
        size_t bytes;
        char media_type[128];
        ck_insp_ok(insp_store_image(f.store, id[i], &data, &bytes, media_type, &f.err), f.err);
        ck_assert_mem_eq(data, "pixels", bytes);
        free(data);
    }
    close(pipes[0]);
    fixture_close(&f);
}
END_TEST

START_TEST(test_folder_without_permission_is_named) {
    if (geteuid() == 0 && seteuid(65534) < 0)
        ck_abort_msg("cannot become nobody");
    struct insp_store *store;
    struct insp_error err;
    ck_insp_code(insp_store_open("/usr", INSP_DURABLE_PROCESS, &store, &err), INSP_E_PERMISSION, err);
    if (getuid() == 0 && seteuid(0) < 0) /* the leak sanitizer looks at its own process when it ends */
        ck_abort_msg("cannot become root again");
    ck_assert_ptr_nonnull(strstr(err.detail, "/usr"));
    ck_assert_ptr_nonnull(strstr(err.detail, "uid 0"));
}
END_TEST

START_TEST(test_damaged_database_says_the_way_out) {
    struct fixture f;
    char path[INSP_PATH_BYTES];
    fixture_open(&f);
    insp_store_close(f.store);
    ck_insp_ok(insp_path(path, &f.err, "%s/inspectd.sqlite3", f.dir), f.err);
    static const char noise[8192] = "this is no database";
    ck_insp_ok(insp_write_file(path, noise, sizeof noise, 0600, false, &f.err), f.err);
    ck_insp_code(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), INSP_E_IO, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, path));
    ck_assert_ptr_nonnull(strstr(f.err.detail, "damaged"));
    f.store = NULL;
    fixture_close(&f);
}
END_TEST

static int fill(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    (void)arg;
    (void)reterr;
    return sqlite3_exec(db, "PRAGMA max_page_count = 1", NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

/* SQLite's own "full" stands in for a full disk: the answer is NOSPACE, the image file is gone again, and once
 * there is room the same store goes on. */
START_TEST(test_full_database_leaves_nothing_behind) {
    struct fixture f;
    char id[INSP_UUID_BYTES], command[128];
    fixture_open(&f);
    ck_insp_ok(insp_store_write(f.store, fill, NULL, &f.err), f.err);
    int r = 0;
    size_t stored = 0;
    while (r == 0 && stored < 10000) {
        struct insp_record record = fixture_record(id, "p", false);
        r = insp_store_put(f.store, &record, 1, &f.err);
        stored += r == 0;
    }
    ck_insp_code(r, INSP_E_NOSPACE, f.err);
    ck_assert_uint_eq(rows_in(&f), stored);
    snprintf(command, sizeof command, "test $(find %s/images -type f | wc -l) = %zu", f.dir, stored);
    ck_assert_int_eq(system(command), 0);
    fixture_close(&f);
}
END_TEST

/* If a file cannot be written completely (here: RLIMIT_FSIZE), the whole group fails. */
START_TEST(test_image_that_cannot_be_written_stores_nothing) {
    struct fixture f;
    char id[2][INSP_UUID_BYTES], command[128];
    static const char large[1 << 22];
    fixture_open(&f);
    struct insp_record records[2] = {fixture_record(id[0], "p", false), fixture_record(id[1], "p", false)};
    records[1].image = large;
    records[1].image_bytes = sizeof large;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 21, RLIM_INFINITY}), 0);
    ck_insp_code(insp_store_put(f.store, records, 2, &f.err), INSP_E_IO, f.err);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), 0);
    ck_assert_uint_eq(rows_in(&f), 0);
    snprintf(command, sizeof command, "test $(find %s/images -type f | wc -l) = 0", f.dir);
    ck_assert_int_eq(system(command), 0);
    fixture_put(&f, &records[0]);
    fixture_close(&f);
}
END_TEST

struct worker {
    struct fixture *f;
    bool failed;
};

static void *put_and_list(void *arg) {
    struct worker *worker = arg;
    struct insp_filter filter = any(20);
    for (int i = 0; i < 25 && !worker->failed; i++) {
        char id[INSP_UUID_BYTES];
        size_t count = 0;
        struct insp_record record = fixture_record(id, "p", i % 2);
        worker->failed = insp_store_put(worker->f->store, &record, 1, NULL) < 0 ||
                         insp_store_list(worker->f->store, &filter, count_rows, &count, NULL) < 0 || count == 0;
    }
    return NULL;
}

START_TEST(test_more_threads_than_readers) {
    enum { THREADS = 8 };
    struct fixture f;
    pthread_t thread[THREADS];
    struct worker worker[THREADS];
    fixture_open(&f);
    for (int i = 0; i < THREADS; i++) {
        worker[i] = (struct worker){.f = &f};
        ck_assert_int_eq(pthread_create(&thread[i], NULL, put_and_list, &worker[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        ck_assert(!worker[i].failed);
    }
    ck_assert_uint_eq(rows_in(&f), THREADS * 25);
    fixture_close(&f);
}
END_TEST

START_TEST(test_power_durability_stores_too) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    insp_store_close(f.store);
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_POWER, &f.store, &f.err), f.err);
    struct insp_record record = fixture_record(id, "p", false);
    fixture_put(&f, &record);
    ck_assert_uint_eq(rows_in(&f), 1);
    fixture_close(&f);
}
END_TEST

INSP_TESTS(test_usage_follows_puts, test_survives_kill, test_folder_without_permission_is_named,
           test_damaged_database_says_the_way_out, test_full_database_leaves_nothing_behind,
           test_image_that_cannot_be_written_stores_nothing, test_more_threads_than_readers,
           test_power_durability_stores_too);
