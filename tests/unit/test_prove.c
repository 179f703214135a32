#include "core/serving/prove.h"

#include "core/model/weights.h"
#include "harness.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

/* A trunk that hands brightness through to channel 0, and a tail that hands it on: the network answers pictures by
 * their brightness and the head's bias, the fake device likewise. */
struct bench {
    struct insp_device *device;
    struct insp_trunk *trunk;
    struct insp_model *model;
    struct insp_golden *golden;
    struct insp_error err;
};

static struct insp_model *model_of(struct bench *b, float bias) {
    struct insp_model_files files = {.manifest = insp_manifest_new(), .tail = insp_tail_buffers_new()};
    struct insp_model *model;
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++)
        files.tail->conv_weight[i][4] = 1; /* [0,0,1,1] */
    files.tail->classifier_weight[INSP_CLASS_ANOMALY * INSP_CHANNELS] = 1;
    files.tail->classifier_bias[INSP_CLASS_ANOMALY] = bias;
    strcpy(files.manifest->product, "p");
    strcpy(files.manifest->version, "v1");
    ck_insp_ok(insp_model_new(b->device, &files, &model, &b->err), b->err);
    insp_model_files_clear(&files);
    return model;
}

/* One golden sample, a grey picture with the answer that a model with this bias gives. */
static void open_bench(struct bench *b, float bias) {
    *b = (struct bench){0};
    ck_insp_ok(insp_device_open(&(struct insp_device_config){.name = "cpu", .threads = 1}, &b->device, &b->err),
               b->err);
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = insp_trunk_arrays_new();
    for (size_t c = 0; c < 3; c++)
        arrays->weight[0][c * 9 + 4] = 1.0f / 3; /* [0,c,1,1] */
    for (size_t i = 1; i < INSP_TRUNK_CONVS; i++)
        arrays->weight[i][4] = 1; /* [0,0,1,1] */
    struct insp_trunk_weights view = insp_trunk_arrays_view(arrays);
    ck_insp_ok(insp_trunk_load(b->device, &view, &b->trunk, &b->err), b->err);
    b->model = model_of(b, bias);
    b->golden = insp_golden_new();
    struct insp_golden_sample *sample = &b->golden->sample[b->golden->count++];
    _cleanup_free_ float *pixels = malloc(INSP_INPUT_FLOATS * sizeof *pixels);
    sample->rgb = malloc(INSP_GOLDEN_RGB_BYTES);
    memset(sample->rgb, 64, INSP_GOLDEN_RGB_BYTES);
    insp_transform_apply(&b->model->manifest->input, sample->rgb, pixels);
    ck_insp_ok(insp_score(b->trunk, &b->model->tail, pixels, 1, &sample->probability, sample->map, &b->err),
               b->err);
}

static void close_bench(struct bench *b) {
    insp_golden_free(b->golden);
    insp_model_unref(b->model);
    insp_trunk_free(b->trunk);
    insp_device_free(b->device);
}

START_TEST(a_model_that_answers_as_trained_is_proved) {
    struct bench b;
    open_bench(&b, 0.2f);
    ck_assert(!b.model->proved);
    ck_insp_ok(insp_prove(b.trunk, false, b.model, NULL, &b.err), b.err); /* an old bundle without samples */
    ck_assert(b.model->proved && !b.model->sampled);
    b.model->proved = false;
    ck_insp_ok(insp_prove(b.trunk, false, b.model, b.golden, &b.err), b.err);
    ck_assert(b.model->proved && b.model->sampled && b.model->answer >= 0 && b.model->answer <= 1);
    close_bench(&b);
}
END_TEST

START_TEST(a_model_that_answers_otherwise_is_not) {
    struct bench b;
    open_bench(&b, 0.2f);
    struct insp_model *other = model_of(&b, 0.4f), *broken = model_of(&b, NAN);
    ck_insp_code(insp_prove(b.trunk, false, other, b.golden, &b.err), INSP_E_SELF_TEST, b.err);
    ck_assert_ptr_nonnull(strstr(b.err.detail, "golden sample 1"));
    ck_assert_ptr_nonnull(strstr(b.err.detail, "model v1 of product p"));
    ck_assert(!other->proved);
    ck_insp_code(insp_prove(b.trunk, false, broken, NULL, &b.err), INSP_E_MODEL, b.err);
    ck_assert(!broken->proved);
    b.golden->sample[0].map[7] += 0.5f;
    ck_insp_code(insp_prove(b.trunk, false, b.model, b.golden, &b.err), INSP_E_SELF_TEST, b.err);
    ck_assert_ptr_nonnull(strstr(b.err.detail, "map"));
    insp_model_unref(other); /* before their device */
    insp_model_unref(broken);
    close_bench(&b);
}
END_TEST

static int answer_alike(void *arg, struct insp_model *model, const uint8_t *rgb, float *ret_probability,
                        float *ret_map, struct insp_error *reterr) {
    const float *map = arg;
    (void)model;
    (void)rgb;
    (void)reterr;
    *ret_probability = 0.25f;
    memcpy(ret_map, map, INSP_MAP_FLOATS * sizeof *map);
    return 0;
}

