#include "core/store/retention.h"

#include "tests/unit/store_fixture.h"

#include <sys/stat.h>
#include <time.h>
#include <utime.h>

static const int64_t DAY_US = 86400 * 1000000LL;

/* Every order in which six rows can come: what goes does not depend on it. */
static void permute(struct insp_retention_row *rows, size_t count, size_t at, uint64_t bytes,
                    const char *expected) {
    if (at == count) {
        static const struct insp_retention policy = {0};
        bool removed[8];
        size_t n;
        ck_assert_int_eq(insp_retention_plan(&policy, rows, count, 1000, bytes, removed, &n, NULL), 0);
        ck_assert_uint_eq(n, strlen(expected));
        for (size_t i = 0; i < count; i++)
            ck_assert_msg(removed[i] == (strchr(expected, rows[i].id[0]) != NULL), "row %s to free %llu",
                          rows[i].id, (unsigned long long)bytes);
        return;
    }
    for (size_t i = at; i < count; i++) {
        struct insp_retention_row kept = rows[at];
        rows[at] = rows[i];
        rows[i] = kept;
        permute(rows, count, at + 1, bytes, expected);
        kept = rows[at];
        rows[at] = rows[i];
        rows[i] = kept;
    }
}

START_TEST(test_order_of_going) {
    struct insp_retention_row rows[6] = {
        {"a", 50, 10, INSP_KEEP_GOOD},
        {"b", 90, 10, INSP_KEEP_GOOD},
        {"c", 10, 10, INSP_KEEP_LABELLED_ANOMALY},
        {"d", 60, 10, INSP_KEEP_LABELLED_ANOMALY},
        {"e", 1, 10, INSP_KEEP_UNLABELLED_ANOMALY},
        {"f", 2, 10, INSP_KEEP_UNLABELLED_ANOMALY},
    };
    static const char *const gone[] = {"", "a", "ab", "abc", "abcd", "abcde", "abcdef"};
    for (uint64_t i = 0; i <= 6; i++)
        permute(rows, 6, 0, 10 * i, gone[i]);
    permute(rows, 6, 0, 1, "a");
    permute(rows, 6, 0, 1000, "abcdef");
}
END_TEST

START_TEST(test_age_has_a_limit_per_verdict) {
    const struct insp_retention policy = {.good_age_us = 100, .anomaly_age_us = 500};
    const struct insp_retention_row rows[4] = {{"a", 899, 1, INSP_KEEP_GOOD},
                                               {"b", 900, 1, INSP_KEEP_GOOD},
                                               {"c", 499, 1, INSP_KEEP_LABELLED_ANOMALY},
                                               {"d", 500, 1, INSP_KEEP_UNLABELLED_ANOMALY}};
    bool removed[4];
    size_t n;
    ck_assert_int_eq(insp_retention_plan(&policy, rows, 4, 1000, 0, removed, &n, NULL), 0);
    ck_assert_uint_eq(n, 2);
    ck_assert(removed[0] && !removed[1] && removed[2] && !removed[3]);
    /* what age takes counts towards the space that is wanted */
    ck_assert_int_eq(insp_retention_plan(&policy, rows, 4, 1000, 3, removed, &n, NULL), 0);
    ck_assert(removed[0] && removed[1] && removed[2] && !removed[3]);
}
END_TEST

static struct insp_record at(char *id, bool anomaly, int64_t received_us) {
    struct insp_record record = fixture_record(id, "p", anomaly);
    record.received_us = received_us;
    return record;
}

static bool has_image(struct fixture *f, const char *id) {
    void *data = NULL;
    size_t bytes;
    char media_type[128];
    int r = insp_store_image(f->store, id, &data, &bytes, media_type, &f->err);
    free(data);
    if (r < 0)
        ck_assert_int_eq(r, INSP_E_GONE);
    return r == 0;
}

