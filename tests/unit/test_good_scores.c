#include "core/model/good/good_scores.h"

#include "tests/unit/harness.h"

#include <string.h>

static struct insp_good_scores even(size_t n) {
    float probability[500];
    for (size_t i = 0; i < n; i++)
        probability[n - 1 - i] = 0.5F * (float)i / (float)(n - 1);
    return insp_good_scores_of(probability, n);
}

START_TEST(quantiles_survive_the_manifest) {
    struct insp_good_scores scores = even(100), back;
    struct insp_error err = {0};
    json_t *object = insp_good_scores_json(&scores);
    ck_insp_ok(insp_good_scores_parse(object, &back, &err), err);
    ck_assert_uint_eq(back.count, 100);
    ck_assert_mem_eq(back.quantile, scores.quantile, sizeof back.quantile);
    ck_assert(back.quantile[0] == 0 && back.quantile[100] == 0.5F);
    json_decref(object);
    float one = 0.5F;
    struct insp_good_scores none = insp_good_scores_of(&one, 1);
    object = insp_good_scores_json(&none);
    ck_assert(json_is_null(object));
    ck_insp_ok(insp_good_scores_parse(object, &back, &err), err);
    ck_assert_uint_eq(back.count, 0);
    json_decref(object);
}
END_TEST

static void refused(const char *key, json_t *value, const char *named) {
    struct insp_good_scores scores = even(100), back;
    struct insp_error err = {0};
    json_t *object = insp_good_scores_json(&scores);
    json_object_set_new(object, key, value);
    ck_insp_code(insp_good_scores_parse(object, &back, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, named));
    json_decref(object);
}

START_TEST(a_wrong_object_is_refused_by_the_name_of_its_field) {
    struct insp_good_scores scores = even(100), back;
    struct insp_error err = {0};
    refused("count", json_integer(1), "count");
    refused("count", json_string("many"), "count");
    refused("quantiles", json_array(), "good_scores.quantiles");
    json_t *object = insp_good_scores_json(&scores);
    json_array_set_new(json_object_get(object, "quantiles"), 50, json_real(0.1)); /* below the one before */
    ck_insp_code(insp_good_scores_parse(object, &back, &err), INSP_E_MODEL, err);
    json_array_set_new(json_object_get(object, "quantiles"), 50, json_real(1.5));
    ck_insp_code(insp_good_scores_parse(object, &back, &err), INSP_E_MODEL, err);
    json_decref(object);
    json_t *text = json_string("x");
    ck_insp_code(insp_good_scores_parse(text, &back, &err), INSP_E_MODEL, err);
    json_decref(text);
}
END_TEST

INSP_TESTS(quantiles_survive_the_manifest, a_wrong_object_is_refused_by_the_name_of_its_field);
