/* tests/fake/device_fake.c - implement core/compute/backend.h without libtorch, for tests that need no network,
 * for the thread sanitizer and for fuzzing. Never in a shipped binary: only inspectd_fake and builds with
 * INSP_FAKE_TORCH link it, and insp_device_describe says "fake device for tests".
 *
 * Results, so that tests can choose a verdict by the picture that they post:
 *   features     channel 0: mean brightness of each 16x16 cell; channel 1: its contrast (largest less smallest
 *                brightness); brightness is the mean of the three input channels; the other channels are 0
 *   probability  mean of channel 0, clamped to 0..1: a black picture is good (0), a white one an anomaly (1)
 *   map          channel 1
 *   taps         channel c of a 28x28 cell: brightness of the cell's 8x8 pixels, every second channel their
 *                contrast, times 1 + c % 7, plus 0.01 x c % 5
 *   trainer      keeps the initial weights; loss ln(2) / step; all classified right from the third step on
 * If a head's bias for anomaly is 0.1 or more away from that for good (starting weights are noise of 0.04), the
 * difference is added to the probability, so that versions can be distinguished; the other weights do not matter.
 * INSP_FAKE_PASS_MS=N in the environment makes each scoring pass and each training step take N milliseconds more
 * (overload, deadlines, cancelled jobs). INSP_FAKE_MEMORY_IMAGES=N: a pass of more than N images has no memory.
 */
#include "core/compute/backend.h"
#include "core/compute/device.h"

#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CELL = INSP_INPUT_SIDE / INSP_MAP_SIDE };

struct fake_device {
    struct insp_device device;
    long pass_ms, memory_images;
    atomic_long passes_left; /* -1: no end */
    atomic_bool lost;
};

struct fake_tail {
    struct insp_tail tail;
    float shift;
};

struct fake_trainer {
    struct insp_trainer trainer;
    size_t steps;
    struct insp_tail_buffers parameters;
};

static const struct insp_device_ops ops; /* at the end */

static int no_memory(struct insp_error *reterr) {
    return insp_fail(reterr, INSP_E_NOMEM, "no memory (fake device)");
}

int insp_device_open(const struct insp_device_config *config, struct insp_device **ret_device,
                     struct insp_error *reterr) {
    if (!strncmp(config->name, "cuda", 4))
        return insp_fail(reterr, INSP_E_DEVICE, "device %s: the fake device for tests has no CUDA", config->name);
    if (strcmp(config->name, "cpu") != 0 && strcmp(config->name, "auto") != 0)
        return insp_fail(reterr, INSP_E_DEVICE, "device %s is not auto, cpu, cuda or cuda:N", config->name);
    struct fake_device *fake = calloc(1, sizeof *fake);
    if (!fake)
        return no_memory(reterr);
    const char *pass_ms = getenv("INSP_FAKE_PASS_MS");
    fake->pass_ms = pass_ms ? strtol(pass_ms, NULL, 10) : 0;
    const char *lost_after = getenv("INSP_FAKE_DEVICE_LOST_AFTER");
    fake->passes_left = lost_after ? strtol(lost_after, NULL, 10) : -1;
    const char *memory_images = getenv("INSP_FAKE_MEMORY_IMAGES");
    fake->memory_images = memory_images ? strtol(memory_images, NULL, 10) : LONG_MAX;
    fake->device = (struct insp_device){
        .ops = &ops, .chunk = SIZE_MAX, .packed = true, .host_threads = 2, .name = "cpu", .arithmetic = "fake"};
    snprintf(fake->device.description, sizeof fake->device.description,
             "cpu, fake device for tests, %u threads asked for", config->threads);
    *ret_device = &fake->device;
    return 0;
}

static void close_device(struct insp_device *device) {
    free(device);
}

