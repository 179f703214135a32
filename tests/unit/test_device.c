/* The border's contract: devices, errors, batches of several tails, the trainer, threads. tests/parity
 * compares the network's results with PyTorch's. With the fake device only the shared promises are tested. */
#include "core/compute/device.h"

#include "core/model/weights.h"
#include "harness.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const char *const engine_name[] = {"auto", "packed", "torch"};

static bool fake(void) {
    return !strcmp(insp_torch_version(), "fake");
}

static struct insp_device *open_cpu(enum insp_cpu_engine engine, unsigned threads) {
    struct insp_error error = {0};
    struct insp_device *device = NULL;
    const struct insp_device_config config = {.name = "cpu", .threads = threads, .engine = engine};
    ck_insp_ok(insp_device_open(&config, &device, &error), error);
    return device;
}

/* He-initialised (uniform of variance 2 / fan in), so that activations keep their size through the layers. */
static void fill(float *weight, size_t floats, size_t fan_in, uint32_t *state) {
    float bound = sqrtf(6.0F / (float)fan_in);
    for (size_t i = 0; i < floats; i++) {
        *state = *state * 1664525U + 1013904223U;
        weight[i] = bound * ((float)(*state >> 8) * 0x1p-23F - 1);
    }
}

static struct insp_trunk_arrays *random_trunk(void) {
    struct insp_trunk_arrays *arrays = insp_trunk_arrays_new();
    uint32_t state = 1;
    ck_assert_ptr_nonnull(arrays);
    for (size_t i = 0; i < INSP_TRUNK_CONVS; i++) {
        size_t in = (size_t)insp_trunk_shape[i].in * 9;
        fill(arrays->weight[i], (size_t)insp_trunk_shape[i].out * in, in, &state);
    }
    return arrays;
}

static struct insp_tail_buffers *tail_of(uint64_t seed) {
    struct insp_tail_buffers *buffers = insp_tail_buffers_new();
    ck_assert_ptr_nonnull(buffers);
    insp_tail_init_identity(buffers, seed, 1);
    return buffers;
}

static float *random_floats(size_t floats, uint32_t seed) {
    float *data = malloc(floats * sizeof *data);
    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < floats; i++) {
        seed = seed * 1664525U + 1013904223U;
        data[i] = (float)(seed >> 8) * 0x1p-24F;
    }
    return data;
}

static struct insp_tail *load_tail(struct insp_device *device, uint64_t seed) {
    struct insp_error error = {0};
    struct insp_tail *tail = NULL;
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *buffers = tail_of(seed);
    struct insp_tail_weights view = insp_tail_buffers_view(buffers);
    ck_insp_ok(insp_tail_load(device, &view, &tail, &error), error);
    return tail;
}

static struct insp_trunk *load_trunk(struct insp_device *device) {
    struct insp_error error = {0};
    struct insp_trunk *trunk = NULL;
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = random_trunk();
    struct insp_trunk_weights view = insp_trunk_arrays_view(arrays);
    ck_insp_ok(insp_trunk_load(device, &view, &trunk, &error), error);
    return trunk;
}

START_TEST(test_device_names) {
    static const char *const bad[] = {"",     "gpu", "CPU", "cuda:", "cuda:-1", "cuda:0x", "cuda:99999999999",
                                      "cuda0"};
    struct insp_error error = {0};
    struct insp_device *device = NULL;
    for (size_t i = 0; i < INSP_COUNT(bad); i++) {
        ck_insp_code(insp_device_open(&(struct insp_device_config){.name = bad[i]}, &device, &error),
                     INSP_E_DEVICE, error);
        ck_assert_ptr_null(device);
        ck_assert_msg(error.detail[0], "%s", bad[i]);
    }
    ck_insp_code(insp_device_open(&(struct insp_device_config){.name = "cuda:512"}, &device, &error),
                 INSP_E_DEVICE, error);
    ck_assert_ptr_nonnull(strstr(error.detail, "cuda:512"));

    ck_insp_ok(insp_device_open(&(struct insp_device_config){.name = "auto"}, &device, &error), error);
    if (!insp_device_is_cuda(device))
        ck_assert_str_eq(insp_device_name(device), "cpu");
    insp_device_free(device);

    device = open_cpu(INSP_CPU_TORCH, 3);
    ck_assert_ptr_nonnull(strstr(insp_device_describe(device), "3 threads"));
    ck_assert(fake() || !insp_device_is_packed(device));
    struct insp_device_usage usage = {1, 1, 1, 1};
    ck_insp_ok(insp_device_memory(device, &usage, &error), error);
    ck_assert(!usage.allocated_bytes && !usage.reserved_bytes && !usage.free_bytes && !usage.total_bytes);
    insp_device_free(device);
    insp_device_free(NULL);
    if (!fake())
        ck_insp_code(
            insp_device_open(&(struct insp_device_config){.name = "cpu", .threads = 100000}, &device, &error),
            INSP_E_PARAMETER, error);
}
END_TEST

