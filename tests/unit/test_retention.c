#include "core/store/retention/retention.h"

#include "tests/unit/retention_fixture.h"

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

static uint64_t rows_in(struct fixture *f) {
    struct insp_store_usage usage;
    ck_insp_ok(insp_store_usage(f->store, &usage, &f->err), f->err);
    return usage.inspections;
}

START_TEST(test_space_takes_images_and_keeps_rows) {
    struct fixture f;
    char id[4][INSP_UUID_BYTES];
    fixture_open(&f);
    for (int i = 0; i < 4; i++) {
        struct insp_record record = at(id[i], i < 2, insp_wall_us());
        fixture_put(&f, &record);
    }
    ck_insp_ok(insp_store_label(f.store, id[1], INSP_LABEL_ANOMALY, "hole", "", "me", &f.err), f.err);
    struct insp_retention policy = unbounded;
    policy.image_bytes_max = 6;
    struct insp_retention_result result = fixture_sweep(&f, &policy, 0);
    ck_assert_uint_eq(result.aged, 0);
    ck_assert_uint_eq(result.images, 3);
    ck_assert_uint_eq(result.bytes, 18);
    ck_assert(has_image(&f, id[0]) && !has_image(&f, id[1]) && !has_image(&f, id[2]) && !has_image(&f, id[3]));
    ck_assert_uint_eq(fixture_sweep(&f, &policy, 0).images, 0);
    ck_assert_uint_eq(rows_in(&f), 4);
    fixture_close(&f);
}
END_TEST

/* Retention keeps a missed anomaly with a label while it removes good parts, by space and by age. */
START_TEST(test_labelled_images_outlive_good_ones) {
    struct fixture f;
    char id[2][INSP_UUID_BYTES];
    fixture_open(&f);
    for (int i = 0; i < 2; i++) {
        struct insp_record record = at(id[i], false, insp_wall_us());
        fixture_put(&f, &record);
    }
    ck_insp_ok(insp_store_label(f.store, id[0], INSP_LABEL_ANOMALY, "hole", "", "me", &f.err), f.err);
    struct insp_retention policy = unbounded;
    policy.image_bytes_max = 6;
    fixture_sweep(&f, &policy, 0);
    ck_assert(has_image(&f, id[0]) && !has_image(&f, id[1]));
    policy.good_age_us = DAY_US;
    policy.anomaly_age_us = 5 * DAY_US;
    ck_assert_uint_eq(fixture_sweep(&f, &policy, 2 * DAY_US).aged, 1);
    ck_assert(has_image(&f, id[0]));
    ck_assert_uint_eq(fixture_sweep(&f, &policy, 6 * DAY_US).aged, 1);
    ck_assert_uint_eq(rows_in(&f), 0);
    fixture_close(&f);
}
END_TEST

START_TEST(test_age_takes_rows_in_many_transactions) {
    enum { RECORDS = 1203 }; /* more than two groups of 500 */
    struct fixture f;
    static char id[RECORDS][INSP_UUID_BYTES];
    static struct insp_record records[RECORDS];
    fixture_open(&f);
    int64_t now_us = insp_wall_us();
    for (int i = 0; i < RECORDS; i++)
        records[i] = at(id[i], i == 0, now_us);
    ck_insp_ok(insp_store_put(f.store, records, RECORDS, &f.err), f.err);
    struct insp_retention policy = unbounded;
    policy.good_age_us = DAY_US;
    policy.anomaly_age_us = 9 * DAY_US;
    ck_assert_uint_eq(fixture_sweep(&f, &policy, DAY_US / 2).aged, 0);
    struct insp_retention_result result = fixture_sweep(&f, &policy, 2 * DAY_US);
    ck_assert_uint_eq(result.aged, RECORDS - 1);
    ck_assert_uint_eq(result.images, RECORDS - 1);
    ck_assert(has_image(&f, id[0]));
    ck_assert_uint_eq(rows_in(&f), 1);
    fixture_close(&f);
}
END_TEST

