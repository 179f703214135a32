#include "core/store/internal.h"

#include "tests/unit/store_fixture.h"

static const int64_t MINUTE_US = 60000000;

START_TEST(test_buckets_hold_what_falls_into_them) {
    unsigned last = 0;
    for (int64_t us = 1; us < 40000000; us += 1 + us / 50) {
        unsigned bucket = insp_latency_bucket(us);
        ck_assert_uint_ge(bucket, last);
        ck_assert_uint_lt(bucket, INSP_LATENCY_BUCKETS);
        ck_assert_int_ge(us + 1, insp_latency_at(bucket, 0));
        if (bucket < INSP_LATENCY_BUCKETS - 1)
            ck_assert_int_le(us - 1, insp_latency_at(bucket, 1));
        last = bucket;
    }
    ck_assert_uint_eq(last, INSP_LATENCY_BUCKETS - 1);
}
END_TEST

static void put_at(struct fixture *f, char *id, const char *product, bool anomaly, int64_t received_us,
                   int64_t total_us) {
    struct insp_record record = fixture_record(id, product, anomaly);
    record.received_us = received_us;
    record.total_us = total_us;
    fixture_put(f, &record);
}

static struct insp_statistics ask(struct fixture *f, const char *product, int64_t since, int64_t until,
                                  int64_t step) {
    struct insp_statistics s;
    ck_insp_ok(insp_store_statistics(f->store, product, since * MINUTE_US, until * MINUTE_US, step * MINUTE_US, &s,
                                     &f->err),
               f->err);
    return s;
}

START_TEST(test_late_verdicts_are_counted_by_minute) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    for (int i = 0; i < 4; i++) {
        struct insp_record record = fixture_record(id, "p", i == 0);
        record.received_us = (100 + i / 3) * MINUTE_US;
        record.total_us = 5000 + i;
        record.takt_us = i == 1 ? 0 : 5000; /* the second has none, the first is just in time */
        fixture_put(&f, &record);
    }
    struct insp_statistics s = ask(&f, "p", 0, 0, 1);
    ck_assert(s.late == 2 && s.good + s.anomaly == 4 && s.bucket_count == 2);
    ck_assert(s.bucket[0].late == 1 && s.bucket[1].late == 1);
    insp_statistics_clear(&s);
    fixture_close(&f);
}
END_TEST

START_TEST(test_review_is_counted_beside_good_and_anomaly) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    put_at(&f, id, "p", false, 100 * MINUTE_US, 5000);
    put_at(&f, id, "p", true, 100 * MINUTE_US, 5000);
    for (int i = 0; i < 3; i++) {
        struct insp_record record = fixture_record(id, "p", true);
        record.verdict = INSP_VERDICT_REVIEW;
        record.received_us = (100 + i / 2) * MINUTE_US;
        fixture_put(&f, &record);
    }
    struct insp_statistics s = ask(&f, "p", 0, 0, 1);
    ck_assert(s.good == 1 && s.anomaly == 1 && s.review == 3);
    ck_assert_uint_eq(s.bucket_count, 2);
    ck_assert(s.bucket[0].review == 2 && s.bucket[1].review == 1 && s.bucket[1].good == 0);
    ck_assert_int_ge(s.total_p99_us, 4000); /* all five are in the quantiles */
    insp_statistics_clear(&s);
    fixture_close(&f);
}
END_TEST

START_TEST(test_counts_by_window_product_and_step) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    for (int i = 0; i < 20; i++)
        put_at(&f, id, i % 4 ? "p" : "q", i % 5 == 0, (100 + i) * MINUTE_US + i, 5000);
    struct insp_statistics s = ask(&f, NULL, 0, 0, 5);
    ck_assert_uint_eq(s.good, 16);
    ck_assert_uint_eq(s.anomaly, 4);
    ck_assert_uint_eq(s.bucket_count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(s.bucket[i].start_us, (100 + 5 * (int64_t)i) * MINUTE_US);
        ck_assert_uint_eq(s.bucket[i].good, 4);
        ck_assert_uint_eq(s.bucket[i].anomaly, 1);
    }
    insp_statistics_clear(&s);
    s = ask(&f, "q", 104, 112, 1);
    ck_assert_uint_eq(s.good + s.anomaly, 2);
    insp_statistics_clear(&s);
    s = ask(&f, "none", 0, 0, 1);
    ck_assert_uint_eq(s.bucket_count, 0);
    ck_assert_int_eq(s.total_p99_us, 0);
    insp_statistics_clear(&s);
    fixture_close(&f);
}
END_TEST