/* A network whose weights are all 0, or that never sees its input, answers every picture alike. */
START_TEST(a_network_that_does_not_look_is_not_proved) {
    struct bench b;
    float map[INSP_MAP_FLOATS];
    open_bench(&b, 0.2f);
    for (size_t i = 0; i < INSP_MAP_FLOATS; i++)
        map[i] = (float)i;
    const struct insp_prover prover = {.score = answer_alike, .arg = map};
    ck_insp_code(insp_prove_by(&prover, b.model, NULL, &b.err), INSP_E_SELF_TEST, b.err);
    ck_assert_ptr_nonnull(strstr(b.err.detail, "two different pictures get the same probability"));
    ck_assert(!b.model->proved);
    close_bench(&b);
}
END_TEST

START_TEST(the_two_pictures_differ) {
    uint8_t *picture[2];
    for (unsigned i = 0; i < 2; i++) {
        picture[i] = malloc(INSP_PROVE_RGB_BYTES);
        insp_prove_draw(i, picture[i]);
    }
    size_t alike = 0;
    for (size_t i = 0; i < INSP_PROVE_RGB_BYTES; i++)
        alike += picture[0][i] == picture[1][i];
    ck_assert_uint_lt(alike, INSP_INPUT_FLOATS / 50);
    free(picture[0]);
    free(picture[1]);
}
END_TEST

START_TEST(half_precision_is_given_more_room) {
    struct bench b;
    open_bench(&b, 0.2f);
    b.golden->sample[0].probability += 0.02f;
    ck_insp_code(insp_prove(b.trunk, false, b.model, b.golden, &b.err), INSP_E_SELF_TEST, b.err);
    ck_insp_ok(insp_prove(b.trunk, true, b.model, b.golden, &b.err), b.err);
    b.golden->cuda = true; /* trained on a GPU, served by a CPU */
    ck_insp_ok(insp_prove(b.trunk, false, b.model, b.golden, &b.err), b.err);
    close_bench(&b);
}
END_TEST

START_TEST(the_map_is_compared_as_a_share_of_its_size) {
    struct insp_error err;
    struct insp_golden_sample sample = {.probability = 0.5f};
    float map[INSP_MAP_FLOATS] = {0};
    map[0] = 0.9e-3f;
    ck_insp_ok(insp_prove_compare(&sample, 1, INSP_HEAT_ACTIVATION, 0.5f, map, 1e-3f, &err), err);
    map[0] = 1.1e-3f;
    ck_insp_code(insp_prove_compare(&sample, 1, INSP_HEAT_ACTIVATION, 0.5f, map, 1e-3f, &err), INSP_E_SELF_TEST,
                 err);
    sample.map[1] = map[1] = 2000; /* whose rounding is larger than that of small numbers */
    map[0] = 1.9f;
    ck_insp_ok(insp_prove_compare(&sample, 1, INSP_HEAT_ACTIVATION, 0.5f, map, 1e-3f, &err), err);
    map[0] = NAN;
    ck_insp_code(insp_prove_compare(&sample, 1, INSP_HEAT_ACTIVATION, 0.5f, map, 1e-3f, &err), INSP_E_SELF_TEST,
                 err);
    map[0] = 0;
    ck_insp_code(insp_prove_compare(&sample, 1, INSP_HEAT_ACTIVATION, NAN, map, 1e-3f, &err), INSP_E_SELF_TEST,
                 err);
    ck_insp_code(insp_prove_compare(&sample, 1, INSP_HEAT_ACTIVATION, 0.502f, map, 1e-3f, &err), INSP_E_SELF_TEST,
                 err);
}
END_TEST

/* Activations 0 and 1e-4, a rounding apart, have the products 0 and 0.01 with a good-only heat of 1. */
START_TEST(a_product_may_differ_by_the_root_of_a_rounding) {
    static const struct {
        float activation, tolerance;
    } device[] = {{1e-4f, INSP_PROVE_TOLERANCE_CPU}, {5e-3f, INSP_PROVE_TOLERANCE_CUDA}};
    for (size_t i = 0; i < INSP_COUNT(device); i++) {
        const float tolerance = device[i].tolerance;
        struct insp_error err;
        struct insp_golden_sample sample = {.probability = 0.5f};
        float map[INSP_MAP_FLOATS] = {0};
        map[0] = insp_heat_product(device[i].activation, 1);
        ck_assert_float_gt(map[0], tolerance);
        ck_insp_ok(insp_prove_compare(&sample, 1, INSP_HEAT_PRODUCT, 0.5f, map, tolerance, &err), err);
        ck_insp_code(insp_prove_compare(&sample, 1, INSP_HEAT_GOOD_ONLY, 0.5f, map, tolerance, &err),
                     INSP_E_SELF_TEST, err);
        map[0] = insp_heat_product(1.1f * tolerance, 1); /* more than a rounding */
        ck_insp_code(insp_prove_compare(&sample, 1, INSP_HEAT_PRODUCT, 0.5f, map, tolerance, &err),
                     INSP_E_SELF_TEST, err);
        ck_assert_ptr_nonnull(strstr(err.detail, "the squared map of golden sample 1"));
        map[0] = NAN;
        ck_insp_code(insp_prove_compare(&sample, 1, INSP_HEAT_PRODUCT, 0.5f, map, tolerance, &err),
                     INSP_E_SELF_TEST, err);
    }
}
END_TEST

INSP_TESTS(a_product_may_differ_by_the_root_of_a_rounding, a_model_that_answers_as_trained_is_proved,
           a_model_that_answers_otherwise_is_not, a_network_that_does_not_look_is_not_proved,
           the_two_pictures_differ, half_precision_is_given_more_room, the_map_is_compared_as_a_share_of_its_size);
