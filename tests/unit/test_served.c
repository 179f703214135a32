#include "core/judge/served.h"

#include "core/inspect/suspect.h"
#include "tests/unit/harness.h"

#include <math.h>

enum { IMAGES = 6 };

/* Three good parts, two holes and a stain. */
static char strata_names[][INSP_NAME_BYTES] = {"good", "hole", "stain"};
static struct insp_dataset dataset = {.stratum_count = 3, .stratum = strata_names};
static size_t strata[IMAGES] = {0, 0, 0, 1, 1, 2}, member[IMAGES] = {0, 1, 2, 3, 4, 5};
static uint8_t label[IMAGES] = {0, 0, 0, 1, 1, 1};
static const struct insp_members set = {
    .dataset = &dataset, .count = IMAGES, .item = member, .strata = strata, .label = label};

enum { UNLIKE = 1 << INSP_SUSPECT_UNLIKE_GOOD, FLAT = 1 << INSP_SUSPECT_FLAT };

/* The tail sees the holes, the good-only model the stain; one good part is doubted by each. */
static const struct insp_served served[IMAGES] = {
    {INSP_VERDICT_GOOD, 0, 5, 10},       {INSP_VERDICT_REVIEW, UNLIKE, 12, 10},
    {INSP_VERDICT_ANOMALY, FLAT, 6, 10}, {INSP_VERDICT_ANOMALY, 0, 4, 10},
    {INSP_VERDICT_ANOMALY, 0, 20, 20},   {INSP_VERDICT_REVIEW, UNLIKE, 30, 10}};
static const float probability[IMAGES] = {0.1F, 0.2F, 0.7F, 0.9F, 0.8F, 0.3F};

static json_t *made(bool good_decides) {
    const struct insp_served_set all = {&set, member, IMAGES, served, good_decides, probability, 0.5};
    struct insp_error err;
    json_t *json = NULL;
    ck_insp_ok(insp_served_json(&all, &json, &err), err);
    return json;
}

static json_int_t count(const json_t *json, const char *a, const char *b) {
    const json_t *value = json_object_get(json_object_get(json, a), b);
    ck_assert_msg(json_is_integer(value), "%s.%s is no number", a, b);
    return json_integer_value(value);
}

static double figure(const json_t *json, const char *score, const char *name) {
    const json_t *value = json_object_get(json_object_get(json_object_get(json, "scores"), score), name);
    return json_real_value(json_is_object(value) ? json_object_get(value, "value") : value);
}

START_TEST(both_models_count) {
    json_t *json = made(false), *reasons = json_object_get(json, "reasons");
    ck_assert_str_eq(json_string_value(json_object_get(json, "decided_by")), "supervised");
    ck_assert_int_eq(count(json, "good_parts", "good"), 1);
    ck_assert_int_eq(count(json, "good_parts", "review"), 1);
    ck_assert_int_eq(count(json, "good_parts", "anomaly"), 1);
    ck_assert_int_eq(count(json, "anomalies", "review"), 1);
    ck_assert_int_eq(count(json, "anomalies", "anomaly"), 2);
    ck_assert_int_eq(count(json, "passed", "hits"), 1);
    ck_assert_int_eq(count(json, "passed", "of"), 3);
    ck_assert_int_eq(count(json, "stopped", "hits"), 3);
    ck_assert_int_eq(count(reasons, "unlike_good", "good_parts"), 1);
    ck_assert_int_eq(count(reasons, "unlike_good", "anomalies"), 1);
    ck_assert_int_eq(count(reasons, "flat", "good_parts"), 1);
    ck_assert_uint_eq(json_object_size(reasons), 2);
    ck_assert_int_eq(count(json_object_get(json, "by_type"), "stain", "hits"), 1);
    ck_assert_int_eq(count(json_object_get(json, "by_type"), "good", "hits"), 1);
    json_decref(json);
}
END_TEST

START_TEST(each_score_is_measured_by_itself) {
    json_t *json = made(false);
    ck_assert_double_eq_tol(figure(json, "supervised", "recall"), 2.0 / 3, 1e-12); /* misses the stain */
    ck_assert_double_eq_tol(figure(json, "supervised", "roc_auc"), 8.0 / 9, 1e-12);
    /* Against its own threshold each: .5, 1.2, .6 and .4, 1, 3. The second hole is at its threshold. */
    ck_assert_double_eq_tol(figure(json, "good_only", "recall"), 2.0 / 3, 1e-12);
    ck_assert_double_eq_tol(figure(json, "good_only", "specificity"), 2.0 / 3, 1e-12);
    ck_assert_double_eq_tol(figure(json, "good_only", "roc_auc"), 5.0 / 9, 1e-12);
    json_decref(json);
    json = made(true);
    ck_assert_str_eq(json_string_value(json_object_get(json, "decided_by")), "good_only");
    ck_assert(json_is_null(json_object_get(json_object_get(json, "scores"), "supervised")));
    json_decref(json);
}
END_TEST

START_TEST(a_score_that_is_no_number_is_refused) {
    struct insp_served odd[IMAGES];
    memcpy(odd, served, sizeof odd);
    odd[3].good_score = NAN;
    const struct insp_served_set all = {&set, member, IMAGES, odd, true, NULL, 0};
    struct insp_error err;
    json_t *json = NULL;
    ck_insp_code(insp_served_json(&all, &json, &err), INSP_E_MODEL, err);
    ck_assert_ptr_null(json);
}
END_TEST

INSP_TESTS(both_models_count, each_score_is_measured_by_itself, a_score_that_is_no_number_is_refused);
