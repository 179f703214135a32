#include "core/model/model.h"
#include "core/model/registry.h"
#include "core/train/feedback.h"
#include "tests/unit/train_fixture.h"

#include <math.h>

static struct train_fixture f;
static struct insp_feedback_item items[4];
static struct insp_feedback feedback = {.item = items};

static struct insp_train_params params_of(enum insp_train_mode mode) {
    struct insp_train_params params = insp_train_params_default();
    uint16_t channel[INSP_GOOD_DIMS];
    params.mode = mode;
    params.seed = 0;
    do /* the fixture's trunk answers by channel 0 of each pool */
        insp_good_channels(++params.seed, channel);
    while (channel[0] != 0);
    return params;
}

static json_t *run(const struct insp_train_params *params) {
    json_t *report = NULL;
    ck_insp_ok(insp_train(&f.context, params, &report, &f.err), f.err);
    return report;
}

static const char *text(const json_t *report, const char *name) {
    return json_string_value(json_object_get(report, name));
}

static int64_t number(const json_t *report, const char *name) {
    return json_integer_value(json_object_get(json_object_get(report, "good_only"), name));
}

static struct insp_manifest *manifest_of(const char *version) {
    struct insp_manifest *manifest = NULL;
    ck_insp_ok(insp_bundle_read(f.state, "p", version, &manifest, NULL, &f.err), f.err);
    return manifest;
}

/* Labels the picture of this brightness good. */
static void label_good(const char *name, uint8_t brightness) {
    struct insp_feedback_item *item = &items[feedback.count++];
    char relative[64], path[INSP_PATH_BYTES];
    snprintf(relative, sizeof relative, "../%s", name); /* outside the set */
    fixture_image(&f, relative, brightness);
    snprintf(path, sizeof path, "%s/%s", f.dir, name);
    *item = (struct insp_feedback_item){.label = INSP_CLASS_GOOD};
    item->path = strdup(path);
    ck_insp_ok(insp_sha256_file(path, item->sha256, &f.err), f.err);
    f.context.feedback = &feedback;
}

static void forget_labels(void) {
    while (feedback.count)
        free(items[--feedback.count].path);
}

/* The sums of 24 images and one more, added later without them, are those of 25 images. */
START_TEST(an_image_is_added_exactly_without_the_old_ones) {
    train_fixture_open(&f);
    fixture_set(&f, 24, 0, 0);
    train_fixture_install_trunk(&f);
    const struct insp_train_params fit = params_of(INSP_MODE_GOOD_ONLY), add = params_of(INSP_MODE_ADD_GOOD);
    json_t *first = run(&fit);
    label_good("one.png", 90);
    ck_insp_ok(insp_remove_tree(f.set, &f.err), f.err); /* the old images are gone */
    f.context.dataset_root = NULL;
    json_t *second = run(&add);
    ck_assert_str_eq(text(second, "mode"), "add_good");
    ck_assert_str_eq(text(second, "base"), text(first, "version"));
    ck_assert(json_is_true(json_object_get(second, "activated")));
    ck_assert(number(second, "added") == 1 && number(second, "images") == 25 && number(second, "known") == 0);

    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = manifest_of(text(second, "version"));
    ck_assert(insp_manifest_good_decides(manifest) && manifest->good_only.images == 25);
    ck_assert_str_eq(text(manifest->lineage, "parent"), text(first, "version"));
    struct insp_good_memory memory = {0}, whole = {0};
    ck_insp_ok(insp_bundle_read_memory(f.state, manifest, &memory, &f.err), f.err);

    /* The same 25 images from the start. */
    f.images = 0;
    fixture_set(&f, 24, 0, 0);
    fixture_image(&f, "train/good/one.png", 90);
    f.context.dataset_root = f.set;
    f.context.feedback = NULL;
    json_t *third = run(&fit);
    _cleanup_(insp_manifest_freep) struct insp_manifest *at_once = manifest_of(text(third, "version"));
    ck_insp_ok(insp_bundle_read_memory(f.state, at_once, &whole, &f.err), f.err);
    ck_assert_mem_eq(memory.sha256, whole.sha256, 25 * sizeof *whole.sha256);
    const double *a = &memory.sums->product[0][0][0], *b = &whole.sums->product[0][0][0];
    double apart = 0;
    for (size_t i = 0; i < sizeof whole.sums->product / sizeof(double); i++)
        apart = fmax(apart, fabs(a[i] - b[i]) / fmax(1, fabs(b[i])));
    ck_assert_double_lt(apart, 1e-12);

    insp_good_memory_clear(&memory);
    insp_good_memory_clear(&whole);
    json_decref(first);
    json_decref(second);
    json_decref(third);
    forget_labels();
    train_fixture_close(&f);
}
END_TEST

