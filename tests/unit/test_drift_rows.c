#include "core/store/lists/drift_rows.h"

#include "tests/unit/store_fixture.h"

static const int64_t DAY_US = INT64_C(86400000000);

struct seen {
    size_t count, most;
    struct insp_drift_row row[8];
    char name[8][3][32];
};

static int keep(void *arg, const struct insp_drift_row *row) {
    struct seen *seen = arg;
    snprintf(seen->name[seen->count][0], 32, "%s", row->product);
    snprintf(seen->name[seen->count][1], 32, "%s", row->camera);
    snprintf(seen->name[seen->count][2], 32, "%s", row->model);
    seen->row[seen->count++] = *row;
    return seen->count == seen->most;
}

static struct seen read_rows(struct fixture *f, const char *product, int64_t since_day) {
    struct seen seen = {.most = 8};
    ck_insp_ok(insp_store_drift(f->store, product, since_day, keep, &seen, &f->err), f->err);
    return seen;
}

static struct insp_record part(char *id, const char *camera, int64_t day, uint8_t bin) {
    struct insp_record record = fixture_record(id, "p", false);
    record.camera = camera;
    record.received_us = day * DAY_US + 5;
    record.drift = (struct insp_drift_place){.reference = 70, .bin = bin};
    return record;
}

START_TEST(a_group_is_counted_by_day_camera_and_version) {
    struct fixture f;
    char id[6][INSP_UUID_BYTES];
    fixture_open(&f);
    struct insp_record record[6] = {part(id[0], "a", 100, 3),  part(id[1], "b", 100, 3), part(id[2], "a", 100, 3),
                                    part(id[3], "a", 100, 19), part(id[4], "a", 101, 0), part(id[5], "a", 100, 3)};
    record[5].model = "v2";
    ck_insp_ok(insp_store_put(f.store, record, 6, &f.err), f.err);
    struct seen seen = read_rows(&f, NULL, 0);
    ck_assert_uint_eq(seen.count, 4);
    ck_assert(seen.row[0].day == 101 && seen.row[0].parts == 1 &&
              seen.row[0].bin[0] == 1); /* a, the newest first */
    ck_assert_str_eq(seen.name[1][2], "v2");
    ck_assert_str_eq(seen.name[2][2], "v1");
    ck_assert(seen.row[2].parts == 3 && seen.row[2].bin[3] == 2 && seen.row[2].bin[19] == 1);
    ck_assert_uint_eq(seen.row[2].reference, 70);
    ck_assert_str_eq(seen.name[3][1], "b");
    ck_assert_uint_eq(read_rows(&f, "p", 101).count, 1);
    ck_assert_uint_eq(read_rows(&f, "other", 0).count, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(later_groups_add_to_the_row) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    for (int i = 0; i < 3; i++) {
        struct insp_record record = part(id, "", 100, 7);
        fixture_put(&f, &record);
    }
    insp_store_close(f.store);
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), f.err);
    struct insp_record last = part(id, "", 100, 8);
    fixture_put(&f, &last);
    struct seen seen = read_rows(&f, "p", 100);
    ck_assert(seen.count == 1 && seen.row[0].parts == 4 && seen.row[0].bin[7] == 3 && seen.row[0].bin[8] == 1);
    fixture_close(&f);
}
END_TEST

/* Places among 70 parts of the training say nothing about places among 90. */
START_TEST(another_reference_begins_the_row_anew) {
    struct fixture f;
    char id[4][INSP_UUID_BYTES];
    fixture_open(&f);
    struct insp_record record[4] = {part(id[0], "a", 100, 3), part(id[1], "a", 100, 19), part(id[2], "a", 100, 5),
                                    part(id[3], "a", 100, 6)};
    record[2].drift.reference = record[3].drift.reference = 90;
    ck_insp_ok(insp_store_put(f.store, record, 2, &f.err), f.err);
    ck_insp_ok(insp_store_put(f.store, record + 2, 1, &f.err), f.err);
    ck_insp_ok(insp_store_put(f.store, record + 3, 1, &f.err), f.err);
    struct seen seen = read_rows(&f, NULL, 0);
    ck_assert(seen.count == 1 && seen.row[0].parts == 2 && seen.row[0].reference == 90);
    ck_assert(!seen.row[0].bin[3] && !seen.row[0].bin[19] && seen.row[0].bin[5] == 1 && seen.row[0].bin[6] == 1);
    fixture_close(&f);
}
END_TEST

