#include "core/train/train.h"

#include "core/model/registry.h"
#include "tests/unit/train_fixture.h"

#include <math.h>

static struct train_fixture f;

static void open_set(void) {
    train_fixture_open(&f);
    fixture_set(&f, 10, 6, 4);
    train_fixture_install_trunk(&f);
}

static json_t *train(const struct insp_train_params *params) {
    json_t *report;
    ck_insp_ok(insp_train(&f.context, params, &report, &f.err), f.err);
    return report;
}

static const char *text(const json_t *report, const char *name) {
    return json_string_value(json_object_get(report, name));
}

static json_int_t number(const json_t *report, const char *name) {
    const json_t *value = json_object_get(report, name);
    ck_assert_msg(json_is_integer(value), "%s is no whole number", name);
    return json_integer_value(value);
}

static size_t versions(void) {
    struct insp_names names;
    ck_insp_ok(insp_registry_versions(f.state, "p", &names, &f.err), f.err);
    size_t count = names.count;
    insp_names_clear(&names);
    return count;
}

START_TEST(defaults_are_the_notebooks) {
    struct insp_train_params p = insp_train_params_default();
    ck_assert_float_eq(p.class_weights[INSP_CLASS_GOOD], 1);
    ck_assert_float_eq(p.class_weights[INSP_CLASS_ANOMALY], 3);
    ck_assert_float_eq(p.learning_rate, 1e-4f);
    ck_assert_uint_eq(p.epochs, 10);
    ck_assert_uint_eq(p.batch, 10);
    ck_assert_float_eq(p.target_accuracy, 0.98f);
    ck_assert_float_eq(p.test_share, 0.2f);
    ck_assert_uint_eq(p.folds, 5);
    ck_assert_uint_eq(p.seed, 42);
}
END_TEST

static int refuse(void *arg, const char *product, const char *version, struct insp_error *reterr) {
    ck_assert_str_eq(product, "p");
    ck_assert_str_ne(version, "");
    return insp_fail(reterr, *(int *)arg, "it answers nonsense");
}

/* A new version that fails on the serving device stays a version; the training does not fail. */
START_TEST(a_version_that_is_refused_is_not_active) {
    open_set();
    struct insp_train_params params = fixture_params();
    int code = INSP_E_SELF_TEST;
    f.context.activate = refuse;
    f.context.activate_arg = &code;
    json_t *report = train(&params);
    char active[INSP_NAME_BYTES];
    ck_assert(json_is_false(json_object_get(report, "activated")));
    ck_assert_str_eq(text(report, "reason"), "not activated: it answers nonsense");
    ck_insp_ok(insp_registry_active(f.state, "p", active, &f.err), f.err);
    ck_assert_str_eq(active, "");
    ck_assert_uint_eq(versions(), 1);
    json_decref(report);
    code = INSP_E_NOSPACE;
    ck_insp_code(insp_train(&f.context, &params, &report, &f.err), INSP_E_NOSPACE, f.err);
    train_fixture_close(&f);
}
END_TEST

START_TEST(writes_and_activates_a_model_that_can_be_read) {
    open_set();
    f.context.job_id = "the-job";
    struct insp_train_params params = fixture_params();
    json_t *report = train(&params);
    char active[INSP_NAME_BYTES];
    ck_insp_ok(insp_registry_active(f.state, "p", active, &f.err), f.err);
    ck_assert_str_eq(active, text(report, "version"));
    struct insp_manifest *manifest;
    struct insp_tail_buffers *tail;
    ck_insp_ok(insp_bundle_read(f.state, "p", active, &manifest, &tail, &f.err), f.err);
    ck_assert_str_eq(manifest->trunk_sha256, f.trunk_sha256);
    ck_assert_float_eq(manifest->threshold, params.threshold);
    ck_assert_float_lt(manifest->heatmap.low, manifest->heatmap.high);
    ck_assert_int_eq(number(manifest->training, "seed"), 42);
    ck_assert_str_eq(text(manifest->training, "candidate"), "tail");
    ck_assert_double_eq(json_real_value(json_object_get(manifest->training, "target_accuracy")), 0.98);
    ck_assert_uint_eq(json_array_size(manifest->curve), 2);
    ck_assert(json_equal(json_object_get(manifest->metrics, "confusion"),
                         json_object_get(json_object_get(report, "metrics"), "confusion")));
    ck_assert(json_is_object(json_object_get(json_object_get(report, "dataset"), "scan")));
    json_object_del(json_object_get(report, "dataset"), "scan"); /* which says nothing about the model */
    ck_assert(json_equal(manifest->dataset, json_object_get(report, "dataset")));
    ck_assert_str_eq(text(manifest->threshold_source, "from"), "default");
    ck_assert(json_is_null(json_object_get(manifest->lineage, "parent")));
    ck_assert_str_eq(text(manifest->lineage, "job"), "the-job");
    ck_assert_str_eq(text(manifest->lineage, "dataset"), text(manifest->dataset, "digest"));
    ck_assert_uint_ge(manifest->pictures.count, 1); /* the good ones of the training part */
    ck_assert(manifest->pictures.high[INSP_STAT_BRIGHT] < 128 && manifest->pictures.low[INSP_STAT_BITS] == 8);
    struct insp_golden *golden;
    ck_insp_ok(insp_bundle_read_golden(f.state, manifest, &golden, &f.err), f.err);
    ck_assert_uint_ge(golden->count, 2);
    insp_golden_free(golden);
    for (size_t i = 0; i < 512; i++)
        ck_assert(isfinite(tail->classifier_weight[i]));
    insp_manifest_free(manifest);
    insp_tail_buffers_free(tail);
    json_decref(report);
    train_fixture_close(&f);
}
END_TEST