/* Scoring three images with the tails a, b, a gives the same results as each alone. */
static void mixed_batch(enum insp_cpu_engine engine) {
    enum { N = 3 };
    struct insp_error error = {0};
    _cleanup_(insp_device_freep) struct insp_device *device = open_cpu(engine, 2);
    _cleanup_(insp_trunk_freep) struct insp_trunk *trunk = load_trunk(device);
    _cleanup_(insp_tail_freep) struct insp_tail *a = load_tail(device, 1), *b = load_tail(device, 2);
    struct insp_tail *const tails[N] = {a, b, a};
    _cleanup_free_ float *pixels = random_floats(N * INSP_INPUT_FLOATS, 7);
    float together[N], alone[N], features_way[N];
    static float cam_together[N][INSP_MAP_FLOATS], cam_alone[N][INSP_MAP_FLOATS];
    _cleanup_free_ float *features = malloc(N * INSP_FEATURE_FLOATS * sizeof *features);
    ck_assert_ptr_nonnull(features);

    ck_insp_ok(insp_score(trunk, tails, pixels, N, together, cam_together[0], &error), error);
    ck_insp_ok(insp_trunk_features(trunk, pixels, N, features, &error), error);
    for (size_t i = 0; i < N; i++) {
        const float *image = pixels + i * INSP_INPUT_FLOATS;
        ck_insp_ok(insp_score(trunk, &tails[i], image, 1, &alone[i], cam_alone[i], &error), error);
        ck_insp_ok(
            insp_tail_score(tails[i], features + i * INSP_FEATURE_FLOATS, 1, &features_way[i], NULL, &error),
            error);
        ck_assert(together[i] >= 0 && together[i] <= 1);
        ck_assert_msg(fabsf(together[i] - alone[i]) < 1e-5F, "%s, image %zu: %g together, %g alone",
                      engine_name[engine], i, (double)together[i], (double)alone[i]);
        ck_assert_float_eq_tol(together[i], features_way[i], 1e-5F);
        for (size_t k = 0; k < INSP_MAP_FLOATS; k++)
            ck_assert_float_eq_tol(cam_together[i][k], cam_alone[i][k], 1e-3F * (1 + fabsf(cam_alone[i][k])));
    }
    if (!fake()) {
        float other; /* the tails differ, or mixing them proves nothing */
        ck_insp_ok(insp_score(trunk, &tails[0], pixels + INSP_INPUT_FLOATS, 1, &other, cam_alone[0], &error),
                   error);
        ck_assert(fabsf(other - together[1]) > 1e-4F);
    }
}

