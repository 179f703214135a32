#include "core/train/folds/good_validate.h"

#include "core/model/registry.h"
#include "tests/unit/train_fixture.h"

#include <math.h>

static struct train_fixture f;

static struct insp_train_params params_of(enum insp_train_mode mode) {
    struct insp_train_params params = fixture_params();
    uint16_t channel[INSP_GOOD_DIMS];
    params.mode = mode;
    params.epochs = 1;
    params.seed = 0;
    do /* the fixture's trunk answers by channel 0 of each pool */
        insp_good_channels(++params.seed, channel);
    while (channel[0] != 0);
    return params;
}

static json_t *validate(const struct insp_train_params *params) {
    json_t *report = NULL;
    ck_insp_ok(insp_cross_validate(&f.context, params, &report, &f.err), f.err);
    return report;
}

static json_int_t count(const json_t *report, const char *a, const char *b) {
    const json_t *value = json_object_get(json_object_get(report, a), b);
    ck_assert_msg(json_is_integer(value), "%s.%s is no number", a, b);
    return json_integer_value(value);
}

static const char *text(const json_t *report, const char *name) {
    return json_string_value(json_object_get(report, name));
}

START_TEST(good_images_alone_are_judged_in_every_fold) {
    train_fixture_open(&f);
    fixture_set(&f, 22, 3, 0);
    const struct insp_train_params params = params_of(INSP_MODE_GOOD_ONLY);
    json_t *report = validate(&params), *folds = json_object_get(report, "folds"), *fold;
    json_int_t judged = 0;
    size_t i;
    ck_assert_str_eq(text(report, "mode"), "good_only");
    ck_assert_str_eq(text(json_object_get(report, "served"), "decided_by"), "good_only");
    ck_assert_uint_eq(json_array_size(folds), 2);
    json_array_foreach(folds, i, fold) judged += json_integer_value(json_object_get(fold, "held_out"));
    ck_assert_int_eq(judged, 25);
    ck_assert_int_eq(count(report, "pooled", "images"), 25);
    ck_assert_int_eq(count(report, "pooled", "missed"), 0);
    ck_assert_int_eq(count(report, "good_only", "images"), 22);
    ck_assert_int_eq(count(json_object_get(report, "served"), "anomalies", "anomaly"), 3);
    ck_assert_ptr_null(json_object_get(report, "threshold_advice"));
    json_decref(report);
    struct insp_names names;
    ck_insp_ok(insp_registry_versions(f.state, "p", &names, &f.err), f.err);
    ck_assert_uint_eq(names.count, 0); /* it writes no model */
    insp_names_clear(&names);
    train_fixture_close(&f);
}
END_TEST

/* Auto judges what a training would make: from 10 defects on tails with a good-only model beside them. */
START_TEST(auto_judges_both_models_together) {
    train_fixture_open(&f);
    fixture_set(&f, 22, 6, 4);
    struct insp_train_params params = params_of(INSP_MODE_AUTO);
    json_t *report = validate(&params), *served = json_object_get(report, "served");
    ck_assert_str_eq(text(report, "mode"), "supervised");
    ck_assert_str_eq(text(served, "decided_by"), "supervised");
    ck_assert_int_eq(count(report, "pooled", "images"), 32);
    ck_assert(json_is_object(json_object_get(report, "threshold_advice")));
    ck_assert_int_eq(count(served, "stopped", "of"), 10);
    ck_assert_int_eq(count(json_object_get(served, "scores"), "good_only", "missed"), 0);
    ck_assert_int_eq(count(json_object_get(served, "scores"), "supervised", "missed"),
                     count(report, "pooled", "missed"));
    json_decref(report);
    params.mode = INSP_MODE_SUPERVISED;
    report = validate(&params);
    ck_assert_ptr_null(json_object_get(report, "served"));
    json_decref(report);
    train_fixture_close(&f);
}
END_TEST

START_TEST(too_few_good_images_are_refused_or_leave_the_tails_alone) {
    train_fixture_open(&f);
    fixture_set(&f, 12, 6, 4);
    struct insp_train_params params = params_of(INSP_MODE_GOOD_ONLY);
    json_t *report = NULL;
    ck_insp_code(insp_cross_validate(&f.context, &params, &report, &f.err), INSP_E_DATASET, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "so 8 more"));
    params.mode = INSP_MODE_AUTO;
    report = validate(&params);
    ck_assert_ptr_null(json_object_get(report, "served"));
    json_decref(report);
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(good_images_alone_are_judged_in_every_fold, auto_judges_both_models_together,
           too_few_good_images_are_refused_or_leave_the_tails_alone);