START_TEST(the_report_has_all_that_train_h_promises) {
    open_set();
    struct insp_train_params params = fixture_params();
    json_t *report = train(&params);
    ck_assert_str_eq(text(report, "kind"), "train");
    ck_assert_str_eq(text(report, "product"), "p");
    ck_assert(json_is_true(json_object_get(report, "activated")));
    ck_assert_str_eq(text(report, "reason"), "activated: the product had no active model");
    ck_assert_int_eq(number(report, "trunk_runs"), 20);
    ck_assert_int_eq(number(report, "held_out"), 5); /* a quarter of 20 */
    ck_assert(json_is_null(json_object_get(report, "previous")));
    ck_assert_uint_eq(json_array_size(json_object_get(report, "epochs")), 2);
    const json_t *dataset = json_object_get(report, "dataset"), *counts = json_object_get(dataset, "counts");
    ck_assert_int_eq(number(dataset, "images"), 20);
    ck_assert_int_eq(number(counts, "good"), 10);
    ck_assert_int_eq(number(counts, "hole"), 6);
    ck_assert_int_eq(number(counts, "stain"), 4);
    const json_t *metrics = json_object_get(report, "metrics");
    ck_assert_int_eq(number(metrics, "images"), 5);
    ck_assert_uint_eq(json_array_size(json_object_get(report, "images")), 5);
    if (fixture_is_fake()) /* which answers the brightness */
        ck_assert_double_eq(json_real_value(json_object_get(metrics, "roc_auc")), 1);
    const char *const stage[] = {"reading", "features", "training", "evaluating", "writing"};
    for (size_t i = 0; i < INSP_COUNT(stage); i++)
        ck_assert_double_gt(json_real_value(json_object_get(json_object_get(report, "seconds"), stage[i])), 0);
    json_decref(report);
    train_fixture_close(&f);
}
END_TEST

START_TEST(the_second_training_runs_no_trunk_and_must_be_better) {
    open_set();
    struct insp_train_params params = fixture_params();
    json_t *first = train(&params), *second = train(&params);
    ck_assert_int_eq(number(second, "trunk_runs"), 0);
    ck_assert(json_is_false(json_object_get(second, "activated"))); /* the same again: a tie */
    ck_assert_ptr_nonnull(strstr(text(second, "reason"), "not activated: balanced accuracy"));
    const json_t *previous = json_object_get(second, "previous");
    ck_assert_str_eq(text(previous, "version"), text(first, "version"));
    ck_assert(json_is_object(json_object_get(previous, "metrics")));
    ck_assert_uint_eq(versions(), 2);
    char active[INSP_NAME_BYTES];
    ck_insp_ok(insp_registry_active(f.state, "p", active, &f.err), f.err);
    ck_assert_str_eq(active, text(first, "version"));
    params.activate = INSP_ACTIVATE_ALWAYS;
    json_t *third = train(&params);
    ck_assert(json_is_true(json_object_get(third, "activated")));
    json_decref(first);
    json_decref(second);
    json_decref(third);
    train_fixture_close(&f);
}
END_TEST

