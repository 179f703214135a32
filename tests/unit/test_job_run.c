/* Errors that stop a job before its training begins. Whole jobs run in tests/http/test_jobs.py. */
#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/jobs/process/job_run.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"
#include "harness.h"

#include <string.h>

static struct insp_error err;
static char dir[INSP_PATH_BYTES], roots[INSP_PATH_BYTES], set[INSP_PATH_BYTES];

static void setup(void) {
    strcpy(dir, "/tmp/insp-run-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_insp_ok(insp_path(roots, &err, "%s/sets", dir), err);
    ck_insp_ok(insp_path(set, &err, "%s/sets/empty", dir), err);
    ck_insp_ok(insp_mkdir_all(set, 0700, &err), err);
}

static void teardown(void) {
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}

static void install_trunk(void) {
    char sha256[INSP_SHA256_HEX_BYTES];
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = insp_trunk_arrays_new();
    ck_assert_ptr_nonnull(arrays);
    ck_insp_ok(insp_trunk_install(dir, arrays, sha256, &err), err);
}

static int run(enum insp_job_kind kind, const char *dataset) {
    const struct insp_job_machine machine = {
        .state_dir = dir,
        .dataset_roots = roots,
        .device = {.name = "cpu", .threads = 1},
        .limits = insp_image_limits_default(),
    };
    const struct insp_feedback none = {0};
    struct insp_job_row row = {
        .kind = kind, .product = "carpet", .params = {.train = insp_train_params_default()}};
    snprintf(row.params.dataset, sizeof row.params.dataset, "%s", dataset);
    const struct insp_progress progress = {.arg = NULL};
    json_t *report = NULL;
    int r = insp_job_run(&machine, &row, &none, &progress, NULL, NULL, &report, &err);
    ck_assert_ptr_null(report);
    return r;
}

START_TEST(a_dataset_must_be_below_the_roots) {
    setup();
    ck_insp_code(run(INSP_JOB_TRAIN, "../sets/empty"), INSP_E_FORBIDDEN, err);
    ck_insp_code(run(INSP_JOB_TRAIN, "nothing"), INSP_E_DATASET, err);
    teardown();
}
END_TEST

START_TEST(without_a_trunk_the_way_out_is_named) {
    setup();
    ck_insp_code(run(INSP_JOB_TRAIN, "empty"), INSP_E_CONFLICT, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "inspectd trunk import"));
    teardown();
}
END_TEST

START_TEST(an_evaluation_needs_a_model) {
    setup();
    ck_insp_code(run(INSP_JOB_EVALUATE, "empty"), INSP_E_CONFLICT, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "carpet"));
    teardown();
}
END_TEST

START_TEST(an_empty_dataset_fails_and_leaves_no_model) {
    setup();
    install_trunk();
    ck_insp_code(run(INSP_JOB_TRAIN, "empty"), INSP_E_DATASET, err);
    ck_insp_code(run(INSP_JOB_CROSS_VALIDATE, "empty"), INSP_E_DATASET, err);
    _cleanup_(insp_names_clear) struct insp_names versions = {0};
    ck_insp_ok(insp_registry_versions(dir, "carpet", &versions, &err), err);
    ck_assert_uint_eq(versions.count, 0);
    teardown();
}
END_TEST

INSP_TESTS(a_dataset_must_be_below_the_roots, without_a_trunk_the_way_out_is_named, an_evaluation_needs_a_model,
           an_empty_dataset_fails_and_leaves_no_model);
