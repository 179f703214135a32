#include "core/inspect/scoring.h"
#include "core/model/registry.h"
#include "tests/unit/train_fixture.h"

#include <math.h>

static struct train_fixture f;

static struct insp_train_params params_of(void) {
    struct insp_train_params params = insp_train_params_default();
    uint16_t channel[INSP_GOOD_DIMS];
    params.mode = INSP_MODE_GOOD_ONLY;
    params.seed = 0;
    do /* the fixture's trunk answers by channel 0 of each pool */
        insp_good_channels(++params.seed, channel);
    while (channel[0] != 0);
    return params;
}

static json_t *train(const struct insp_train_params *params) {
    json_t *report = NULL;
    ck_insp_ok(insp_train(&f.context, params, &report, &f.err), f.err);
    return report;
}

static const char *text(const json_t *report, const char *name) {
    return json_string_value(json_object_get(report, name));
}

static float probability_of(struct insp_model *model, uint8_t brightness) {
    static uint8_t rgb[INSP_INPUT_FLOATS];
    float probability, cam[INSP_MAP_FLOATS];
    memset(rgb, brightness, sizeof rgb);
    const struct insp_shot shot = {.model = model, .rgb = rgb, .field = NULL};
    ck_insp_ok(insp_model_score(f.trunk, &shot, 1, &probability, cam, NULL, &f.err), f.err);
    return probability;
}

START_TEST(good_images_alone_make_a_version_that_finds_defects) {
    train_fixture_open(&f);
    fixture_set(&f, 24, 0, 0);
    train_fixture_install_trunk(&f);
    const struct insp_train_params params = params_of();
    json_t *report = train(&params), *good = json_object_get(report, "good_only");
    ck_assert(json_is_true(json_object_get(report, "activated")));
    ck_assert_str_eq(text(report, "mode"), "good_only");
    ck_assert_int_eq(json_integer_value(json_object_get(good, "images")), 24);
    ck_assert_int_eq(json_integer_value(json_object_get(good, "more_needed")), 35);

    struct insp_model *model = NULL;
    ck_insp_ok(insp_model_load(f.device, f.state, "p", text(report, "version"), &model, &f.err), f.err);
    ck_assert(insp_manifest_good_decides(model->manifest) && !model->tail && model->good);
    ck_assert_float_ge(probability_of(model, 255), model->manifest->threshold);
    ck_assert_float_lt(probability_of(model, 31), model->manifest->threshold);
    ck_assert_uint_ge(model->manifest->pictures.count, 20);
    ck_assert_str_eq(text(model->manifest->lineage, "dataset"), text(model->manifest->dataset, "digest"));
    insp_model_unref(model);

    json_t *second = train(&params); /* nothing tells which is better */
    ck_assert(json_is_false(json_object_get(second, "activated")));
    ck_assert_ptr_nonnull(strstr(text(second, "reason"), text(report, "version")));
    json_decref(report);
    json_decref(second);
    train_fixture_close(&f);
}
END_TEST

START_TEST(defects_judge_the_version_and_compare_it_with_the_active_one) {
    train_fixture_open(&f);
    fixture_set(&f, 22, 3, 0);
    train_fixture_install_trunk(&f);
    const struct insp_train_params params = params_of();
    json_t *report = train(&params), *metrics = json_object_get(report, "metrics"), *evaluation = NULL;
    ck_assert_int_eq(json_integer_value(json_object_get(metrics, "missed")), 0);
    ck_assert_double_eq(json_real_value(json_object_get(metrics, "roc_auc")), 1);
    ck_assert_uint_gt(json_array_size(json_object_get(report, "images")), 0);
    ck_assert(json_is_null(json_object_get(report, "previous")));

    ck_insp_ok(insp_evaluate(&f.context, &params, NULL, &evaluation, &f.err), f.err);
    ck_assert_str_eq(text(evaluation, "version"), text(report, "version"));
    metrics = json_object_get(evaluation, "metrics");
    ck_assert_int_eq(json_integer_value(json_object_get(metrics, "missed")), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(metrics, "images")), 25);
    ck_assert_str_eq(text(json_object_get(evaluation, "served"), "decided_by"), "good_only");
    metrics = json_object_get(json_object_get(evaluation, "served"), "anomalies");
    ck_assert_int_eq(json_integer_value(json_object_get(metrics, "anomaly")), 3);

    json_t *second = train(&params), *previous = json_object_get(second, "previous"); /* equally good: stays */
    ck_assert_str_eq(text(previous, "version"), text(report, "version"));
    ck_assert(json_is_object(json_object_get(previous, "metrics")));
    ck_assert_ptr_nonnull(strstr(text(second, "reason"), "balanced accuracy on the same"));
    json_decref(evaluation);
    json_decref(report);
    json_decref(second);
    train_fixture_close(&f);
}
END_TEST

START_TEST(an_unreadable_image_is_left_out_only_if_that_is_wanted) {
    train_fixture_open(&f);
    fixture_set(&f, 21, 1, 0);
    train_fixture_install_trunk(&f);
    fixture_bytes(&f, "train/good/broken.png", "no picture", 10);
    fixture_bytes(&f, "test/hole/broken.png", "no picture either", 17);
    struct insp_train_params params = params_of();
    json_t *report = NULL;
    ck_insp_code(insp_train(&f.context, &params, &report, &f.err), INSP_E_IMAGE, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "broken.png"));
    params.skip_unreadable = true;
    report = train(&params);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(report, "dataset"), "skipped")), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(report, "held_out")), 22);
    json_decref(report);
    report = NULL;
    params.skip_unreadable = false;
    ck_insp_code(insp_evaluate(&f.context, &params, NULL, &report, &f.err), INSP_E_IMAGE, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "broken.png"));
    params.skip_unreadable = true;
    ck_insp_ok(insp_evaluate(&f.context, &params, NULL, &report, &f.err), f.err);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(report, "dataset"), "skipped")), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(report, "metrics"), "images")), 22);
    json_decref(report);
    train_fixture_close(&f);
}
END_TEST