static int memory(struct insp_device *device, struct insp_device_usage *ret_memory, struct insp_error *reterr) {
    (void)device;
    (void)reterr;
    const bool card = getenv("INSP_FAKE_DEVICE_MEMORY") != NULL; /* as a device with separate memory would */
    *ret_memory =
        card ? (struct insp_device_usage){1 << 20, 2 << 20, 30 << 20, 32 << 20} : (struct insp_device_usage){0};
    return 0;
}

static int trunk_load(struct insp_device *device, const struct insp_trunk_weights *weights,
                      struct insp_trunk **ret_trunk, struct insp_error *reterr) {
    (void)weights;
    struct insp_trunk *trunk = calloc(1, sizeof *trunk);
    if (!trunk)
        return no_memory(reterr);
    trunk->device = device;
    *ret_trunk = trunk;
    return 0;
}

static void trunk_free(struct insp_trunk *trunk) {
    free(trunk);
}

static float shift_of(const float *bias) {
    float shift = bias[INSP_CLASS_ANOMALY] - bias[INSP_CLASS_GOOD];
    return fabsf(shift) < 0.1f ? 0 : shift;
}

static int tail_load(struct insp_device *device, const struct insp_tail_weights *weights,
                     struct insp_tail **ret_tail, struct insp_error *reterr) {
    struct fake_tail *fake = calloc(1, sizeof *fake);
    if (!fake)
        return no_memory(reterr);
    fake->tail.device = device;
    fake->shift = shift_of(weights->classifier_bias);
    *ret_tail = &fake->tail;
    return 0;
}

static void tail_free(struct insp_tail *tail) {
    free(tail);
}

static float shift_of_tail(const struct insp_tail *tail) {
    return ((const struct fake_tail *)tail)->shift;
}

static float brightness(const float *pixels, size_t y, size_t x) {
    size_t plane = (size_t)INSP_INPUT_SIDE * INSP_INPUT_SIDE, at = y * INSP_INPUT_SIDE + x;
    return (pixels[at] + pixels[plane + at] + pixels[2 * plane + at]) / 3;
}

/* Mean and contrast of each cell of one image. */
static void cells(const float *pixels, float *ret_mean, float *ret_contrast) {
    for (size_t cell = 0; cell < INSP_MAP_FLOATS; cell++) {
        float low = INFINITY, high = -INFINITY, sum = 0;
        for (size_t i = 0; i < CELL * CELL; i++) {
            float b =
                brightness(pixels, cell / INSP_MAP_SIDE * CELL + i / CELL, cell % INSP_MAP_SIDE * CELL + i % CELL);
            low = fminf(low, b);
            high = fmaxf(high, b);
            sum += b;
        }
        ret_mean[cell] = sum / (CELL * CELL);
        ret_contrast[cell] = high - low;
    }
}

/* Taps of one image, [28,28,448]. */
static void tap_cells(const float *pixels, float *ret_taps) {
    enum { TAP_CELL = INSP_INPUT_SIDE / INSP_TAP_SIDE };
    for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++) {
        float low = INFINITY, high = -INFINITY, sum = 0;
        for (size_t i = 0; i < TAP_CELL * TAP_CELL; i++) {
            float b = brightness(pixels, cell / INSP_TAP_SIDE * TAP_CELL + i / TAP_CELL,
                                 cell % INSP_TAP_SIDE * TAP_CELL + i % TAP_CELL);
            low = fminf(low, b);
            high = fmaxf(high, b);
            sum += b;
        }
        for (size_t c = 0; c < INSP_TAP_CHANNELS; c++)
            ret_taps[cell * INSP_TAP_CHANNELS + c] =
                (c % 2 ? high - low : sum / (TAP_CELL * TAP_CELL)) * (float)(1 + c % 7) + 0.01F * (float)(c % 5);
    }
}

static int score_cells(const float *mean, const float *contrast, float shift, size_t image, float *ret_prob,
                       float *ret_cam, struct insp_error *reterr) {
    float sum = shift * INSP_MAP_FLOATS;
    for (size_t i = 0; i < INSP_MAP_FLOATS; i++)
        sum += mean[i];
    if (!isfinite(sum))
        return insp_fail(reterr, INSP_E_MODEL, "the result of image %zu is not finite", image);
    *ret_prob = fminf(fmaxf(sum / INSP_MAP_FLOATS, 0), 1);
    if (ret_cam)
        memcpy(ret_cam, contrast, INSP_MAP_FLOATS * sizeof *ret_cam);
    return 0;
}

