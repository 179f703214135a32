#include "core/store/schema.h"

#include "tests/unit/store_fixture.h"

#include <sqlite3.h>

static struct sqlite3 *create(struct fixture *f, size_t migrations, const char *rows) {
    struct sqlite3 *db;
    char path[INSP_PATH_BYTES], version[64];
    size_t count;
    strcpy(f->dir, "/tmp/insp-schema-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->dir));
    ck_insp_ok(insp_path(path, &f->err, "%s/inspectd.sqlite3", f->dir), f->err);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    const struct insp_migration *all = insp_schema_migrations(&count);
    for (size_t i = 0; i < migrations; i++)
        ck_assert_int_eq(sqlite3_exec(db, all[i].sql, NULL, NULL, NULL), SQLITE_OK);
    snprintf(version, sizeof version, "PRAGMA user_version = %zu", migrations);
    ck_assert_int_eq(sqlite3_exec(db, version, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, rows, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    return db;
}

static int count_row(void *arg, const struct insp_record *record) {
    (void)record;
    ++*(size_t *)arg;
    return 0;
}

START_TEST(test_versions_have_no_gap) {
    size_t count;
    const struct insp_migration *all = insp_schema_migrations(&count);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(all[i].version, (int)i + 1);
}
END_TEST

static const char version_1_rows[] =
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10)"
    "INSERT INTO inspection (key, id, product, model, camera, part, anomaly, probability, threshold, heat_max,"
    " heat_area, heat_threshold, heat_low, heat_high, heat_per_image, boxes, width, height, sha256, media_type,"
    " extension, image_bytes, image_kept, received_us, decode_us, queue_us, inference_us, store_us, total_us)"
    " SELECT i, zeroblob(16), 'p', 'v', '', '', 0, 0.1, 0.5, 0.0, 0.0, 0.7, 0.0, 1.0, 0, '[]', 1, 1, '', '', "
    "'png',"
    " 100, i > 3, i, 0, 0, 0, 0, 0 FROM n";

START_TEST(test_migrates_from_the_first_version) {
    struct fixture f;
    struct insp_store_usage usage;
    sqlite3_close(create(&f, 1, version_1_rows));
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), f.err);
    ck_insp_ok(insp_store_usage(f.store, &usage, &f.err), f.err);
    ck_assert_uint_eq(usage.inspections, 10);
    ck_assert_uint_eq(usage.images, 7);
    ck_assert_uint_eq(usage.image_bytes, 700);
    fixture_close(&f);
}
END_TEST

START_TEST(test_failed_migration_changes_nothing) {
    struct fixture f;
    struct sqlite3 *db = create(&f, 1, "CREATE TABLE jobs (x)"); /* in the way of version 3 */
    ck_insp_code(insp_schema_migrate(db, &f.err), INSP_E_INTERNAL, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "migration to schema 3"));
    sqlite3_stmt *s;
    ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(s, 0), 2);
    sqlite3_finalize(s);
    ck_assert(sqlite3_get_autocommit(db));
    sqlite3_close(db);
    insp_remove_tree(f.dir, NULL);
}
END_TEST

START_TEST(test_newer_schema_is_refused_by_name) {
    struct fixture f;
    sqlite3_close(create(&f, 0, "PRAGMA user_version = 999"));
    ck_insp_code(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), INSP_E_IO, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "inspectd.sqlite3"));
    ck_assert_ptr_nonnull(strstr(f.err.detail, "999"));
    insp_remove_tree(f.dir, NULL);
}
END_TEST

/* The indexes of series.c exist, those that they replace do not, and lists find rows of an old version. */
START_TEST(test_old_rows_are_found_by_the_new_indexes) {
    struct fixture f;
    size_t count = 0;
    sqlite3_close(create(&f, 5, version_1_rows));
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), f.err);
    const struct insp_filter filter = {.product = "p", .model = "v", .verdict = 0, .label = 0, .limit = 50};
    ck_insp_ok(insp_store_list(f.store, &filter, count_row, &count, &f.err), f.err);
    ck_assert_uint_eq(count, 10);
    fixture_close(&f);
}
END_TEST

static int keep_takt(void *arg, const struct insp_record *record) {
    ck_assert(!insp_record_late(record));
    *(int64_t *)arg += record->takt_us;
    return 0;
}

/* Version 12: rows and minutes from before have no takt, and none of them is late. */
START_TEST(test_old_rows_have_no_takt) {
    struct fixture f;
    struct insp_statistics s;
    int64_t takt_us = 0;
    sqlite3_close(create(&f, 11, "INSERT INTO minute VALUES (1, 'p', 2, 3, 0, 0, 5, zeroblob(512), 4)"));
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), f.err);
    ck_insp_ok(insp_store_statistics(f.store, "p", 0, 0, 60000000, &s, &f.err), f.err);
    ck_assert(s.good == 2 && s.anomaly == 3 && s.review == 4 && s.late == 0);
    insp_statistics_clear(&s);
    fixture_close(&f);

    sqlite3_close(create(&f, 11, version_1_rows));
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), f.err);
    const struct insp_filter filter = {.verdict = -1, .label = -1, .limit = 50};
    ck_insp_ok(insp_store_list(f.store, &filter, keep_takt, &takt_us, &f.err), f.err);
    ck_assert_int_eq(takt_us, 0);
    fixture_close(&f);
}
END_TEST

static int keep_decided(void *arg, const struct insp_record *record) {
    size_t *count = arg;
    *count += !record->good_known && !record->good_decided && record->good_score == 0 &&
              record->heat_kind == 0; /* version 19: those of the tail showed class activation */
    return 0;
}

/* Version 13: rows from before were decided by a trained tail and have no good-only score. */
START_TEST(test_old_rows_have_no_good_only_score) {
    struct fixture f;
    size_t count = 0;
    sqlite3_close(create(&f, 12, version_1_rows));
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), f.err);
    const struct insp_filter filter = {.verdict = -1, .label = -1, .limit = 50};
    ck_insp_ok(insp_store_list(f.store, &filter, keep_decided, &count, &f.err), f.err);
    ck_assert_uint_gt(count, 0);
    fixture_close(&f);
}
END_TEST

INSP_TESTS(test_old_rows_have_no_good_only_score, test_old_rows_have_no_takt,
           test_old_rows_are_found_by_the_new_indexes, test_versions_have_no_gap,
           test_migrates_from_the_first_version, test_failed_migration_changes_nothing,
           test_newer_schema_is_refused_by_name);