START_TEST(test_quantiles_are_within_nine_percent) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    for (int i = 1; i <= 1000; i++)
        put_at(&f, id, "p", false, 100 * MINUTE_US, i * 100);
    struct insp_statistics s = ask(&f, "p", 0, 0, 1);
    ck_assert_int_eq(s.total_max_us, 100000);
    ck_assert_double_eq_tol((double)s.total_p50_us, 50000, 4500);
    ck_assert_double_eq_tol((double)s.total_p90_us, 90000, 8100);
    ck_assert_double_eq_tol((double)s.total_p99_us, 99000, 8910);
    insp_statistics_clear(&s);
    fixture_close(&f);
}
END_TEST

START_TEST(test_each_step_has_quantiles_of_its_own) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    for (int i = 1; i <= 300; i++) /* 3 minutes: about 10, 20 and 30 ms */
        put_at(&f, id, i % 2 ? "p" : "q", false, (100 + (i - 1) / 100) * MINUTE_US, 10000 * (1 + (i - 1) / 100));
    put_at(&f, id, "p", false, 101 * MINUTE_US, 500000);
    struct insp_statistics s = ask(&f, NULL, 0, 0, 1);
    ck_assert_uint_eq(s.bucket_count, 3);
    for (int i = 0; i < 3; i++)
        ck_assert_double_eq_tol((double)s.bucket[i].total_p50_us, 10000 * (i + 1), 900 * (i + 1));
    ck_assert_int_eq(s.bucket[0].total_max_us, 10000);
    ck_assert_int_eq(s.bucket[1].total_max_us, 500000);
    ck_assert_int_le(s.bucket[2].total_p99_us, 30000); /* the slow one before does not count here */
    insp_statistics_clear(&s);
    s = ask(&f, NULL, 0, 0, 2); /* minutes 100 and 101 are one step */
    ck_assert_uint_eq(s.bucket_count, 2);
    ck_assert_int_eq(s.bucket[0].total_max_us, 500000);
    insp_statistics_clear(&s);
    fixture_close(&f);
}
END_TEST

START_TEST(test_labels_move_between_counts) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    put_at(&f, id, "p", true, 100 * MINUTE_US, 5000);
    static const struct {
        enum insp_label label;
        uint64_t good, anomaly;
    } steps[] = {
        {INSP_LABEL_GOOD, 1, 0}, {INSP_LABEL_GOOD, 1, 0}, {INSP_LABEL_ANOMALY, 0, 1}, {INSP_LABEL_NONE, 0, 0}};
    for (size_t i = 0; i < INSP_COUNT(steps); i++) {
        ck_insp_ok(insp_store_label(f.store, id, steps[i].label, "", "", "", &f.err), f.err);
        struct insp_statistics s = ask(&f, NULL, 0, 0, 1);
        ck_assert_uint_eq(s.labelled_good, steps[i].good);
        ck_assert_uint_eq(s.labelled_anomaly, steps[i].anomaly);
        insp_statistics_clear(&s);
    }
    fixture_close(&f);
}
END_TEST

enum { ROWS = 400 };

static struct row {
    int product; /* of products */
    enum insp_verdict verdict;
    enum insp_label label;
    int64_t received_us, total_us;
} rows[ROWS];
static const char *const products[] = {"p", "q", "r"};

static struct insp_statistics look_at_each(int product, int64_t since, int64_t until) {
    struct insp_statistics s = {0};
    for (int i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        if ((product >= 0 && row->product != product) || (since && row->received_us < since * MINUTE_US) ||
            (until && row->received_us >= until * MINUTE_US))
            continue;
        s.good += row->verdict == INSP_VERDICT_GOOD;
        s.anomaly += row->verdict == INSP_VERDICT_ANOMALY;
        s.review += row->verdict == INSP_VERDICT_REVIEW;
        s.labelled_good += row->label == INSP_LABEL_GOOD;
        s.labelled_anomaly += row->label == INSP_LABEL_ANOMALY;
        s.total_max_us = row->total_us > s.total_max_us ? row->total_us : s.total_max_us;
    }
    return s;
}

static void check_window(struct fixture *f, int product, int64_t since, int64_t until) {
    struct insp_statistics counted = look_at_each(product, since, until),
                           s = ask(f, product < 0 ? NULL : products[product], since, until, 3);
    uint64_t good = 0, anomaly = 0, review = 0;
    for (size_t i = 0; i < s.bucket_count; i++) {
        good += s.bucket[i].good;
        anomaly += s.bucket[i].anomaly;
        review += s.bucket[i].review;
        ck_assert(!i || s.bucket[i].start_us > s.bucket[i - 1].start_us);
    }
    ck_assert(good == s.good && anomaly == s.anomaly && review == s.review);
    ck_assert_uint_eq(s.good, counted.good);
    ck_assert_uint_eq(s.anomaly, counted.anomaly);
    ck_assert_uint_eq(s.review, counted.review);
    ck_assert_uint_eq(s.labelled_good, counted.labelled_good);
    ck_assert_uint_eq(s.labelled_anomaly, counted.labelled_anomaly);
    ck_assert_int_eq(s.total_max_us, counted.total_max_us);
    insp_statistics_clear(&s);
}