static void take_time(const struct insp_device *device) {
    long pass_ms = ((const struct fake_device *)device)->pass_ms;
    struct timespec left = {pass_ms / 1000, pass_ms % 1000 * 1000000};
    while (pass_ms > 0 && nanosleep(&left, &left) < 0)
        ;
}

/* With INSP_FAKE_DEVICE_LOST_AFTER=N, the pass after the Nth and all later ones fail, as on a card that fell off.
 */
static int pass_if_alive(struct insp_device *device, struct insp_error *reterr) {
    struct fake_device *fake = (struct fake_device *)device;
    if (atomic_load(&fake->passes_left) >= 0 && atomic_fetch_sub(&fake->passes_left, 1) == 0)
        fake->lost = true;
    return fake->lost ? insp_fail(reterr, INSP_E_DEVICE, "the fake device was lost") : 0;
}

static int probe(struct insp_device *device, struct insp_error *reterr) {
    return ((struct fake_device *)device)->lost ? insp_fail(reterr, INSP_E_DEVICE, "the fake device was lost") : 0;
}

static int features(struct insp_trunk *trunk, const float *pixels, size_t n, float *ret_features, float *ret_taps,
                    struct insp_error *reterr) {
    (void)trunk;
    (void)reterr;
    for (size_t i = 0; i < n && ret_taps; i++)
        tap_cells(pixels + i * INSP_INPUT_FLOATS, ret_taps + i * INSP_TAP_FLOATS);
    if (!ret_features)
        return 0;
    memset(ret_features, 0, n * INSP_FEATURE_FLOATS * sizeof *ret_features);
    for (size_t i = 0; i < n; i++) {
        float *mean = ret_features + i * INSP_FEATURE_FLOATS;
        cells(pixels + i * INSP_INPUT_FLOATS, mean, mean + INSP_MAP_FLOATS);
    }
    return 0;
}

static int score(struct insp_trunk *trunk, struct insp_tail *const *tails, const float *pixels, size_t n,
                 float *ret_prob, float *ret_cam, float *ret_taps, float *ret_features,
                 struct insp_error *reterr) {
    int alive = pass_if_alive(trunk->device, reterr);
    if (alive < 0)
        return alive;
    if (n > (size_t)((struct fake_device *)trunk->device)->memory_images ||
        ((ret_taps || ret_features) && getenv("INSP_FAKE_NO_TAPS")))
        return no_memory(reterr);
    take_time(trunk->device);
    for (size_t i = 0; i < n; i++) {
        float mean[INSP_MAP_FLOATS], contrast[INSP_MAP_FLOATS];
        cells(pixels + i * INSP_INPUT_FLOATS, mean, contrast);
        if (ret_taps)
            tap_cells(pixels + i * INSP_INPUT_FLOATS, ret_taps + i * INSP_TAP_FLOATS);
        int r = score_cells(mean, contrast, shift_of_tail(tails[i]), i, &ret_prob[i],
                            ret_cam + i * INSP_MAP_FLOATS, reterr);
        if (r < 0)
            return r;
    }
    return ret_features ? features(trunk, pixels, n, ret_features, NULL, reterr) : 0;
}

