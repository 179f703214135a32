#include "core/model/model.h"

#include "core/base/fs.h"
#include "core/model/bundle.h"

#include "field_samples.h"
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static char state[] = "/tmp/insp-model-XXXXXX";

static void remove_state(void) {
    insp_remove_tree(state, NULL);
}

static struct insp_device *open_cpu(void) {
    struct insp_error err = {0};
    struct insp_device *device = NULL;
    ck_insp_ok(insp_device_open(&(struct insp_device_config){.name = "cpu", .threads = 1}, &device, &err), err);
    return device;
}

/* A bundle "cubes/v1" whose trunk file is there by name only. */
static void begin(void) {
    struct insp_error err = {0};
    char path[INSP_PATH_BYTES];
    ck_assert_ptr_nonnull(mkdtemp(state));
    atexit(remove_state);
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = insp_tail_buffers_new();
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = insp_manifest_new();
    insp_tail_init_identity(tail, 1, 1);
    strcpy(m->product, "cubes");
    strcpy(m->version, "v1");
    memset(m->trunk_sha256, 'a', 64);
    m->threshold = 0.375F;
    ck_insp_ok(insp_bundle_write(state, m, tail, NULL, &err), err);
    snprintf(path, sizeof path, "%s/trunks", state);
    ck_insp_ok(insp_mkdir_all(path, 0755, &err), err);
    snprintf(path, sizeof path, "%s/trunks/%s.safetensors", state, m->trunk_sha256);
    ck_insp_ok(insp_write_file(path, "", 0, 0644, false, &err), err);
}

START_TEST(test_load_and_score) {
    begin();
    struct insp_error err = {0};
    _cleanup_(insp_device_freep) struct insp_device *device = open_cpu();
    _cleanup_(insp_model_unrefp) struct insp_model *model = NULL;
    ck_insp_ok(insp_model_load(device, state, "cubes", "v1", &model, &err), err);
    ck_assert_float_eq(model->manifest->threshold, 0.375F);
    ck_assert_str_eq(model->trunk_sha256, model->manifest->trunk_sha256);
    ck_assert_int_eq(atomic_load(&model->references), 1);
    _cleanup_free_ float *features = calloc(INSP_FEATURE_FLOATS, sizeof *features);
    float probability = -1;
    ck_insp_ok(insp_tail_score(model->tail, features, 1, &probability, NULL, &err), err);
    ck_assert(probability >= 0 && probability <= 1);
}
END_TEST

START_TEST(test_what_cannot_be_loaded) {
    begin();
    struct insp_error err = {0};
    char path[INSP_PATH_BYTES];
    _cleanup_(insp_device_freep) struct insp_device *device = open_cpu();
    struct insp_model *none = NULL;
    ck_insp_code(insp_model_load(device, state, "cubes", "v2", &none, &err), INSP_E_NOT_FOUND, err);
    ck_insp_code(insp_model_load(device, state, "nuts", "v1", &none, &err), INSP_E_NOT_FOUND, err);
    snprintf(path, sizeof path, "%s/models/cubes/v1/" INSP_WEIGHTS_FILE, state);
    ck_insp_ok(insp_write_file(path, "x", 1, 0644, false, &err), err);
    ck_insp_code(insp_model_load(device, state, "cubes", "v1", &none, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "sha256"));
    ck_assert_ptr_null(none);
}
END_TEST

static void *hold_and_drop(void *arg) {
    for (int i = 0; i < 10000; i++)
        insp_model_unref(insp_model_ref(arg));
    insp_model_unref(arg);
    return NULL;
}

/* Four threads with a reference each, the caller's dropped first: the last of them frees (the leak checker sees
 * when none does, the address and thread sanitizers when two do or one too early). */
START_TEST(test_the_last_reference_frees) {
    begin();
    struct insp_error err = {0};
    struct insp_device *device = open_cpu();
    struct insp_model *model = NULL;
    pthread_t thread[4];
    ck_insp_ok(insp_model_load(device, state, "cubes", "v1", &model, &err), err);
    for (size_t i = 0; i < INSP_COUNT(thread); i++)
        insp_model_ref(model);
    ck_assert_int_eq(atomic_load(&model->references), 5);
    for (size_t i = 0; i < INSP_COUNT(thread); i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, hold_and_drop, model), 0);
    insp_model_unref(model);
    for (size_t i = 0; i < INSP_COUNT(thread); i++)
        pthread_join(thread[i], NULL);
    insp_model_unref(NULL);
    insp_device_free(device);
}
END_TEST

