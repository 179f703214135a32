#include "core/store/internal.h"

#include "tests/unit/store_fixture.h"

struct ids {
    size_t count;
    char id[64][INSP_UUID_BYTES];
};

static int collect(void *arg, const struct insp_record *record) {
    struct ids *ids = arg;
    ck_assert_ptr_null(record->cam);
    strcpy(ids->id[ids->count++], record->id);
    return 0;
}

static struct ids list(struct fixture *f, struct insp_filter filter) {
    struct ids ids = {0};
    ck_insp_ok(insp_store_list(f->store, &filter, collect, &ids, &f->err), f->err);
    return ids;
}

#define ANY .verdict = -1, .label = -1, .limit = 50

/* Twelve records of every combination of product, camera and verdict, a part in each third, one labelled. */
static void fill(struct fixture *f, char id[12][INSP_UUID_BYTES]) {
    fixture_open(f);
    for (int i = 0; i < 12; i++) {
        struct insp_record record = fixture_record(id[i], i & 1 ? "p1" : "p0", i & 4);
        record.camera = i & 2 ? "c1" : "c0";
        record.part = i % 3 == 0 ? "x" : "";
        record.model = i < 6 ? "v1" : "v2";
        record.received_us = 1000000LL * (1000 + i);
        fixture_put(f, &record);
    }
    ck_insp_ok(insp_store_label(f->store, id[5], INSP_LABEL_GOOD, "", "", "me", &f->err), f->err);
}

START_TEST(test_each_filter_and_all_together) {
    struct fixture f;
    char id[12][INSP_UUID_BYTES];
    fill(&f, id);
    ck_assert_uint_eq(list(&f, (struct insp_filter){ANY}).count, 12);
    ck_assert_uint_eq(list(&f, (struct insp_filter){ANY, .product = "p0"}).count, 6);
    ck_assert_uint_eq(list(&f, (struct insp_filter){ANY, .product = "p2"}).count, 0);
    ck_assert_uint_eq(list(&f, (struct insp_filter){ANY, .camera = "c1"}).count, 6);
    ck_assert_uint_eq(list(&f, (struct insp_filter){ANY, .part = "x"}).count, 4);
    ck_assert_uint_eq(list(&f, (struct insp_filter){ANY, .part = ""}).count, 8);
    ck_assert_uint_eq(list(&f, (struct insp_filter){ANY, .model = "v2"}).count, 6);
    ck_assert_uint_eq(list(&f, (struct insp_filter){.verdict = 1, .label = -1, .limit = 50}).count, 4);
    ck_assert_uint_eq(list(&f, (struct insp_filter){.verdict = 0, .label = -1, .limit = 50}).count, 8);
    ck_assert_uint_eq(list(&f, (struct insp_filter){.verdict = -1, .label = 0, .limit = 50}).count, 11);
    struct ids one = list(
        &f,
        (struct insp_filter){
            .verdict = 1, .label = INSP_LABEL_GOOD, .product = "p1", .camera = "c0", .model = "v1", .limit = 50});
    ck_assert_uint_eq(one.count, 1);
    ck_assert_str_eq(one.id[0], id[5]);
    fixture_close(&f);
}
END_TEST