/* Pictures give what their transformed pixels give, bit for bit, whatever the transform and the tail. */
static void pictures(enum insp_cpu_engine engine) {
    enum { N = 3, BYTES = INSP_INPUT_FLOATS };
    struct insp_error error = {0};
    struct insp_transform input[N];
    _cleanup_(insp_device_freep) struct insp_device *device = open_cpu(engine, 2);
    _cleanup_(insp_trunk_freep) struct insp_trunk *trunk = load_trunk(device);
    _cleanup_(insp_tail_freep) struct insp_tail *a = load_tail(device, 1), *b = load_tail(device, 2);
    struct insp_tail *const tails[N] = {a, b, a};
    struct insp_picture picture[N];
    _cleanup_free_ uint8_t *rgb = malloc((size_t)N * BYTES);
    _cleanup_free_ float *pixels = malloc(N * INSP_INPUT_FLOATS * sizeof *pixels);
    float by_pixels[N], by_pictures[N];
    static float map_pixels[N * INSP_MAP_FLOATS], map_pictures[N * INSP_MAP_FLOATS];
    ck_assert(rgb && pixels);
    for (size_t i = 0; i < (size_t)N * BYTES; i++)
        rgb[i] = (uint8_t)(i * 2654435761U >> 24);
    for (size_t i = 0; i < N; i++) {
        ck_assert(insp_transform_named(i == 1 ? "imagenet" : "notebook", &input[i]));
        input[i].bgr = i == 2;
        insp_transform_apply(&input[i], rgb + i * BYTES, pixels + i * INSP_INPUT_FLOATS);
        picture[i] = (struct insp_picture){tails[i], rgb + i * BYTES, &input[i]};
    }
    ck_insp_ok(insp_score(trunk, tails, pixels, N, by_pixels, map_pixels, &error), error);
    ck_insp_ok(insp_score_pictures(trunk, picture, N, by_pictures, map_pictures, &error), error);
    ck_assert_mem_eq(by_pixels, by_pictures, sizeof by_pixels);
    ck_assert_mem_eq(map_pixels, map_pictures, sizeof map_pixels);

    _cleanup_free_ float *of_pixels = calloc(N, INSP_TAP_FLOATS * sizeof(float)),
                         *of_pictures = calloc(N, INSP_TAP_FLOATS * sizeof(float));
    ck_assert(of_pixels && of_pictures);
    ck_insp_ok(insp_score_taps(trunk, tails, pixels, N, by_pixels, map_pixels, of_pixels, &error), error);
    _cleanup_free_ float *features = calloc(N, INSP_FEATURE_FLOATS * sizeof(float)),
                         *same_features = calloc(N, INSP_FEATURE_FLOATS * sizeof(float));
    ck_assert(features && same_features);
    ck_insp_ok(insp_trunk_features(trunk, pixels, N, features, &error), error);
    ck_insp_ok(
        insp_score_pictures_taps(trunk, picture, N, by_pictures, map_pictures, of_pictures, same_features, &error),
        error);
    ck_assert_mem_eq(features, same_features, N * INSP_FEATURE_FLOATS * sizeof(float));
    ck_assert_mem_eq(by_pixels, by_pictures, sizeof by_pixels);
    ck_assert_mem_eq(map_pixels, map_pictures, sizeof map_pixels);
    ck_assert_mem_eq(of_pixels, of_pictures, N * INSP_TAP_FLOATS * sizeof(float));
    memset(of_pictures, 0, N * INSP_TAP_FLOATS * sizeof(float));
    for (size_t i = 0; i < N; i++)
        picture[i].tail = NULL; /* the trunk alone */
    ck_insp_ok(insp_picture_taps(trunk, picture, N, of_pictures, &error), error);
    ck_assert_mem_eq(of_pixels, of_pictures, N * INSP_TAP_FLOATS * sizeof(float));
    input[1].width = 200;
    ck_insp_code(insp_picture_taps(trunk, picture, N, of_pictures, &error), INSP_E_INTERNAL, error);
}

START_TEST(test_pictures_are_their_pixels) {
    pictures(INSP_CPU_AUTO);
    pictures(INSP_CPU_TORCH);
}
END_TEST

START_TEST(test_mixed_batch_torch) {
    mixed_batch(INSP_CPU_TORCH);
}
END_TEST

START_TEST(test_mixed_batch_auto) {
    mixed_batch(INSP_CPU_AUTO);
}
END_TEST

static float largest_difference(const float *a, const float *b, size_t floats) {
    float largest = 0;
    for (size_t i = 0; i < floats; i++)
        largest = fmaxf(largest, fabsf(a[i] - b[i]) / (1 + fabsf(b[i])));
    return largest;
}

/* Taps are the same from a scoring pass, from the trunk with its features, and from the trunk alone; they change
 * no other result. ret_taps [2,28,28,448]. */
static void taps_of(enum insp_cpu_engine engine, float *ret_taps) {
    enum { N = 2 };
    struct insp_error error = {0};
    _cleanup_(insp_device_freep) struct insp_device *device = open_cpu(engine, 2);
    _cleanup_(insp_trunk_freep) struct insp_trunk *trunk = load_trunk(device);
    _cleanup_(insp_tail_freep) struct insp_tail *tail = load_tail(device, 1);
    struct insp_tail *const tails[N] = {tail, tail};
    _cleanup_free_ float *pixels = random_floats(N * INSP_INPUT_FLOATS, 7);
    _cleanup_free_ float *features = malloc(N * INSP_FEATURE_FLOATS * sizeof *features);
    _cleanup_free_ float *plain = malloc(N * INSP_FEATURE_FLOATS * sizeof *plain);
    _cleanup_free_ float *taps = malloc(N * INSP_TAP_FLOATS * sizeof *taps);
    float prob[N], prob_plain[N], cam[N * INSP_MAP_FLOATS], cam_plain[N * INSP_MAP_FLOATS];

    ck_insp_ok(insp_score(trunk, tails, pixels, N, prob_plain, cam_plain, &error), error);
    ck_insp_ok(insp_score_taps(trunk, tails, pixels, N, prob, cam, ret_taps, &error), error);
    ck_assert_mem_eq(prob, prob_plain, sizeof prob);
    ck_assert_mem_eq(cam, cam_plain, sizeof cam);
    ck_insp_ok(insp_trunk_features(trunk, pixels, N, plain, &error), error);
    ck_insp_ok(insp_trunk_taps(trunk, pixels, N, features, taps, &error), error);
    ck_assert_mem_eq(features, plain, N * INSP_FEATURE_FLOATS * sizeof *plain);
    ck_assert_mem_eq(taps, ret_taps, N * INSP_TAP_FLOATS * sizeof *taps);
    memset(taps, 0, N * INSP_TAP_FLOATS * sizeof *taps);
    ck_insp_ok(insp_trunk_taps(trunk, pixels, N, NULL, taps, &error), error);
    ck_assert_mem_eq(taps, ret_taps, N * INSP_TAP_FLOATS * sizeof *taps);
    ck_insp_ok(insp_trunk_taps(trunk, pixels + INSP_INPUT_FLOATS, 1, NULL, taps, &error), error); /* alone */
    ck_assert_float_lt(largest_difference(taps, ret_taps + INSP_TAP_FLOATS, INSP_TAP_FLOATS), 1e-4F);
}