static int score_features(const float *of_images, float shift, size_t n, float *ret_prob, float *ret_cam,
                          struct insp_error *reterr) {
    for (size_t i = 0; i < n; i++) {
        const float *mean = of_images + i * INSP_FEATURE_FLOATS;
        int r = score_cells(mean, mean + INSP_MAP_FLOATS, shift, i, &ret_prob[i],
                            ret_cam ? ret_cam + i * INSP_MAP_FLOATS : NULL, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

static int tail_score(struct insp_tail *tail, const float *features_of_images, size_t n, float *ret_prob,
                      float *ret_cam, struct insp_error *reterr) {
    take_time(tail->device);
    return score_features(features_of_images, shift_of_tail(tail), n, ret_prob, ret_cam, reterr);
}

enum { CONV_FLOATS = INSP_CHANNELS * INSP_CHANNELS * 9, HEAD_FLOATS = INSP_CLASSES * INSP_CHANNELS };

static int clone(const float *from, size_t floats, float **ret) {
    *ret = malloc(floats * sizeof **ret);
    if (!*ret)
        return -1;
    memcpy(*ret, from, floats * sizeof **ret);
    return 0;
}

static struct fake_trainer *fake_of(struct insp_trainer *trainer) {
    return (struct fake_trainer *)trainer;
}

static void trainer_free(struct insp_trainer *trainer) {
    struct insp_tail_buffers *parameters = &fake_of(trainer)->parameters;
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++) {
        free(parameters->conv_weight[i]);
        free(parameters->conv_bias[i]);
    }
    free(parameters->classifier_weight);
    free(parameters->classifier_bias);
    free(trainer);
}

static int trainer_new(struct insp_device *device, const struct insp_tail_weights *initial,
                       const struct insp_trainer_config *config, struct insp_trainer **ret_trainer,
                       struct insp_error *reterr) {
    (void)config;
    struct fake_trainer *fake = calloc(1, sizeof *fake);
    if (!fake)
        return no_memory(reterr);
    fake->trainer.device = device;
    struct insp_tail_buffers *to = &fake->parameters;
    int r = clone(initial->classifier_weight, HEAD_FLOATS, &to->classifier_weight);
    r |= clone(initial->classifier_bias, INSP_CLASSES, &to->classifier_bias);
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++) {
        r |= clone(initial->conv[i].weight, CONV_FLOATS, &to->conv_weight[i]);
        r |= clone(initial->conv[i].bias, INSP_CHANNELS, &to->conv_bias[i]);
    }
    if (r < 0) {
        trainer_free(&fake->trainer);
        return no_memory(reterr);
    }
    *ret_trainer = &fake->trainer;
    return 0;
}

static int trainer_step(struct insp_trainer *trainer, const float *of_images, const uint8_t *labels, size_t n,
                        float *ret_loss, size_t *ret_correct, struct insp_error *reterr) {
    (void)of_images;
    (void)labels;
    (void)reterr;
    size_t steps = ++fake_of(trainer)->steps;
    take_time(trainer->device);
    *ret_loss = (float)(M_LN2 / (double)steps);
    *ret_correct = steps >= 3 ? n : n / 2;
    return 0;
}

static int trainer_export(struct insp_trainer *trainer, const struct insp_tail_buffers *buffers,
                          struct insp_error *reterr) {
    const struct insp_tail_buffers *from = &fake_of(trainer)->parameters;
    (void)reterr;
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++) {
        memcpy(buffers->conv_weight[i], from->conv_weight[i], CONV_FLOATS * sizeof(float));
        memcpy(buffers->conv_bias[i], from->conv_bias[i], INSP_CHANNELS * sizeof(float));
    }
    memcpy(buffers->classifier_weight, from->classifier_weight, HEAD_FLOATS * sizeof(float));
    memcpy(buffers->classifier_bias, from->classifier_bias, INSP_CLASSES * sizeof(float));
    return 0;
}

static const struct insp_device_ops ops = {
    .close = close_device,
    .memory = memory,
    .probe = probe,
    .trunk_load = trunk_load,
    .trunk_free = trunk_free,
    .tail_load = tail_load,
    .tail_free = tail_free,
    .score = score,
    .features = features,
    .tail_score = tail_score,
    .trainer_new = trainer_new,
    .trainer_free = trainer_free,
    .trainer_step = trainer_step,
    .trainer_export = trainer_export,
};

const char *insp_torch_version(void) {
    return "fake";
}
