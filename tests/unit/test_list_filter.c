#include "api/inspections/list_filter.h"

#include "core/base/cleanup.h"

#include "harness.h"

static struct insp_error err;

static int filter_of(const char *name, const char *value, struct insp_filter *ret) {
    struct api_query query = {0};
    ck_insp_ok(api_query_add(&query, name, value, &err), err);
    int code = api_list_filter(&query, 7, 500, ret, &err);
    api_query_clear(&query);
    return code;
}

START_TEST(test_values_are_checked) {
    static const char *const wrong[][2] = {{"product", "a/b"}, {"camera", ""},   {"verdict", "bad"},
                                           {"label", "no"},    {"since", "now"}, {"limit", "0"},
                                           {"limit", "501"},   {"part", "a\tb"}};
    struct insp_filter filter;
    for (size_t i = 0; i < INSP_COUNT(wrong); i++)
        ck_insp_code(filter_of(wrong[i][0], wrong[i][1], &filter), INSP_E_QUERY, err);
    ck_insp_ok(filter_of("verdict", "review", &filter), err);
    ck_assert_int_eq(filter.verdict, INSP_VERDICT_REVIEW);
    ck_assert(filter.label == -1 && filter.limit == 7 && !filter.product);
    ck_insp_ok(filter_of("limit", "500", &filter), err);
    ck_assert_uint_eq(filter.limit, 500);
}
END_TEST

/* Each member alone decides. */
START_TEST(test_admits) {
    const struct insp_record record = {.product = "carpet",
                                       .model = "v1",
                                       .camera = "c1",
                                       .part = "",
                                       .verdict = INSP_VERDICT_ANOMALY,
                                       .label = INSP_LABEL_NONE,
                                       .received_us = 1000};
    const struct {
        struct insp_filter filter;
        bool admits;
    } rows[] = {
        {{.verdict = -1, .label = -1}, true},
        {{.verdict = -1, .label = -1, .product = "carpet", .model = "v1", .camera = "c1", .part = ""}, true},
        {{.verdict = -1, .label = -1, .product = "wood"}, false},
        {{.verdict = -1, .label = -1, .model = "v2"}, false},
        {{.verdict = -1, .label = -1, .camera = "c"}, false},
        {{.verdict = -1, .label = -1, .part = "p"}, false},
        {{.verdict = INSP_VERDICT_ANOMALY, .label = INSP_LABEL_NONE}, true},
        {{.verdict = INSP_VERDICT_GOOD, .label = -1}, false},
        {{.verdict = -1, .label = INSP_LABEL_GOOD}, false},
        {{.verdict = -1, .label = -1, .since_us = 1000, .until_us = 1001}, true},
        {{.verdict = -1, .label = -1, .since_us = 1001}, false},
        {{.verdict = -1, .label = -1, .until_us = 1000}, false},
    };
    for (size_t i = 0; i < INSP_COUNT(rows); i++)
        ck_assert_msg(api_filter_admits(&rows[i].filter, &record) == rows[i].admits, "row %zu", i);
}
END_TEST

INSP_TESTS(test_values_are_checked, test_admits);