/* A model whose weights are damaged cannot serve: any other one is better. */
START_TEST(a_broken_active_model_loses) {
    open_set();
    struct insp_train_params params = fixture_params();
    json_t *first = train(&params);
    char folder[INSP_PATH_BYTES], weights[INSP_PATH_BYTES];
    ck_insp_ok(insp_bundle_folder(f.state, "p", text(first, "version"), folder, &f.err), f.err);
    ck_insp_ok(insp_path(weights, &f.err, "%s/model.safetensors", folder), f.err);
    ck_insp_ok(insp_write_file(weights, "gone", 4, 0644, false, &f.err), f.err);
    json_t *second = train(&params);
    ck_assert(json_is_true(json_object_get(second, "activated")));
    ck_assert_ptr_nonnull(strstr(text(second, "reason"), "could not be evaluated"));
    json_decref(first);
    json_decref(second);
    train_fixture_close(&f);
}
END_TEST

static void lose_the_set(void *arg, const struct insp_progress_event *event) {
    (void)arg;
    if (event->kind == INSP_PROGRESS_STAGE && !strcmp(event->text, "evaluating"))
        ck_insp_ok(insp_remove_tree(f.set, &f.err), f.err);
}

/* It is whole, but its own trunk would have to see the images once more, and they have gone meanwhile. */
START_TEST(an_active_model_that_could_not_be_asked_goes_on) {
    open_set();
    struct insp_train_params params = fixture_params();
    json_t *first = train(&params);
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = fixture_trunk_arrays();
    arrays->bias[0][0] += 1;
    ck_insp_ok(insp_trunk_install(f.state, arrays, f.trunk_sha256, &f.err), f.err);
    ck_insp_ok(insp_remove_tree(f.cache, &f.err), f.err);
    f.context.progress = (struct insp_progress){.event = lose_the_set};
    json_t *second = train(&params);
    ck_assert(json_is_false(json_object_get(second, "activated")));
    ck_assert_ptr_nonnull(
        strstr(text(second, "reason"), "not activated: the active model could not be evaluated"));
    char active[INSP_NAME_BYTES];
    ck_insp_ok(insp_registry_active(f.state, "p", active, &f.err), f.err);
    ck_assert_str_eq(active, text(first, "version"));
    json_decref(first);
    json_decref(second);
    train_fixture_close(&f);
}
END_TEST

/* Wherever it is cancelled, there is no model afterwards; how often it asks is counted first. */
static bool count_asks(void *arg) {
    ++*(int *)arg;
    return false;
}

START_TEST(cancelled_anywhere_leaves_no_model) {
    open_set();
    struct insp_train_params params = fixture_params();
    int asks = 0;
    f.context.progress = (struct insp_progress){.cancelled = count_asks, .arg = &asks};
    json_t *report = train(&params);
    char version[INSP_NAME_BYTES];
    snprintf(version, sizeof version, "%s", text(report, "version"));
    json_decref(report);
    ck_assert_int_gt(asks, 20);
    ck_assert_uint_eq(versions(), 1);
    asks -= 20 + 1; /* the features are there now, and there is one more model to judge */
    for (int after = 0; after < asks; after += 7) {
        int left = after;
        f.context.progress = (struct insp_progress){.cancelled = fixture_cancel_after, .arg = &left};
        ck_insp_code(insp_train(&f.context, &params, &report, &f.err), INSP_E_CANCELLED, f.err);
        ck_assert_uint_eq(versions(), 1);
    }
    char active[INSP_NAME_BYTES];
    ck_insp_ok(insp_registry_active(f.state, "p", active, &f.err), f.err);
    ck_assert_str_eq(active, version);
    train_fixture_close(&f);
}
END_TEST

START_TEST(sets_that_cannot_be_trained_on_are_told) {
    train_fixture_open(&f);
    struct insp_train_params params = fixture_params();
    json_t *report;
    fixture_set(&f, 6, 4, 0);
    params.batch = 20;
    ck_insp_code(insp_train(&f.context, &params, &report, &f.err), INSP_E_DATASET, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "fewer than one batch of 20"));
    f.context.dataset_root = "/nowhere";
    ck_insp_code(insp_train(&f.context, &params, &report, &f.err), INSP_E_DATASET, f.err);
    ck_assert_uint_eq(versions(), 0);
    train_fixture_close(&f);
}
END_TEST

/* Every small set is trained on or refused, and nothing divides by a count of 0. */
START_TEST(tiny_sets_are_told_what_they_lack) {
    static const size_t size[][3] = {{1, 1, 0}, {1, 6, 0}, {6, 1, 0}, {6, 1, 1}, {2, 1, 1}, {1, 0, 1}};
    for (size_t i = 0; i < INSP_COUNT(size); i++) {
        train_fixture_open(&f);
        fixture_set(&f, size[i][0], size[i][1], size[i][2]);
        struct insp_train_params params = fixture_params();
        json_t *report;
        ck_insp_code(insp_train(&f.context, &params, &report, &f.err), INSP_E_DATASET, f.err);
        ck_assert_ptr_nonnull(strstr(f.err.detail, "at least 2 good images, 2 images of one defect type"));
        train_fixture_close(&f);
    }
}
END_TEST