/* A change of threshold is a new model that shares the weights with the old one, also with that of an older
 * change. */
START_TEST(test_another_manifest_shares_the_weights) {
    begin();
    struct insp_error err = {0};
    struct insp_device *device = open_cpu();
    struct insp_model *model = NULL, *changed = NULL, *again = NULL;
    ck_insp_ok(insp_model_load(device, state, "cubes", "v1", &model, &err), err);
    model->proved = true;
    model->answer = 0.25F;
    struct insp_manifest *manifest = insp_manifest_new();
    manifest->threshold = 0.75F;
    ck_insp_ok(insp_model_with_manifest(model, manifest, &changed, &err), err);
    ck_insp_ok(insp_model_with_manifest(changed, insp_manifest_new(), &again, &err), err);
    ck_assert(changed->tail == model->tail && again->tail == model->tail);
    ck_assert(changed->proved && changed->answer == 0.25F && again->proved);
    ck_assert(again->base == model); /* no chain */
    ck_assert_float_eq(changed->manifest->threshold, 0.75F);
    ck_assert_float_eq(model->manifest->threshold, 0.375F);
    insp_model_unref(model);
    insp_model_unref(changed);
    _cleanup_free_ float *features = calloc(INSP_FEATURE_FLOATS, sizeof *features);
    float probability = -1;
    ck_insp_ok(insp_tail_score(again->tail, features, 1, &probability, NULL, &err), err); /* still there */
    insp_model_unref(again);
    insp_device_free(device);
}
END_TEST

/* The tiles of a field take milliseconds, so the manifest of a change gets those of the model. */
START_TEST(test_a_loaded_model_has_the_tiles_of_its_fields) {
    begin();
    struct insp_error err = {0};
    _cleanup_(insp_device_freep) struct insp_device *device = open_cpu();
    _cleanup_(insp_model_unrefp) struct insp_model *model = NULL, *changed = NULL, *other = NULL;
    struct insp_manifest *manifest = NULL;
    {
        _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = insp_tail_buffers_new();
        _cleanup_(insp_manifest_freep) struct insp_manifest *m = insp_manifest_new();
        insp_tail_init_identity(tail, 1, 1);
        strcpy(m->product, "cubes");
        strcpy(m->version, "tiled");
        memset(m->trunk_sha256, 'a', 64);
        m->fields = sample_fields("{\"look\": [" SAMPLE_LEFT_HALF "]}");
        ck_insp_ok(insp_manifest_tile(m, (struct insp_tiles){4, 3}, &err), err);
        ck_insp_ok(insp_bundle_write(state, m, tail, NULL, &err), err);
    }
    ck_insp_ok(insp_model_load(device, state, "cubes", "tiled", &model, &err), err);
    ck_assert_int_eq(model->manifest->fields->general->tiles.columns, 4);
    ck_insp_ok(insp_bundle_read_manifest(state, "cubes", "tiled", &manifest, &err), err);
    ck_assert_int_eq(manifest->fields->general->tiles.columns, 0);
    ck_insp_ok(insp_model_with_manifest(model, manifest, &changed, &err), err);
    ck_assert_ptr_eq(changed->manifest->fields, model->manifest->fields);
    ck_insp_ok(insp_bundle_read_manifest(state, "cubes", "tiled", &manifest, &err), err);
    manifest->tiles = (struct insp_tiles){2, 1};
    ck_insp_ok(insp_model_with_manifest(model, manifest, &other, &err), err);
    ck_assert_int_eq(other->manifest->fields->general->tiles.columns, 2);
    ck_assert_int_eq(model->manifest->fields->general->tiles.columns, 4);
}
END_TEST

INSP_TESTS(test_a_loaded_model_has_the_tiles_of_its_fields, test_another_manifest_shares_the_weights,
           test_load_and_score, test_what_cannot_be_loaded, test_the_last_reference_frees);
