#include "core/train/train.h"

#include "core/model/registry.h"
#include "tests/unit/train_fixture.h"

#include <math.h>

static struct train_fixture f;

static json_t *validate(const struct insp_train_params *params) {
    json_t *report;
    ck_insp_ok(insp_cross_validate(&f.context, params, &report, &f.err), f.err);
    return report;
}

static json_int_t number(const json_t *report, const char *name) {
    const json_t *value = json_object_get(report, name);
    ck_assert_msg(json_is_integer(value), "%s is no whole number", name);
    return json_integer_value(value);
}

static double value_of(const json_t *metrics, const char *name) {
    const json_t *figure = json_object_get(metrics, name);
    return json_real_value(json_is_object(figure) ? json_object_get(figure, "value") : figure);
}

START_TEST(every_image_is_judged_once) {
    train_fixture_open(&f);
    fixture_set(&f, 10, 6, 4);
    struct insp_train_params params = fixture_params();
    params.target_accuracy = -1; /* no early stop in folds, whatever it says */
    json_t *report = validate(&params), *folds = json_object_get(report, "folds");
    ck_assert_str_eq(json_string_value(json_object_get(report, "kind")), "cross-validate");
    ck_assert_uint_eq(json_array_size(folds), 2);
    json_int_t judged = 0;
    for (size_t i = 0; i < 2; i++) {
        const json_t *fold = json_array_get(folds, i);
        ck_assert_int_eq(number(fold, "fold"), (json_int_t)i + 1);
        ck_assert_uint_eq(json_array_size(json_object_get(fold, "epochs")), 2);
        ck_assert_int_eq(number(json_object_get(fold, "metrics"), "images"), number(fold, "held_out"));
        judged += number(fold, "held_out");
    }
    ck_assert_int_eq(judged, 20);
    ck_assert_int_eq(number(json_object_get(report, "pooled"), "images"), 20);
    ck_assert(json_is_false(json_object_get(report, "thin")));
    ck_assert_int_eq(number(report, "trunk_runs"), 20); /* once for all folds */
    const json_t *advice = json_object_get(report, "threshold_advice");
    ck_assert(json_is_false(json_object_get(advice, "reachable"))); /* 10 anomalies are too few for 5 % */
    ck_assert_int_eq(number(advice, "anomalies_needed"), 73);
    ck_assert_int_eq(number(json_object_get(advice, "missed"), "hits"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(report, "trunk")), f.context.trunk_sha256);
    const json_t *promise = json_object_get(report, "threshold_promise");
    ck_assert(json_is_false(json_object_get(promise, "kept")));
    ck_assert_int_eq(number(json_object_get(promise, "missed"), "of"), 10);
    ck_assert_int_eq(number(json_object_get(promise, "missed"), "more_needed"), 49); /* 59 for 5 % */
    json_decref(report);
    params.max_missed = 0.5;
    report = validate(&params);
    ck_assert(json_is_true(json_object_get(json_object_get(report, "threshold_advice"), "reachable")));
    ck_assert_int_eq(number(report, "trunk_runs"), 0);
    json_decref(report);
    struct insp_names names;
    ck_insp_ok(insp_registry_versions(f.state, "p", &names, &f.err), f.err);
    ck_assert_uint_eq(names.count, 0); /* it writes no model */
    insp_names_clear(&names);
    train_fixture_close(&f);
}
END_TEST

/* The fake tail takes bright pictures for defects, which are dark here. */
static void reversed_set(void) {
    char path[64];
    for (size_t i = 0; i < 20; i++) {
        snprintf(path, sizeof path, "%s/%02zu.png", i % 2 ? "test/hole" : "train/good", i);
        fixture_image(&f, path, (uint8_t)((i % 2 ? 20 : 200) + i));
    }
}

