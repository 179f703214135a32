#include "core/store/lists/series.h"

#include "core/store/internal.h"
#include "tests/unit/store_fixture.h"

enum { ROWS = 600, CALLS = 4000 };

static struct fixture f;
static char id[ROWS][INSP_UUID_BYTES];
static struct insp_record record[ROWS];
static uint64_t state = 7;

static unsigned any(unsigned below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

static const char *const products[] = {"p", "p0", "", "zz"}, *const cameras[] = {"", "c", "c\xc3\xa4", "c0"},
                         *const models[] = {"v1", "v2", "v"};

/* Few values of each column, in uneven shares; some combinations never come. */
static void fill(void) {
    fixture_open(&f);
    for (int i = 0; i < ROWS; i++) {
        record[i] = fixture_record(id[i], products[any(4) & any(4)], any(3) == 0);
        record[i].camera = cameras[any(4) & any(4)];
        record[i].model = models[any(3)];
        record[i].verdict =
            record[i].verdict == INSP_VERDICT_ANOMALY && any(4) == 0 ? INSP_VERDICT_REVIEW : record[i].verdict;
        record[i].received_us = 1700000000000000 + 1000 * i;
        record[i].label = any(10) ? INSP_LABEL_NONE : any(2) ? INSP_LABEL_GOOD : INSP_LABEL_ANOMALY;
    }
    ck_insp_ok(insp_store_put(f.store, record, ROWS, &f.err), f.err);
    for (int i = 0; i < ROWS; i++)
        if (record[i].label)
            ck_insp_ok(insp_store_label(f.store, id[i], record[i].label, "", "", "me", &f.err), f.err);
}

static bool fits(const struct insp_filter *filter, int i) {
    return (!filter->product || !strcmp(filter->product, record[i].product)) &&
           (!filter->camera || !strcmp(filter->camera, record[i].camera)) &&
           (!filter->model || !strcmp(filter->model, record[i].model)) &&
           (filter->verdict < 0 || filter->verdict == (int)record[i].verdict) &&
           (filter->label < 0 || filter->label == (int)record[i].label) &&
           (!filter->since_us || record[i].received_us >= filter->since_us) &&
           (!filter->until_us || record[i].received_us < filter->until_us) &&
           (!filter->before_id || strcmp(id[i], filter->before_id) < 0);
}

struct seen {
    size_t count;
    int next; /* the newest row that may come */
    const struct insp_filter *filter;
};

static int check(void *arg, const struct insp_record *found) {
    struct seen *seen = arg;
    while (seen->next >= 0 && !fits(seen->filter, seen->next))
        seen->next--;
    ck_assert_int_ge(seen->next, 0);
    ck_assert_str_eq(found->id, id[seen->next--]);
    seen->count++;
    return 0;
}

/* Against a plain look at each row. The ids are of now, the times long ago: no range of keys is cut by them. */
START_TEST(test_equals_brute_force) {
    fill();
    size_t fitting = 0, answered = 0;
    for (int call = 0; call < CALLS; call++) {
        unsigned bits = any(64);
        struct insp_filter filter = {.product = bits & 1 ? products[any(4)] : NULL,
                                     .camera = bits & 2 ? cameras[any(4)] : NULL,
                                     .model = bits & 4 ? any(5) ? models[any(3)] : "none" : NULL,
                                     .before_id = bits & 8 ? id[any(ROWS)] : NULL,
                                     .verdict = (int)any(4) - 1,
                                     .label = (int)any(4) - 1,
                                     .limit = 1 + any(any(2) ? 4 : 200)};
        struct seen seen = {.next = ROWS - 1, .filter = &filter};
        fitting += insp_series_fit(&filter);
        ck_insp_ok(insp_store_list(f.store, &filter, check, &seen, &f.err), f.err);
        if (seen.count < filter.limit)
            while (seen.next >= 0)
                ck_assert(!fits(&filter, seen.next--)); /* none was left out */
        answered += seen.count;
    }
    ck_assert_uint_gt(fitting, CALLS / 2);
    ck_assert_uint_gt(answered, CALLS);
    fixture_close(&f);
}
END_TEST

START_TEST(test_which_filters_fit) {
#define ANY .verdict = -1, .label = -1
    ck_assert(!insp_series_fit(&(struct insp_filter){ANY}));
    ck_assert(!insp_series_fit(&(struct insp_filter){ANY, .product = "p"}));
    ck_assert(insp_series_fit(&(struct insp_filter){ANY, .product = "p", .camera = ""}));
    ck_assert(insp_series_fit(&(struct insp_filter){ANY, .model = "v"}));
    ck_assert(insp_series_fit(&(struct insp_filter){.verdict = 0, .label = -1}));
    ck_assert(insp_series_fit(&(struct insp_filter){.verdict = -1, .label = 0}));
    ck_assert(!insp_series_fit(&(struct insp_filter){.verdict = 0, .label = -1, .part = "x"}));
    ck_assert(!insp_series_fit(&(struct insp_filter){.verdict = 0, .label = -1, .after_id = "x"}));
}
END_TEST

static int many_cameras(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    return insp_sql_exec(db, arg, reterr);
}

struct given_up {
    bool gave_up;
    size_t count;
};

static int ask(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct given_up *ret = arg;
    const struct insp_filter filter = {.verdict = INSP_VERDICT_GOOD, .label = -1, .limit = 5};
    int64_t *keys = NULL;
    int r = insp_series_keys(db, &filter, -1, INT64_MAX, &keys, &ret->count, &ret->gave_up, reterr);
    free(keys);
    return r;
}

static int count(void *arg, const struct insp_record *found) {
    (void)found;
    ++*(size_t *)arg;
    return 0;
}

/* More rows than seeks, each with another camera: the list is answered all the same. */
START_TEST(test_gives_up_and_is_answered) {
    static char sql[] = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20001)"
                        " INSERT INTO inspection (key, id, product, model, camera, part, anomaly, probability, "
                        "threshold, heat_max, heat_area,"
                        " heat_threshold, heat_low, heat_high, heat_per_image, boxes, width, height, sha256, "
                        "media_type, extension, image_bytes,"
                        " received_us, decode_us, queue_us, inference_us, store_us, total_us)"
                        " SELECT n, randomblob(16), 'p', 'v', 'c' || n, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, '[]', 1, "
                        "1, '', '', '', 0, 0, 0, 0, 0, 0,"
                        " 0 FROM n";
    const struct insp_filter filter = {.verdict = INSP_VERDICT_GOOD, .label = -1, .limit = 5};
    struct given_up given_up = {0};
    size_t rows = 0;
    fixture_open(&f);
    ck_insp_ok(insp_store_write(f.store, many_cameras, sql, &f.err), f.err);
    ck_insp_ok(insp_store_read(f.store, ask, &given_up, &f.err), f.err);
    ck_assert(given_up.gave_up);
    ck_insp_ok(insp_store_list(f.store, &filter, count, &rows, &f.err), f.err);
    ck_assert_uint_eq(rows, 5);
    fixture_close(&f);
}
END_TEST

INSP_TESTS(test_equals_brute_force, test_which_filters_fit, test_gives_up_and_is_answered);
