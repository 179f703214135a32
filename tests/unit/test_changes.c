#include "core/store/changes.h"

#include "core/store/sql.h"
#include "tests/unit/retention_fixture.h"

struct seen {
    size_t count;
    char id[8][INSP_UUID_BYTES], text[8][128];
};

static int collect(void *arg, const struct insp_change *change) {
    struct seen *seen = arg;
    strcpy(seen->id[seen->count], change->id);
    snprintf(seen->text[seen->count++], sizeof seen->text[0], "%s %s %s %s->%s", change->who, change->version,
             change->field, change->from, change->to);
    ck_assert_int_gt(change->at_us, 0);
    return 0;
}

static struct seen list(struct fixture *f, const char *version, const char *before, size_t limit) {
    struct seen seen = {0};
    ck_insp_ok(insp_changes_list(f->store, "p", version, before, limit, collect, &seen, &f->err), f->err);
    return seen;
}

static const struct insp_change_work nothing = {0};

static void add(struct fixture *f, const char *version, const char *field, const char *from, const char *to) {
    const struct insp_change change = {
        .who = "me", .product = "p", .version = version, .field = field, .from = from, .to = to};
    ck_insp_ok(insp_changes_apply(f->store, &change, 1, &nothing, &f->err), f->err);
}

START_TEST(newest_first_with_what_took_the_version_out) {
    struct fixture f;
    fixture_open(&f);
    add(&f, "v1", "threshold", "0.5", "0.4");
    add(&f, "v2", "threshold", "0.5", "0.6");
    add(&f, "v2", "active", "\"v1\"", "\"v2\"");
    add(&f, "v1", "deleted", "false", "true");
    struct seen seen = list(&f, "v1", NULL, 8);
    ck_assert_uint_eq(seen.count, 3);
    ck_assert_str_eq(seen.text[0], "me v1 deleted false->true");
    ck_assert_str_eq(seen.text[1], "me v2 active \"v1\"->\"v2\"");
    ck_assert_str_eq(seen.text[2], "me v1 threshold 0.5->0.4");
    struct seen page = list(&f, "v1", NULL, 2), rest = list(&f, "v1", page.id[1], 2);
    ck_assert(page.count == 2 && rest.count == 1);
    ck_assert_str_eq(rest.id[0], seen.id[2]);
    ck_assert_uint_eq(list(&f, "v", NULL, 8).count, 0);
    fixture_close(&f);
}
END_TEST

static int refuse(void *arg, struct insp_error *reterr) {
    (void)arg;
    return insp_fail(reterr, INSP_E_NOSPACE, "full");
}

START_TEST(a_change_that_fails_leaves_no_row) {
    struct fixture f;
    fixture_open(&f);
    const struct insp_change change = {
        .who = "me", .product = "p", .version = "v1", .field = "threshold", .from = "0", .to = "1"};
    ck_insp_code(insp_changes_apply(f.store, &change, 1, &(struct insp_change_work){.apply = refuse}, &f.err),
                 INSP_E_NOSPACE, f.err);
    ck_assert_uint_eq(list(&f, "v1", NULL, 8).count, 0);
    fixture_close(&f);
}
END_TEST

static int step(void *arg, struct insp_error *reterr) {
    (void)reterr;
    *(int *)arg = 1;
    return 0;
}

static void step_back(void *arg) {
    *(int *)arg = 2;
}

START_TEST(a_commit_that_fails_takes_the_change_back) {
    struct fixture f;
    int done = 0;
    fixture_open(&f);
    ck_insp_ok(insp_store_write(f.store, fixture_break_commits, NULL, &f.err), f.err);
    const struct insp_change change = {
        .who = "me", .product = "p", .version = "v1", .field = "threshold", .from = "0", .to = "1"};
    ck_assert_int_lt(
        insp_changes_apply(f.store, &change, 1, &(struct insp_change_work){step, step_back, &done}, &f.err), 0);
    ck_assert_int_eq(done, 2);
    ck_assert_uint_eq(list(&f, "v1", NULL, 8).count, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(retention_leaves_them) {
    struct fixture f;
    char id[INSP_UUID_BYTES];
    fixture_open(&f);
    add(&f, "v1", "threshold", "0.5", "0.4");
    struct insp_record record = fixture_record(id, "p", true);
    fixture_put(&f, &record);
    struct insp_retention policy = unbounded;
    policy.good_age_us = policy.anomaly_age_us = 1;
    ck_assert_uint_eq(fixture_sweep(&f, &policy, 900 * DAY_US).aged, 1);
    ck_assert_uint_eq(list(&f, "v1", NULL, 8).count, 1);
    fixture_close(&f);
}
END_TEST

INSP_TESTS(newest_first_with_what_took_the_version_out, a_change_that_fails_leaves_no_row,
           a_commit_that_fails_takes_the_change_back, retention_leaves_them);