static void watch_overall(void *arg, const struct insp_progress_event *event) {
    double *overall = arg;
    ck_assert_double_ge(event->overall, *overall - 1e-9);
    ck_assert_double_le(event->overall, 1);
    *overall = event->overall;
}

START_TEST(progress_never_goes_back) {
    open_set();
    struct insp_train_params params = fixture_params();
    double overall = 0;
    f.context.progress = (struct insp_progress){.event = watch_overall, .arg = &overall};
    json_decref(train(&params));
    ck_assert_double_gt(overall, 0.95);
    train_fixture_close(&f);
}
END_TEST

/* The fixture's classes lie apart, but are few: the threshold is chosen, and the report says what is missing. */
START_TEST(a_threshold_is_chosen_out_of_fold_or_by_the_held_out_part) {
    open_set();
    struct insp_train_params params = fixture_params();
    params.threshold_auto = true;
    params.max_missed = params.max_rejected = 0.5;
    json_t *report = train(&params), *promise = json_object_get(report, "threshold_promise");
    struct insp_manifest *manifest;
    ck_assert_str_eq(text(promise, "from"), "folds");
    const json_t *cost = json_object_get(report, "cpu_seconds");
    ck_assert_double_gt(json_real_value(json_object_get(cost, "training")), 0);
    ck_assert_double_gt(json_real_value(json_object_get(cost, "threshold")), 0);
    ck_assert_ptr_null(strstr(text(report, "reason"), "also chose"));
    ck_assert_str_eq(text(json_object_get(report, "params"), "threshold"), "auto");
    ck_insp_ok(insp_bundle_read(f.state, "p", text(report, "version"), &manifest, NULL, &f.err), f.err);
    ck_assert_float_eq(manifest->threshold, (float)json_real_value(json_object_get(promise, "threshold")));
    ck_assert_str_eq(text(manifest->threshold_source, "from"), "training");
    ck_assert_ptr_null(json_object_get(json_object_get(manifest->threshold_source, "promise"), "preventing"));
    if (fixture_is_fake())
        ck_assert(json_is_true(json_object_get(promise, "kept")));
    json_t *candidates = json_object_get(report, "candidates"); /* dark and bright pictures: all are equal */
    ck_assert_str_eq(text(candidates, "from"), "folds");
    ck_assert_uint_ge(json_array_size(json_object_get(candidates, "list")), 3);
    if (fixture_is_fake())
        ck_assert_str_eq(text(candidates, "taken"), "tail");
    ck_assert_str_eq(text(manifest->training, "candidate"), text(candidates, "taken"));
    ck_assert((manifest->logistic.use == INSP_LOGISTIC_NONE) ==
              (strstr(text(candidates, "taken"), "logistic") == NULL));
    insp_manifest_free(manifest);
    json_decref(report);

    params.max_missed = params.max_rejected = 0.05;
    params.batch = 8; /* halves of the 15 are less */
    report = train(&params);
    promise = json_object_get(report, "threshold_promise");
    ck_assert_str_eq(text(promise, "from"), "held_out");
    ck_assert_ptr_nonnull(strstr(text(report, "reason"), "the held-out images also chose")); /* and compared */
    ck_assert(json_is_false(json_object_get(promise, "kept")));
    ck_assert_ptr_nonnull(strstr(text(promise, "reason"), "more anomalies are needed"));
    candidates = json_object_get(report, "candidates"); /* three held-out images choose no more than a threshold */
    ck_assert_uint_eq(json_array_size(json_object_get(candidates, "list")), 1);
    json_decref(report);

    params.batch = fixture_params().batch;
    params.candidates = false;
    report = train(&params);
    ck_assert_ptr_nonnull(json_object_get(report, "threshold_promise"));
    ck_assert(json_is_null(json_object_get(report, "candidates")));
    json_decref(report);
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(a_threshold_is_chosen_out_of_fold_or_by_the_held_out_part, a_version_that_is_refused_is_not_active,
           defaults_are_the_notebooks, writes_and_activates_a_model_that_can_be_read,
           the_report_has_all_that_train_h_promises, the_second_training_runs_no_trunk_and_must_be_better,
           a_broken_active_model_loses, an_active_model_that_could_not_be_asked_goes_on,
           cancelled_anywhere_leaves_no_model, sets_that_cannot_be_trained_on_are_told,
           tiny_sets_are_told_what_they_lack, progress_never_goes_back);