/* Activates a copy of a version whose tail a GPU has trained and whose heat the good-only model gives. */
static void activate_as_of_a_gpu(const char *version) {
    struct insp_model_files files = {0};
    struct insp_good_memory memory = {0};
    ck_insp_ok(insp_model_read(f.state, "p", version, &files, &f.err), f.err);
    ck_insp_ok(insp_bundle_read_memory(f.state, files.manifest, &memory, &f.err), f.err);
    ck_assert(files.tail && files.golden && !files.golden->cuda);
    files.golden->cuda = true;
    files.manifest->heat = (struct insp_heat_choice){INSP_HEAT_GOOD_ONLY, 0.7f, 0, 1};
    strcpy(files.manifest->version, "gpu");
    const struct insp_bundle_parts parts = {.tail = files.tail,
                                            .golden = files.golden,
                                            .good = files.good,
                                            .memory = &memory,
                                            .logistic = files.logistic};
    ck_insp_ok(insp_bundle_write_parts(f.state, files.manifest, &parts, &f.err), f.err);
    ck_insp_ok(insp_registry_set_active(f.state, "p", "gpu", &f.err), f.err);
    insp_good_memory_clear(&memory);
    insp_model_files_clear(&files);
}

START_TEST(a_tail_stays_and_known_or_missing_images_add_nothing) {
    train_fixture_open(&f);
    fixture_set(&f, 22, 6, 6);
    train_fixture_install_trunk(&f);
    struct insp_train_params fit = params_of(INSP_MODE_AUTO), add = params_of(INSP_MODE_ADD_GOOD);
    json_t *report = NULL;
    fit.batch = 4;
    fit.epochs = 1;
    fit.activate = INSP_ACTIVATE_ALWAYS;
    json_t *first = run(&fit);
    _cleanup_(insp_manifest_freep) struct insp_manifest *base = manifest_of(text(first, "version"));
    ck_insp_code(insp_train(&f.context, &add, &report, &f.err), INSP_E_DATASET, f.err); /* all are known */
    ck_assert_ptr_nonnull(strstr(f.err.detail, "nothing to add"));
    ck_assert_ptr_nonnull(strstr(f.err.detail, "has seen 22"));

    label_good("gone.png", 70);
    label_good("new.png", 75);
    ck_assert_int_eq(unlink(items[0].path), 0); /* by retention */
    json_t *second = run(&add);
    ck_assert(number(second, "added") == 1 && number(second, "known") == 22 && number(second, "unreadable") == 1);
    _cleanup_(insp_manifest_freep) struct insp_manifest *more = manifest_of(text(second, "version"));
    ck_assert_str_eq(more->weights_sha256, base->weights_sha256); /* bit for bit the same tail */
    ck_assert_str_eq(more->golden_sha256, base->golden_sha256);
    ck_assert_str_ne(more->good_only.sha256, base->good_only.sha256);

    add.activate = INSP_ACTIVATE_NEVER;
    label_good("newer.png", 77);
    json_t *third = run(&add);
    ck_assert(json_is_false(json_object_get(third, "activated")) && number(third, "added") == 1);
    activate_as_of_a_gpu(text(second, "version"));
    json_t *fourth = run(&add); /* on the CPU */
    struct insp_model_files files = {0};
    ck_insp_ok(insp_model_read(f.state, "p", text(fourth, "version"), &files, &f.err), f.err);
    ck_assert(files.manifest->heat.kind == INSP_HEAT_GOOD_ONLY && files.golden->cuda);
    insp_model_files_clear(&files);
    json_decref(fourth);
    json_decref(first);
    json_decref(second);
    json_decref(third);
    forget_labels();
    train_fixture_close(&f);
}
END_TEST

START_TEST(a_version_without_sums_cannot_be_extended) {
    train_fixture_open(&f);
    fixture_set(&f, 12, 6, 6);
    train_fixture_install_trunk(&f);
    struct insp_train_params fit = fixture_params(), add = params_of(INSP_MODE_ADD_GOOD);
    json_t *report = NULL;
    ck_insp_code(insp_train(&f.context, &add, &report, &f.err), INSP_E_CONFLICT, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "no active model"));
    json_t *first = run(&fit);
    ck_insp_code(insp_train(&f.context, &add, &report, &f.err), INSP_E_CONFLICT, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "train it with mode auto or good_only"));
    json_decref(first);
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(an_image_is_added_exactly_without_the_old_ones, a_tail_stays_and_known_or_missing_images_add_nothing,
           a_version_without_sums_cannot_be_extended);