/* The version's own answers, as the daemon would give them. */
static void evaluate_both(const char *version) {
    const struct insp_train_params params = params_of();
    json_t *report = NULL;
    ck_insp_ok(insp_evaluate(&f.context, &params, version, &report, &f.err), f.err);
    const json_t *served = json_object_get(report, "served"), *scores = json_object_get(served, "scores");
    const json_t *metrics = json_object_get(report, "metrics");
    ck_assert_str_eq(text(report, "decided_by"), "supervised");
    ck_assert_str_eq(text(served, "decided_by"), "supervised");
    ck_assert(json_equal(json_object_get(scores, "supervised"), metrics)); /* the tail's, as without the other */
    const json_t *good = json_object_get(scores, "good_only");
    ck_assert_int_eq(json_integer_value(json_object_get(good, "missed")), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(served, "stopped"), "of")), 10);
    /* An anomaly that the tail misses is far from all good parts, so none of them passes. */
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(served, "anomalies"), "good")), 0);
    json_decref(report);
}

/* Auto trains both from ten defects on, and the version keeps the good-only model beside its tail. */
START_TEST(the_default_decides_by_the_number_of_defects) {
    train_fixture_open(&f);
    fixture_set(&f, 24, 6, 4);
    train_fixture_install_trunk(&f);
    struct insp_train_params params = params_of();
    struct insp_model *model = NULL;
    params.batch = 4;
    params.epochs = 1;
    params.mode = INSP_MODE_AUTO;
    json_t *report = train(&params), *good = json_object_get(report, "good_only");
    ck_assert_str_eq(text(report, "mode"), "supervised");
    ck_assert_int_eq(json_integer_value(json_object_get(good, "images")), 24);
    ck_insp_ok(insp_model_load(f.device, f.state, "p", text(report, "version"), &model, &f.err), f.err);
    ck_assert(model->tail && model->good && !insp_manifest_good_decides(model->manifest));
    const json_t *maps = json_object_get(report, "heat_maps");
    ck_assert_str_eq(text(maps, "from"), "separation");
    ck_assert_uint_eq(json_array_size(json_object_get(maps, "list")), INSP_HEAT_KINDS);
    ck_assert_str_eq(text(model->manifest->heat_chosen, "reason"), text(maps, "reason"));
    ck_assert_str_eq(insp_heat_kind_name(model->manifest->heat.kind), text(maps, "taken"));
    insp_model_unref(model);
    evaluate_both(text(report, "version"));
    json_decref(report);

    params.heat_auto = false;
    params.heat = INSP_HEAT_PRODUCT;
    params.activate = INSP_ACTIVATE_ALWAYS;
    report = train(&params); /* activated, so it has passed its self-test with this map */
    ck_assert(json_is_true(json_object_get(report, "activated")));
    ck_insp_ok(insp_model_load(f.device, f.state, "p", text(report, "version"), &model, &f.err), f.err);
    ck_assert_int_eq(model->manifest->heat.kind, INSP_HEAT_PRODUCT);
    ck_assert(model->manifest->heatmap.low == 0 && model->manifest->heatmap.high == 1);
    insp_model_unref(model);
    json_decref(report);

    params.mode = INSP_MODE_SUPERVISED;
    report = NULL;
    ck_insp_code(insp_train(&f.context, &params, &report, &f.err), INSP_E_PARAMETER, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "needs a good-only model"));
    params.heat_auto = true;
    report = train(&params);
    ck_assert(json_is_null(json_object_get(report, "good_only")));
    json_decref(report);
    train_fixture_close(&f);
}
END_TEST

static int refuse(void *arg, const char *product, const char *version, struct insp_error *reterr) {
    (void)arg;
    return insp_fail(reterr, INSP_E_SELF_TEST, "%s %s answers nonsense", product, *version ? "v" : "");
}

START_TEST(a_refused_version_stays_and_too_few_images_write_nothing) {
    struct insp_names names;
    train_fixture_open(&f);
    fixture_set(&f, 19, 0, 0);
    train_fixture_install_trunk(&f);
    const struct insp_train_params params = params_of();
    json_t *report = NULL;
    ck_insp_code(insp_train(&f.context, &params, &report, &f.err), INSP_E_DATASET, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "so 1 more"));
    ck_assert_ptr_null(report);
    fixture_image(&f, "train/good/twenty.png", 50);
    f.context.activate = refuse;
    report = train(&params);
    ck_assert(json_is_false(json_object_get(report, "activated")));
    ck_assert_str_eq(text(report, "reason"), "not activated: p v answers nonsense");
    ck_insp_ok(insp_registry_versions(f.state, "p", &names, &f.err), f.err);
    ck_assert_uint_eq(names.count, 1);
    insp_names_clear(&names);
    json_decref(report);
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(good_images_alone_make_a_version_that_finds_defects,
           defects_judge_the_version_and_compare_it_with_the_active_one,
           an_unreadable_image_is_left_out_only_if_that_is_wanted, the_default_decides_by_the_number_of_defects,
           a_refused_version_stays_and_too_few_images_write_nothing);