START_TEST(test_space_takes_images_and_keeps_rows) {
    struct fixture f;
    char id[4][INSP_UUID_BYTES];
    struct insp_retention_result result;
    fixture_open(&f);
    for (int i = 0; i < 4; i++) {
        struct insp_record record = at(id[i], i < 2, insp_wall_us());
        fixture_put(&f, &record);
    }
    ck_insp_ok(insp_store_label(f.store, id[1], INSP_LABEL_ANOMALY, "hole", "", "me", &f.err), f.err);
    const struct insp_retention policy = {.image_bytes_max = 6};
    ck_insp_ok(insp_retention_sweep(f.store, &policy, insp_wall_us(), &result, &f.err), f.err);
    ck_assert_uint_eq(result.rows, 0);
    ck_assert_uint_eq(result.images, 3);
    ck_assert_uint_eq(result.bytes, 18);
    ck_assert(has_image(&f, id[0]) && !has_image(&f, id[1]) && !has_image(&f, id[2]) && !has_image(&f, id[3]));
    ck_insp_ok(insp_retention_sweep(f.store, &policy, insp_wall_us(), &result, &f.err), f.err);
    ck_assert_uint_eq(result.images, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(test_age_takes_rows_in_many_transactions) {
    enum { RECORDS = 1203 }; /* more than two groups of 500 */
    struct fixture f;
    struct insp_retention_result result;
    struct insp_store_usage usage;
    static char id[RECORDS][INSP_UUID_BYTES];
    static struct insp_record records[RECORDS];
    fixture_open(&f);
    int64_t now_us = insp_wall_us();
    for (int i = 0; i < RECORDS; i++)
        records[i] = at(id[i], i == 0, now_us);
    ck_insp_ok(insp_store_put(f.store, records, RECORDS, &f.err), f.err);
    const struct insp_retention policy = {.good_age_us = DAY_US, .anomaly_age_us = 9 * DAY_US};
    ck_insp_ok(insp_retention_sweep(f.store, &policy, now_us + DAY_US / 2, &result, &f.err), f.err);
    ck_assert_uint_eq(result.rows, 0);
    ck_insp_ok(insp_retention_sweep(f.store, &policy, now_us + 2 * DAY_US, &result, &f.err), f.err);
    ck_assert_uint_eq(result.rows, RECORDS - 1);
    ck_assert_uint_eq(result.images, RECORDS - 1);
    ck_assert(has_image(&f, id[0]));
    ck_insp_ok(insp_store_usage(f.store, &usage, &f.err), f.err);
    ck_assert_uint_eq(usage.inspections, 1);
    fixture_close(&f);
}
END_TEST

/* A process that died between file and row leaves a file: it goes after an hour, a younger one stays. */
START_TEST(test_orphan_images_are_swept) {
    struct fixture f;
    char id[3][INSP_UUID_BYTES], path[2][INSP_PATH_BYTES];
    struct insp_retention_result result;
    const struct insp_retention policy = {0};
    fixture_open(&f);
    struct insp_record record = at(id[0], false, insp_wall_us());
    fixture_put(&f, &record);
    for (int i = 0; i < 2; i++) {
        insp_uuid7(id[i + 1]);
        ck_insp_ok(insp_path(path[i], &f.err, "%s/images/2026-01-01", f.dir), f.err);
        ck_insp_ok(insp_mkdir_all(path[i], 0700, &f.err), f.err);
        ck_insp_ok(insp_path(path[i], &f.err, "%s/images/2026-01-01/%s.jpg", f.dir, id[i + 1]), f.err);
        ck_insp_ok(insp_write_file(path[i], "left", 4, 0600, false, &f.err), f.err);
    }
    time_t old = time(NULL) - 2 * 3600;
    ck_assert_int_eq(utime(path[0], &(struct utimbuf){old, old}), 0);
    ck_insp_ok(insp_retention_sweep(f.store, &policy, insp_wall_us(), &result, &f.err), f.err);
    ck_assert_uint_eq(result.images, 1);
    ck_assert_int_eq(access(path[0], F_OK), -1);
    ck_assert_int_eq(access(path[1], F_OK), 0);
    ck_assert(has_image(&f, id[0]));
    fixture_close(&f);
}
END_TEST

INSP_TESTS(test_order_of_going, test_age_has_a_limit_per_verdict, test_space_takes_images_and_keeps_rows,
           test_age_takes_rows_in_many_transactions, test_orphan_images_are_swept);