START_TEST(test_taps_are_the_same_from_every_pass_and_engine) {
    static float torch[2 * INSP_TAP_FLOATS], packed[2 * INSP_TAP_FLOATS];
    taps_of(INSP_CPU_TORCH, torch);
    taps_of(INSP_CPU_AUTO, packed);
    ck_assert_float_lt(largest_difference(packed, torch, INSP_COUNT(torch)), 1e-3F);
    ck_assert_float_gt(largest_difference(torch, torch + INSP_TAP_FLOATS, INSP_TAP_FLOATS), 0.01F);
}
END_TEST

static void not_finite(enum insp_cpu_engine engine) {
    struct insp_error error = {0};
    _cleanup_(insp_device_freep) struct insp_device *device = open_cpu(engine, 1);
    _cleanup_(insp_trunk_freep) struct insp_trunk *trunk = load_trunk(device);
    _cleanup_(insp_tail_freep) struct insp_tail *tail = load_tail(device, 1);
    struct insp_tail *const tails[2] = {tail, tail};
    _cleanup_free_ float *pixels = random_floats(2 * INSP_INPUT_FLOATS, 3);
    static float prob[2], cam[2 * INSP_MAP_FLOATS];
    pixels[INSP_INPUT_FLOATS + 5] = NAN;
    ck_insp_code(insp_score(trunk, tails, pixels, 2, prob, cam, &error), INSP_E_MODEL, error);
    ck_assert_ptr_nonnull(strstr(error.detail, "image 1"));
    if (fake())
        return;
    for (size_t i = 0; i < INSP_INPUT_FLOATS; i++) /* finite, but the layers overflow */
        pixels[INSP_INPUT_FLOATS + i] = 3e38F;
    ck_insp_code(insp_score(trunk, tails, pixels, 2, prob, cam, &error), INSP_E_MODEL, error);
    ck_assert_ptr_nonnull(strstr(error.detail, "image 1"));
}

START_TEST(test_not_finite) {
    not_finite(INSP_CPU_TORCH);
    not_finite(INSP_CPU_AUTO);
}
END_TEST

enum { BATCH = 3 };
static const struct insp_trainer_config adam = {{1, 3}, 1e-4F, 0.9F, 0.999F, 1e-8F};

/* Runs `steps` steps from seed 5 and exports. */
static struct insp_tail_buffers *train(struct insp_device *device, size_t steps, float *ret_first,
                                       float *ret_last) {
    struct insp_error error = {0};
    _cleanup_(insp_trainer_freep) struct insp_trainer *trainer = NULL;
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *initial = tail_of(5);
    _cleanup_free_ float *features = random_floats(BATCH * INSP_FEATURE_FLOATS, 11);
    const uint8_t labels[BATCH] = {0, 1, 0};
    for (size_t i = 0; i < BATCH * INSP_FEATURE_FLOATS; i++)
        if (labels[i / INSP_FEATURE_FLOATS] && i % INSP_FEATURE_FLOATS < 4000)
            features[i] += 1;
    struct insp_tail_weights view = insp_tail_buffers_view(initial);
    ck_insp_ok(insp_trainer_new(device, &view, &adam, &trainer, &error), error);
    size_t correct = 0;
    for (size_t i = 0; i < steps; i++)
        ck_insp_ok(
            insp_trainer_step(trainer, features, labels, BATCH, i == 0 ? ret_first : ret_last, &correct, &error),
            error);
    ck_assert_uint_eq(correct, BATCH);

    struct insp_tail_buffers *trained = insp_tail_buffers_new();
    ck_insp_ok(insp_trainer_export(trainer, trained, &error), error);
    view = insp_tail_buffers_view(trained); /* the exported weights score as they were trained to */
    _cleanup_(insp_tail_freep) struct insp_tail *tail = NULL;
    float loaded[BATCH];
    ck_insp_ok(insp_tail_load(device, &view, &tail, &error), error);
    ck_insp_ok(insp_tail_score(tail, features, BATCH, loaded, NULL, &error), error);
    for (size_t i = 0; i < BATCH; i++)
        ck_assert(fake() || (loaded[i] > 0.5F) == labels[i]);
    return trained;
}