START_TEST(all_candidates_are_judged_and_each_fold_by_the_choice_of_the_others) {
    train_fixture_open(&f);
    reversed_set();
    struct insp_train_params params = fixture_params();
    params.max_missed = 0.5;
    params.epochs = 4;
    json_t *report = validate(&params), *candidates = json_object_get(report, "candidates"), *candidate;
    const char *taken = json_string_value(json_object_get(candidates, "taken"));
    size_t i, known = 0;
    ck_assert_uint_eq(json_array_size(json_object_get(candidates, "list")), 5);
    json_array_foreach(json_object_get(candidates, "list"), i, candidate) {
        const json_t *advice = json_object_get(candidate, "threshold_advice");
        ck_assert_int_eq(number(json_object_get(advice, "missed"), "of"), 10);
        if (!strcmp(json_string_value(json_object_get(candidate, "name")), taken)) {
            known++;
            ck_assert(json_equal(advice, json_object_get(report, "threshold_advice")));
        }
    }
    ck_assert_uint_eq(known, 1);
    if (fixture_is_fake()) {
        ck_assert_str_eq(taken, "tail_and_logistic");
        ck_assert_double_eq_tol(json_real_value(json_object_get(candidates, "nested_auc")), 1, 1e-9);
        json_array_foreach(json_object_get(report, "folds"), i, candidate)
            ck_assert_str_eq(json_string_value(json_object_get(candidate, "candidate")), "tail_and_logistic");
        ck_assert_double_eq_tol(value_of(json_object_get(report, "pooled"), "roc_auc"), 1, 1e-9);
    }
    json_decref(report);

    params.candidates = false; /* the notebook's: the tail alone */
    report = validate(&params);
    ck_assert(json_is_null(json_object_get(report, "candidates")));
    ck_assert_ptr_null(json_object_get(json_array_get(json_object_get(report, "folds"), 0), "candidate"));
    ck_assert(json_is_object(json_object_get(report, "threshold_advice")));
    if (fixture_is_fake())
        ck_assert_double_eq_tol(value_of(json_object_get(report, "pooled"), "roc_auc"), 0, 1e-9);
    json_decref(report);
    train_fixture_close(&f);
}
END_TEST

START_TEST(mean_and_deviation_are_of_the_folds) {
    train_fixture_open(&f);
    fixture_set(&f, 8, 6, 0);
    fixture_image(&f, "test/hole/dark.png", 30); /* the fake device judges it good */
    fixture_image(&f, "train/good/bright.png", 200);
    struct insp_train_params params = fixture_params();
    params.candidates = false;
    json_t *report = validate(&params), *folds = json_object_get(report, "folds");
    const char *const figure[] = {"accuracy", "balanced_accuracy", "recall", "roc_auc"};
    for (size_t i = 0; i < INSP_COUNT(figure); i++) {
        double a = value_of(json_object_get(json_array_get(folds, 0), "metrics"), figure[i]);
        double b = value_of(json_object_get(json_array_get(folds, 1), "metrics"), figure[i]);
        ck_assert_double_eq_tol(value_of(json_object_get(report, "mean"), figure[i]), (a + b) / 2, 1e-12);
        /* of the sample: n - 1 */
        ck_assert_double_eq_tol(value_of(json_object_get(report, "std"), figure[i]), fabs(a - b) / sqrt(2), 1e-7);
    }
    if (fixture_is_fake())
        ck_assert_double_eq_tol(value_of(json_object_get(report, "pooled"), "accuracy"), 14.0 / 16, 1e-12);
    json_decref(report);
    train_fixture_close(&f);
}
END_TEST

START_TEST(thin_defects_are_told_and_too_few_images_refused) {
    train_fixture_open(&f);
    fixture_set(&f, 8, 3, 1);
    struct insp_train_params params = fixture_params();
    json_t *report = validate(&params);
    ck_assert(json_is_true(json_object_get(report, "thin")));
    json_decref(report);
    params.folds = 5;
    ck_insp_code(insp_cross_validate(&f.context, &params, &report, &f.err), INSP_E_DATASET, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "5 folds need at least 5 good and 5 anomalous images"));
    params.folds = 1;
    ck_insp_code(insp_cross_validate(&f.context, &params, &report, &f.err), INSP_E_PARAMETER, f.err);
    train_fixture_close(&f);
}
END_TEST

START_TEST(cancelled_within_a_fold) {
    train_fixture_open(&f);
    fixture_set(&f, 6, 6, 0);
    struct insp_train_params params = fixture_params();
    json_t *report;
    for (int after = 0; after < 28; after += 9) {
        int left = after;
        f.context.progress = (struct insp_progress){.cancelled = fixture_cancel_after, .arg = &left};
        ck_insp_code(insp_cross_validate(&f.context, &params, &report, &f.err), INSP_E_CANCELLED, f.err);
    }
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(every_image_is_judged_once, all_candidates_are_judged_and_each_fold_by_the_choice_of_the_others,
           mean_and_deviation_are_of_the_folds, thin_defects_are_told_and_too_few_images_refused,
           cancelled_within_a_fold);
