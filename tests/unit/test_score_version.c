#include "core/train/score_version.h"

#include "core/dataset/image_loader.h"
#include "tests/unit/field_samples.h"
#include "tests/unit/train_fixture.h"

#include <dirent.h>
#include <math.h>

static struct train_fixture f;
static struct insp_train_data *data;
static char version[INSP_NAME_BYTES];

/* A stored model with this input transform. fields: NULL, or given away. */
static void write_model_of(const struct insp_transform *input, struct insp_field_set *fields) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = insp_manifest_new();
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = insp_tail_buffers_new();
    insp_tail_init_identity(tail, 3, 0.4f);
    strcpy(manifest->product, "p");
    strcpy(manifest->trunk_sha256, f.trunk_sha256);
    manifest->input = *input;
    manifest->fields = fields;
    manifest->threshold = 0.5f;
    manifest->heatmap =
        (struct insp_heat_params){.scale = INSP_SCALE_FIXED, .threshold = 0.7f, .low = 0, .high = 1};
    ck_insp_ok(insp_bundle_write(f.state, manifest, tail, NULL, &f.err), f.err);
    strcpy(version, manifest->version);
}

static void write_model(const struct insp_transform *input) {
    write_model_of(input, NULL);
}

static size_t count_feature_files(void) {
    size_t count = 0;
    DIR *folder = opendir(f.cache);
    ck_assert_ptr_nonnull(folder);
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += strstr(entry->d_name, ".features") != NULL;
    closedir(folder);
    return count;
}

static void open_set(void) {
    const struct insp_transform input = insp_transform_default();
    train_fixture_open(&f);
    fixture_set(&f, 4, 3, 0);
    train_fixture_install_trunk(&f);
    ck_insp_ok(insp_train_data_open(&f.context, &input, false, NULL, &data, &f.err), f.err);
}

static void close_set(void) {
    insp_train_data_free(data);
    train_fixture_close(&f);
}

static int score(const size_t *member, size_t count, float *ret_probability) {
    const struct insp_transform input = insp_transform_default();
    struct insp_manifest *manifest;
    int r = insp_score_version(&f.context, data, &input, version, member, count, NULL, ret_probability, NULL,
                               &manifest, &f.err);
    if (r == 0) {
        ck_assert_str_eq(manifest->version, version);
        insp_manifest_free(manifest);
    }
    return r;
}

/* By hand, one image at a time, through the whole network. */
static float score_by_hand(const struct insp_transform *input, size_t member) {
    static float pixels[INSP_INPUT_FLOATS], cam[INSP_MAP_FLOATS];
    const struct insp_image_limits limits = insp_image_limits_default();
    const char *path = data->set.dataset->item[data->set.item[member]].path;
    ck_insp_ok(insp_load_image(path, NULL, NULL, NULL, input, &limits, pixels, &f.err), f.err);
    struct insp_manifest *manifest;
    struct insp_tail_buffers *buffers;
    ck_insp_ok(insp_bundle_read(f.state, "p", version, &manifest, &buffers, &f.err), f.err);
    struct insp_tail_weights view = insp_tail_buffers_view(buffers);
    struct insp_tail *tail;
    float probability;
    ck_insp_ok(insp_tail_load(f.device, &view, &tail, &f.err), f.err);
    ck_insp_ok(insp_score(f.trunk, &tail, pixels, 1, &probability, cam, &f.err), f.err);
    insp_tail_free(tail);
    insp_tail_buffers_free(buffers);
    insp_manifest_free(manifest);
    return probability;
}

START_TEST(on_the_features_at_hand) {
    open_set();
    const struct insp_transform input = insp_transform_default();
    write_model(&input);
    const size_t member[] = {6, 0, 3};
    float probability[3];
    ck_assert_int_eq(score(member, 3, probability), 0);
    for (size_t i = 0; i < 3; i++)
        ck_assert_float_eq_tol(probability[i], score_by_hand(&input, member[i]), 1e-4f);
    close_set();
}
END_TEST

START_TEST(a_model_with_another_input_or_region_gets_its_own_features) {
    open_set();
    const struct insp_transform usual_input = insp_transform_default();
    struct insp_transform input = insp_transform_default();
    input.scale = 1.0f / 500; /* darker */
    write_model(&input);
    const size_t member[] = {5, 1};
    float probability[2];
    ck_assert_int_eq(score(member, 2, probability), 0);
    for (size_t i = 0; i < 2; i++)
        ck_assert_float_eq_tol(probability[i], score_by_hand(&input, member[i]), 1e-4f);
    if (fixture_is_fake()) { /* the features at hand would have given the whole brightness */
        ck_assert_float_lt(probability[0], 0.7f * score_by_hand(&usual_input, member[0]));
    }
    ck_assert_uint_eq(count_feature_files(), 2);
    /* with the usual input but other regions: in the cache's folder, beside the open file, and not in /tmp */
    write_model_of(&usual_input, sample_fields("{\"look\": [" SAMPLE_LEFT_HALF "]}"));
    ck_assert_int_eq(score(member, 2, probability), 0);
    ck_assert_uint_eq(count_feature_files(), 3);
    close_set();
}
END_TEST

START_TEST(what_is_not_there_is_told) {
    open_set();
    const size_t member[] = {0};
    float probability;
    strcpy(version, "never");
    ck_assert_int_eq(score(member, 1, &probability), INSP_E_NOT_FOUND);
    const struct insp_transform input = insp_transform_default();
    memset(f.trunk_sha256, 'c', 64); /* a trunk that is not installed */
    write_model(&input);
    ck_assert_int_eq(score(member, 1, &probability), INSP_E_MODEL);
    close_set();
}
END_TEST

INSP_TESTS(on_the_features_at_hand, a_model_with_another_input_or_region_gets_its_own_features,
           what_is_not_there_is_told);