/* The attack: a clock that is 400 days ahead for 14 s removes nothing, nor one that starts so. */
START_TEST(test_a_clock_that_jumps_removes_nothing) {
    enum { RECORDS = 10 };
    struct fixture f;
    char id[RECORDS][INSP_UUID_BYTES];
    struct insp_retention_result result;
    fixture_open(&f);
    for (int i = 0; i < RECORDS; i++) {
        struct insp_record record = at(id[i], i % 2, insp_wall_us());
        fixture_put(&f, &record);
    }
    struct insp_retention policy = unbounded;
    policy.good_age_us = 30 * DAY_US;
    policy.anomaly_age_us = 365 * DAY_US;
    ck_assert_uint_eq(fixture_sweep(&f, &policy, 0).alarms, 0);
    struct insp_retention_now ahead = fixture_later(14000000);
    ahead.wall_us += 400 * DAY_US;
    ck_insp_ok(insp_retention_sweep(f.store, &policy, &ahead, &result, &f.err), f.err);
    ck_assert(result.aged == 0 && result.alarms == INSP_ALARM_CLOCK);
    insp_store_close(f.store); /* and a restart in the wrong time is no way around it */
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), f.err);
    ahead.mono_us += 300 * 1000000LL;
    ahead.wall_us += 300 * 1000000LL;
    ck_insp_ok(insp_retention_sweep(f.store, &policy, &ahead, &result, &f.err), f.err);
    ck_assert(result.aged == 0 && result.alarms == INSP_ALARM_CLOCK);
    result = fixture_sweep(&f, &policy, 600 * 1000000LL);
    ck_assert(result.aged == 0 && result.alarms == 0);
    ck_assert_uint_eq(rows_in(&f), RECORDS);
    for (int i = 0; i < RECORDS; i++)
        ck_assert(has_image(&f, id[i]));
    fixture_close(&f);
}
END_TEST

/* A store that is restarted with a much smaller limit loses a little at a time, and says that it is held back. */
START_TEST(test_one_sweep_takes_its_share) {
    enum { RECORDS = 100 };
    struct fixture f;
    char id[RECORDS][INSP_UUID_BYTES];
    fixture_open(&f);
    for (int i = 0; i < RECORDS; i++) {
        struct insp_record record = at(id[i], false, insp_wall_us());
        fixture_put(&f, &record);
    }
    insp_store_close(f.store);
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), f.err);
    struct insp_retention policy = unbounded;
    policy.sweep_percent = 2;
    policy.hour_percent = 10;
    policy.image_bytes_max = 1;
    struct insp_retention_result result = fixture_sweep(&f, &policy, 0);
    ck_assert(result.images == 2 && result.alarms == INSP_ALARM_HELD);
    ck_assert_uint_eq(fixture_sweep(&f, &policy, 1000000).images, 0);
    uint64_t removed = 2;
    for (int minute = 5; minute <= 60; minute += 5)
        removed += fixture_sweep(&f, &policy, minute * 60 * 1000000LL).images;
    ck_assert(removed >= 10 && removed <= 13);
    insp_store_close(f.store); /* a restart adds no credit */
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), f.err);
    ck_assert_uint_le(fixture_sweep(&f, &policy, 3600 * 1000000LL).images, 1);
    fixture_close(&f);
}
END_TEST

/* The attack: a limit that the disk cannot meet and forty images, most of them anomalies. */
START_TEST(test_a_disk_that_others_fill_costs_no_image) {
    enum { RECORDS = 40 };
    struct fixture f;
    char id[RECORDS][INSP_UUID_BYTES];
    fixture_open(&f);
    for (int i = 0; i < RECORDS; i++) {
        struct insp_record record = at(id[i], i > 10, insp_wall_us());
        fixture_put(&f, &record);
    }
    struct insp_retention policy = unbounded;
    policy.free_bytes_min = UINT64_C(1) << 60;
    struct insp_retention_result result = fixture_sweep(&f, &policy, 0);
    ck_assert_uint_eq(result.images, 0);
    ck_assert_uint_eq(result.alarms, INSP_ALARM_SPACE | INSP_ALARM_HELD);
    fixture_close(&f);
}
END_TEST

static int refuse_changes(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    (void)arg;
    return insp_sql_exec(
        db, "CREATE TRIGGER stop BEFORE DELETE ON inspection BEGIN SELECT RAISE(ABORT, 'no'); END;", reterr);
}

/* If removing by age fails, removing for space and the walk over orphans still work. */
START_TEST(test_one_part_fails_alone) {
    struct fixture f;
    char id[2][INSP_UUID_BYTES];
    struct insp_retention_result result;
    fixture_open(&f);
    for (int i = 0; i < 2; i++) {
        struct insp_record record = at(id[i], false, insp_wall_us());
        fixture_put(&f, &record);
    }
    ck_insp_ok(insp_store_write(f.store, refuse_changes, NULL, &f.err), f.err);
    struct insp_retention policy = unbounded;
    policy.good_age_us = 1;
    policy.image_bytes_max = 6;
    const struct insp_retention_now now = fixture_later(DAY_US);
    ck_assert_int_lt(insp_retention_sweep(f.store, &policy, &now, &result, &f.err), 0);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "no"));
    ck_assert(result.aged == 0 && result.images == 1 && !has_image(&f, id[0]) && has_image(&f, id[1]));
    fixture_close(&f);
}
END_TEST

INSP_TESTS(test_space_takes_images_and_keeps_rows, test_labelled_images_outlive_good_ones,
           test_age_takes_rows_in_many_transactions, test_a_clock_that_jumps_removes_nothing,
           test_one_sweep_takes_its_share, test_a_disk_that_others_fill_costs_no_image, test_one_part_fails_alone);
