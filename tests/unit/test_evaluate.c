#include "core/train/train.h"

#include "core/model/registry.h"
#include "tests/unit/train_fixture.h"

static struct train_fixture f;

static void open_trained(char *ret_version) {
    train_fixture_open(&f);
    fixture_set(&f, 8, 4, 4);
    train_fixture_install_trunk(&f);
    struct insp_train_params params = fixture_params();
    json_t *report;
    ck_insp_ok(insp_train(&f.context, &params, &report, &f.err), f.err);
    snprintf(ret_version, INSP_NAME_BYTES, "%s", json_string_value(json_object_get(report, "version")));
    json_decref(report);
}

static json_t *evaluate(const char *version) {
    struct insp_train_params params = fixture_params();
    json_t *report;
    ck_insp_ok(insp_evaluate(&f.context, &params, version, &report, &f.err), f.err);
    return report;
}

static json_int_t number(const json_t *report, const char *name) {
    const json_t *value = json_object_get(report, name);
    ck_assert_msg(json_is_integer(value), "%s is no whole number", name);
    return json_integer_value(value);
}

START_TEST(the_active_version_on_the_whole_set) {
    char version[INSP_NAME_BYTES];
    open_trained(version);
    json_t *report = evaluate(NULL), *images = json_object_get(report, "images");
    ck_assert_str_eq(json_string_value(json_object_get(report, "kind")), "evaluate");
    ck_assert_str_eq(json_string_value(json_object_get(report, "version")), version);
    ck_assert_int_eq(number(report, "trunk_runs"), 0); /* training left the features */
    ck_assert_int_eq(number(json_object_get(report, "metrics"), "images"), 16);
    ck_assert_uint_eq(json_array_size(images), 16);
    ck_assert(json_is_null(json_object_get(report, "served"))); /* the tail alone */
    ck_assert_str_eq(json_string_value(json_object_get(report, "decided_by")), "supervised");
    if (fixture_is_fake()) {
        ck_assert_int_eq(number(json_object_get(report, "metrics"), "missed"), 0);
        ck_assert_int_eq(number(json_object_get(report, "metrics"), "false_alarms"), 0);
    }
    json_decref(report);
    train_fixture_close(&f);
}
END_TEST

/* The threshold is the stored model's, not that of the parameters. */
START_TEST(judges_by_the_models_threshold) {
    char version[INSP_NAME_BYTES];
    open_trained(version);
    struct insp_manifest *manifest;
    ck_insp_ok(insp_bundle_read(f.state, "p", version, &manifest, NULL, &f.err), f.err);
    manifest->threshold = 1;
    ck_insp_ok(insp_bundle_update_manifest(f.state, manifest, &f.err), f.err);
    insp_manifest_free(manifest);
    json_t *report = evaluate(version);
    ck_assert_double_eq(json_real_value(json_object_get(report, "threshold")), 1);
    ck_assert_int_eq(number(json_object_get(report, "metrics"), "missed"), 8); /* none is that sure */
    json_decref(report);
    train_fixture_close(&f);
}
END_TEST

START_TEST(no_such_model_is_told_before_anything_is_read) {
    train_fixture_open(&f);
    fixture_set(&f, 3, 2, 0);
    struct insp_train_params params = fixture_params();
    json_t *report;
    ck_insp_code(insp_evaluate(&f.context, &params, NULL, &report, &f.err), INSP_E_CONFLICT, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "no active model"));
    ck_insp_code(insp_evaluate(&f.context, &params, "never", &report, &f.err), INSP_E_NOT_FOUND, f.err);
    ck_assert_int_ne(access(f.cache, F_OK), 0); /* no feature was computed */
    train_fixture_close(&f);
}
END_TEST

START_TEST(evaluation_can_be_cancelled) {
    char version[INSP_NAME_BYTES];
    open_trained(version);
    struct insp_train_params params = fixture_params();
    json_t *report;
    for (int after = 0; after < 17; after += 8) { /* hashing sixteen files, then scoring */
        int left = after;
        f.context.progress = (struct insp_progress){.cancelled = fixture_cancel_after, .arg = &left};
        ck_insp_code(insp_evaluate(&f.context, &params, NULL, &report, &f.err), INSP_E_CANCELLED, f.err);
    }
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(the_active_version_on_the_whole_set, judges_by_the_models_threshold,
           no_such_model_is_told_before_anything_is_read, evaluation_can_be_cancelled);