START_TEST(test_trainer_learns_and_repeats) {
    enum { STEPS = 6 };
    float first = 0, last = 0, again_first = 0, again_last = 0;
    _cleanup_(insp_device_freep) struct insp_device *device = open_cpu(INSP_CPU_AUTO, 2);
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *a = train(device, STEPS, &first, &last);
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *b =
        train(device, STEPS, &again_first, &again_last);
    ck_assert_msg(last < first, "loss %g -> %g", (double)first, (double)last);
    ck_assert_mem_eq(&last, &again_last, sizeof last); /* bit for bit */
    size_t floats = INSP_TAIL_CONVS * (INSP_CHANNELS * INSP_CHANNELS * 9 + INSP_CHANNELS);
    ck_assert_mem_eq(a->conv_weight[0], b->conv_weight[0], floats * sizeof(float));
}
END_TEST

START_TEST(test_trainer_refuses) {
    struct insp_error error = {0};
    _cleanup_(insp_device_freep) struct insp_device *device = open_cpu(INSP_CPU_AUTO, 1);
    _cleanup_(insp_trainer_freep) struct insp_trainer *trainer = NULL;
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *initial = tail_of(5);
    _cleanup_free_ float *features = random_floats(INSP_FEATURE_FLOATS, 1);
    struct insp_tail_weights view = insp_tail_buffers_view(initial);
    float loss = -1;
    size_t correct = 9;
    ck_insp_ok(insp_trainer_new(device, &view, &adam, &trainer, &error), error);
    ck_insp_code(insp_trainer_step(trainer, features, &(uint8_t){2}, 1, &loss, &correct, &error), INSP_E_USAGE,
                 error);
    if (!fake()) {
        features[0] = INFINITY;
        ck_insp_code(insp_trainer_step(trainer, features, &(uint8_t){1}, 1, &loss, &correct, &error), INSP_E_MODEL,
                     error);
    }
    ck_assert(loss == -1 && correct == 9); /* ret_* only on success */
}
END_TEST

/* Two threads score with the same trunk and tail at once, as inspections do while a training job evaluates. */
struct scorer {
    struct insp_trunk *trunk;
    struct insp_tail *tail;
    const float *pixels;
    float prob[4];
    int code;
};

static void *score_often(void *arg) {
    struct scorer *s = arg;
    float cam[INSP_MAP_FLOATS];
    for (size_t i = 0; i < INSP_COUNT(s->prob) && s->code == 0; i++)
        s->code = insp_score(s->trunk, &s->tail, s->pixels, 1, &s->prob[i], cam, NULL);
    return NULL;
}

START_TEST(test_two_threads) {
    _cleanup_(insp_device_freep) struct insp_device *device = open_cpu(INSP_CPU_AUTO, 2);
    _cleanup_(insp_trunk_freep) struct insp_trunk *trunk = load_trunk(device);
    _cleanup_(insp_tail_freep) struct insp_tail *tail = load_tail(device, 1);
    _cleanup_free_ float *pixels = random_floats(2 * INSP_INPUT_FLOATS, 3);
    struct scorer scorers[2] = {{trunk, tail, pixels, {0}, 0}, {trunk, tail, pixels + INSP_INPUT_FLOATS, {0}, 0}};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, score_often, &scorers[i]), 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(scorers[i].code, 0);
        for (size_t k = 1; k < INSP_COUNT(scorers[i].prob); k++)
            ck_assert_float_eq(scorers[i].prob[k], scorers[i].prob[0]);
    }
}
END_TEST

INSP_TESTS(test_device_names, test_pictures_are_their_pixels, test_mixed_batch_torch, test_mixed_batch_auto,
           test_taps_are_the_same_from_every_pass_and_engine, test_not_finite, test_trainer_learns_and_repeats,
           test_trainer_refuses, test_two_threads);