START_TEST(test_review_is_a_verdict_of_its_own) {
    struct fixture f;
    char id[12][INSP_UUID_BYTES], review[INSP_UUID_BYTES];
    fill(&f, id);
    struct insp_record record = fixture_record(review, "p0", false);
    record.verdict = INSP_VERDICT_REVIEW;
    fixture_put(&f, &record);
    ck_assert_uint_eq(list(&f, (struct insp_filter){.verdict = 0, .label = -1, .limit = 50}).count, 8);
    ck_assert_uint_eq(list(&f, (struct insp_filter){.verdict = 1, .label = -1, .limit = 50}).count, 4);
    struct ids one = list(&f, (struct insp_filter){.verdict = 2, .label = -1, .limit = 50});
    ck_assert_uint_eq(one.count, 1);
    ck_assert_str_eq(one.id[0], review);
    ck_assert_uint_eq(
        list(&f, (struct insp_filter){.verdict = 2, .label = -1, .limit = 50, .product = "p0"}).count, 1);
    ck_assert_uint_eq(
        list(&f, (struct insp_filter){.verdict = 2, .label = -1, .limit = 50, .product = "p1"}).count, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(test_pages_meet_without_gap) {
    struct fixture f;
    char id[12][INSP_UUID_BYTES];
    fill(&f, id);
    const char *before = NULL;
    struct ids page;
    size_t seen = 0;
    do {
        page = list(&f, (struct insp_filter){.verdict = -1, .label = -1, .limit = 5, .before_id = before});
        for (size_t i = 0; i < page.count; i++, seen++)
            ck_assert_str_eq(page.id[i], id[11 - seen]);
        before = page.count ? id[11 - seen + 1] : NULL;
    } while (page.count);
    ck_assert_uint_eq(seen, 12);
    page = list(&f, (struct insp_filter){ANY, .after_id = id[8]});
    ck_assert_uint_eq(page.count, 3);
    ck_assert_str_eq(page.id[0], id[9]);
    struct insp_filter bad = {ANY, .before_id = "no id"};
    ck_insp_code(insp_store_list(f.store, &bad, collect, &page, &f.err), INSP_E_QUERY, f.err);
    fixture_close(&f);
}
END_TEST

START_TEST(test_times_are_exact) {
    struct fixture f;
    char id[3][INSP_UUID_BYTES];
    fixture_open(&f);
    int64_t now_us = insp_wall_us();
    for (int i = 0; i < 3; i++) {
        struct insp_record record = fixture_record(id[i], "p", false);
        record.received_us = now_us + i;
        fixture_put(&f, &record);
    }
    ck_assert_uint_eq(list(&f, (struct insp_filter){ANY, .since_us = now_us}).count, 3);
    ck_assert_uint_eq(list(&f, (struct insp_filter){ANY, .since_us = now_us + 1}).count, 2);
    ck_assert_uint_eq(list(&f, (struct insp_filter){ANY, .until_us = now_us + 1}).count, 1);
    ck_assert_uint_eq(list(&f, (struct insp_filter){ANY, .since_us = now_us + 1, .until_us = now_us + 2}).count,
                      1);
    fixture_close(&f);
}
END_TEST

static int plan_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    char sql[INSP_LIST_SQL_BYTES + 32] = "EXPLAIN QUERY PLAN ";
    int r = 0;
    for (int i = 0; r == 0 && insp_list_statement(arg, i, sql + strlen("EXPLAIN QUERY PLAN ")); i++) {
        _cleanup_stmt_ struct sqlite3_stmt *plan = NULL;
        r = insp_sql_prepare(db, sql, &plan, reterr);
        while (r == 0 && sqlite3_step(plan) == SQLITE_ROW) {
            const char *step = (const char *)sqlite3_column_text(plan, 3);
            ck_assert_msg(!strstr(step, "TEMP B-TREE") && strncmp(step, "SEARCH ", 7) == 0, "%s: %s", step, sql);
        }
    }
    return r;
}

/* Every combination of filters can be prepared (an index named in it fits), none sorts and none scans: each goes
 * to its place by an index or the key. */
START_TEST(test_no_combination_scans_or_sorts) {
    struct fixture f;
    fixture_open(&f);
    for (int bits = 0; bits < 256; bits++) {
        for (int verdict = -1; verdict <= 2; verdict++) {
            for (int label = -1; label <= 2; label++) {
                const char *id = "01900000-0000-7000-8000-000000000000";
                struct insp_filter filter = {.product = bits & 1 ? "p" : NULL,
                                             .camera = bits & 2 ? "c" : NULL,
                                             .part = bits & 4 ? "x" : NULL,
                                             .model = bits & 8 ? "m" : NULL,
                                             .since_us = bits & 16 ? 1 : 0,
                                             .until_us = bits & 32 ? 2 : 0,
                                             .before_id = bits & 64 ? id : NULL,
                                             .after_id = bits & 128 ? id : NULL,
                                             .verdict = verdict,
                                             .label = label,
                                             .limit = 50};
                ck_insp_ok(insp_store_read(f.store, plan_work, &filter, &f.err), f.err);
            }
        }
    }
    fixture_close(&f);
}
END_TEST

/* A cursor within a window: the nearer of the two bounds is the one that is sought. */
START_TEST(test_cursor_and_times_meet) {
    struct fixture f;
    char id[12][INSP_UUID_BYTES];
    fixture_open(&f);
    int64_t now_us = insp_wall_us();
    for (int i = 0; i < 12; i++) {
        struct insp_record record = fixture_record(id[i], "p", false);
        record.received_us = now_us + i;
        fixture_put(&f, &record);
    }
    for (const char *product = "p"; product; product = product[0] ? "" : NULL) {
        struct insp_filter filter = {ANY, .since_us = now_us + 2, .until_us = now_us + 9, .before_id = id[6]};
        filter.product = *product ? product : NULL;
        struct ids page = list(&f, filter);
        ck_assert_uint_eq(page.count, 4);
        ck_assert_str_eq(page.id[0], id[5]);
        ck_assert_str_eq(page.id[3], id[2]);
        filter.verdict = INSP_VERDICT_GOOD; /* by series */
        page = list(&f, filter);
        ck_assert_uint_eq(page.count, 4);
        ck_assert_str_eq(page.id[0], id[5]);
        ck_assert_str_eq(page.id[3], id[2]);
    }
    fixture_close(&f);
}
END_TEST

INSP_TESTS(test_each_filter_and_all_together, test_review_is_a_verdict_of_its_own, test_pages_meet_without_gap,
           test_times_are_exact, test_no_combination_scans_or_sorts, test_cursor_and_times_meet);
