#include "core/store/sql.h"

#include "harness.h"

#include <string.h>

static struct sqlite3 *db;
static struct insp_error err;

static void open_memory(void) {
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    ck_insp_ok(insp_sql_exec(db, "CREATE TABLE t(name TEXT PRIMARY KEY, n INTEGER)", &err), err);
}

START_TEST(run_binds_and_resets) {
    open_memory();
    struct sqlite3_stmt *put;
    int64_t n = -1;
    ck_insp_ok(insp_sql_prepare(db, "INSERT INTO t VALUES(?1, ?2)", &put, &err), err);
    for (int i = 0; i < 2; i++) {
        insp_sql_bind_text(put, 1, i ? "one" : NULL);
        sqlite3_bind_int64(put, 2, 40 + i);
        ck_insp_ok(insp_sql_run(put, &err), err);
    }
    insp_sql_finalizep(&put);
    ck_insp_ok(insp_sql_int(db, "SELECT sum(n) FROM t", &n, &err), err);
    ck_assert_int_eq(n, 81);
    ck_insp_ok(insp_sql_int(db, "SELECT n FROM t WHERE name = ''", &n, &err), err);
    ck_assert_int_eq(n, 40);
    sqlite3_close(db);
}
END_TEST

START_TEST(faults_have_their_codes) {
    open_memory();
    int64_t n = 7;
    ck_insp_code(insp_sql_int(db, "SELECT n FROM t", &n, &err), INSP_E_NOT_FOUND, err);
    ck_assert_int_eq(n, 7);
    ck_insp_ok(insp_sql_exec(db, "INSERT INTO t VALUES('a', 1)", &err), err);
    ck_insp_code(insp_sql_exec(db, "INSERT INTO t VALUES('a', 2)", &err), INSP_E_CONFLICT, err);
    ck_insp_code(insp_sql_exec(db, "SELEKT", &err), INSP_E_INTERNAL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "SELEKT"));
    sqlite3_close(db);
}
END_TEST

START_TEST(full_database_is_no_space) {
    open_memory();
    ck_insp_ok(insp_sql_exec(db, "PRAGMA max_page_count = 3", &err), err);
    ck_insp_code(insp_sql_exec(db, "INSERT INTO t VALUES(hex(zeroblob(100000)), 1)", &err), INSP_E_NOSPACE, err);
    sqlite3_close(db);
}
END_TEST

START_TEST(file_that_is_no_database_says_the_way_out) {
    char path[] = "/tmp/insp-sql-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *file = fdopen(fd, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database ", file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    int64_t n;
    ck_insp_code(insp_sql_int(db, "SELECT count(*) FROM sqlite_master", &n, &err), INSP_E_IO, err);
    ck_assert_ptr_nonnull(strstr(err.detail, path));
    ck_assert_ptr_nonnull(strstr(err.detail, ".recover"));
    sqlite3_close(db);
    ck_assert_int_eq(remove(path), 0);
}
END_TEST

START_TEST(folder_that_is_not_there_is_a_permission_fault_with_the_path) {
    ck_assert_int_eq(sqlite3_open("/tmp/insp-no-such-folder/x.db", &db), SQLITE_CANTOPEN);
    ck_assert_int_eq(insp_sql_fail(db, &err), INSP_E_PERMISSION);
    sqlite3_close(db);
}
END_TEST

INSP_TESTS(run_binds_and_resets, faults_have_their_codes, full_database_is_no_space,
           file_that_is_no_database_says_the_way_out,
           folder_that_is_not_there_is_a_permission_fault_with_the_path);