/* For every window of whole minutes the counts per minute equal the counts of the rows. */
START_TEST(test_counts_equal_the_rows) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    uint32_t state = 5;
    const int64_t start = 29000000;
    fixture_open(&f);
    for (int i = 0; i < ROWS; i++) {
        state = state * 1103515245 + 12345;
        uint32_t any = state >> 8;
        rows[i] = (struct row){.product = (int)(any % 3),
                               .verdict = any % 35 == 0  ? INSP_VERDICT_REVIEW
                                          : any % 7 == 0 ? INSP_VERDICT_ANOMALY
                                                         : INSP_VERDICT_GOOD,
                               .received_us = (start + any % 11) * MINUTE_US + any % 60000000,
                               .total_us = 1 + any % 90000};
        struct insp_record record = fixture_record(id, products[any % 3], false);
        record.verdict = rows[i].verdict;
        record.received_us = rows[i].received_us;
        record.total_us = rows[i].total_us;
        fixture_put(&f, &record);
        for (uint32_t n = any % 13 < 3 ? any % 13 : 0; n; n--) { /* labelled, and labelled again */
            rows[i].label = (enum insp_label)((any >> n) % 3);
            ck_insp_ok(insp_store_label(f.store, id, rows[i].label, "", "", "", &f.err), f.err);
        }
    }
    for (int64_t since = start; since < start + 11; since++)
        for (int64_t until = since + 1; until <= start + 11; until++)
            for (int product = -1; product < 3; product++)
                check_window(&f, product, since, until);
    check_window(&f, -1, 0, 0);
    check_window(&f, 0, start - 100, start - 50);
    fixture_close(&f);
}
END_TEST

static int statements;

/* Every statement that has run: no row was passed over by a scan, none was sorted. */
static int ran(unsigned event, void *arg, void *statement, void *text) {
    (void)event;
    (void)arg;
    (void)text;
    statements++;
    const char *sql = sqlite3_sql(statement);
    ck_assert_msg(!sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0), "scans: %s", sql);
    ck_assert_msg(!sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_SORT, 0), "sorts: %s", sql);
    return 0;
}

static int watch(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    (void)arg;
    (void)reterr;
    sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, ran, NULL);
    return 0;
}

START_TEST(test_neither_scans_nor_sorts) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    for (int i = 0; i < 50; i++)
        put_at(&f, id, i % 2 ? "p" : "q", false, (100 + i) * MINUTE_US, 5000);
    ck_insp_ok(insp_store_read(f.store, watch, NULL, &f.err), f.err); /* one thread: always the same reader */
    for (int i = 0; i < 4; i++) {
        struct insp_statistics s = ask(&f, i & 1 ? "p" : NULL, i & 2 ? 110 : 0, i & 2 ? 120 : 0, 1);
        insp_statistics_clear(&s);
    }
    ck_assert_int_eq(statements, 4);
    fixture_close(&f);
}
END_TEST

/* A latency is known when its commit is: the time is added to the last put, and to no other. */
START_TEST(test_the_commit_is_part_of_the_latency) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    put_at(&f, id, "p", false, 100 * MINUTE_US, 10000);
    insp_store_add_commit(f.store, 20000);
    put_at(&f, id, "q", false, 100 * MINUTE_US, 10000);
    insp_store_add_commit(f.store, 5000);
    struct insp_statistics s = ask(&f, "p", 0, 0, 1);
    ck_assert_int_eq(s.total_max_us, 30000);
    insp_statistics_clear(&s);
    s = ask(&f, "q", 0, 0, 1);
    ck_assert_int_eq(s.total_max_us, 15000);
    insp_statistics_clear(&s);
    put_at(&f, id, "p", false, 100 * MINUTE_US, 50000);
    insp_store_close(f.store); /* writes the remaining counts */
    ck_insp_ok(insp_store_open(f.dir, INSP_DURABLE_PROCESS, &f.store, &f.err), f.err);
    s = ask(&f, NULL, 0, 0, 1);
    ck_assert_int_eq(s.total_max_us, 50000);
    ck_assert_uint_eq(s.good, 3);
    insp_statistics_clear(&s);
    fixture_close(&f);
}
END_TEST

INSP_TESTS(test_the_commit_is_part_of_the_latency, test_counts_equal_the_rows, test_neither_scans_nor_sorts,
           test_late_verdicts_are_counted_by_minute, test_review_is_counted_beside_good_and_anomaly,
           test_buckets_hold_what_falls_into_them, test_counts_by_window_product_and_step,
           test_quantiles_are_within_nine_percent, test_each_step_has_quantiles_of_its_own,
           test_labels_move_between_counts);