START_TEST(only_parts_that_were_judged_good_count) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    struct insp_record record = part(id, "a", 100, 7);
    record.verdict = INSP_VERDICT_ANOMALY;
    fixture_put(&f, &record);
    record = part(id, "a", 100, 7);
    record.verdict = INSP_VERDICT_REVIEW;
    fixture_put(&f, &record);
    ck_assert_uint_eq(read_rows(&f, NULL, 0).count, 0);
    record = part(id, "a", 100, 7);
    record.drift = (struct insp_drift_place){0}; /* of a version without scores */
    fixture_put(&f, &record);
    struct seen seen = read_rows(&f, NULL, 0);
    ck_assert(seen.count == 1 && seen.row[0].parts == 1 && seen.row[0].reference == 0 && seen.row[0].bin[0] == 0);
    fixture_close(&f);
}
END_TEST

static int count_row(void *arg, const struct insp_drift_row *row) {
    (void)row;
    ++*(size_t *)arg;
    return 0;
}

START_TEST(names_without_end_fill_no_disk_and_old_days_go) {
    enum { GROUP = 64, CAMERAS = INSP_DRIFT_ROWS_A_DAY + GROUP };
    struct fixture f;
    static char id[GROUP][INSP_UUID_BYTES], camera[GROUP][16];
    struct insp_record record[GROUP];
    size_t rows = 0;
    fixture_open(&f);
    for (size_t at = 0; at < CAMERAS; at += GROUP) {
        for (size_t i = 0; i < GROUP; i++) {
            snprintf(camera[i], sizeof camera[i], "c%zu", at + i);
            record[i] = part(id[i], camera[i], 100, 1);
        }
        ck_insp_ok(insp_store_put_rows(f.store, record, GROUP, &f.err), f.err);
    }
    ck_insp_ok(insp_store_drift(f.store, NULL, 0, count_row, &rows, &f.err), f.err);
    ck_assert_uint_eq(rows, INSP_DRIFT_ROWS_A_DAY);
    struct insp_record known = part(id[0], "c0", 100, 1); /* a row that exists goes on counting */
    fixture_put(&f, &known);
    struct seen seen = {.most = 1};
    ck_insp_ok(insp_store_drift(f.store, NULL, 0, keep, &seen, &f.err), f.err);
    ck_assert_uint_eq(seen.row[0].parts, 2);
    struct insp_record later = part(id[0], "c0", 100 + INSP_DRIFT_DAYS + 1, 1);
    fixture_put(&f, &later);
    struct insp_record next = part(id[0], "c0", 100 + INSP_DRIFT_DAYS + 2, 1);
    fixture_put(&f, &next);
    rows = 0;
    ck_insp_ok(insp_store_drift(f.store, NULL, 0, count_row, &rows, &f.err), f.err);
    ck_assert_uint_eq(rows, 2);
    fixture_close(&f);
}
END_TEST

static void put_day(struct fixture *f, int64_t day) {
    char id[INSP_UUID_BYTES];
    struct insp_record record = part(id, "", day, 7);
    fixture_put(f, &record);
}

/* A day far ahead ends no rows by itself, and does not hide the present day. */
START_TEST(a_clock_that_jumps_costs_no_history) {
    struct fixture f;
    const int64_t today = insp_drift_day(insp_wall_us());
    fixture_open(&f);
    put_day(&f, today - 1);
    put_day(&f, today + 1000);
    put_day(&f, today);
    struct seen seen = read_rows(&f, NULL, 0);
    ck_assert(seen.count == 2 && seen.row[0].day == today && seen.row[1].day == today - 1);
    put_day(&f, today + 1001); /* and goes on: so it was right */
    ck_assert_uint_eq(read_rows(&f, NULL, 0).count, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(days_are_those_of_utc) {
    ck_assert_int_eq(insp_drift_day(0), 0);
    ck_assert_int_eq(insp_drift_day(DAY_US - 1), 0);
    ck_assert_int_eq(insp_drift_day(-1), -1);
}
END_TEST

INSP_TESTS(another_reference_begins_the_row_anew, a_clock_that_jumps_costs_no_history,
           a_group_is_counted_by_day_camera_and_version, later_groups_add_to_the_row,
           only_parts_that_were_judged_good_count, names_without_end_fill_no_disk_and_old_days_go,
           days_are_those_of_utc);
