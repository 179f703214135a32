#include "core/compute/conv_cpu.h"
#include "core/compute/conv_layer.h"
#include "core/compute/conv_tail.h"
#include "core/compute/device.h"
#include "core/compute/team.h"

#include <math.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The first three blocks run image by image, so that activations stay in the last-level cache; the rest runs
 * in batches, so that the large weights are read once for many images. */
enum { IMAGE_CONVS = 7, BATCH_IMAGES = 8, BATCH_SIDE = 28, BATCH_CHANNELS = 256, TAPS = 27 };

struct insp_cpu_trunk {
    const struct insp_conv_kernel *kernel;
    float *first_weight, *first_bias;               /* [out / columns][27][columns], [out] */
    struct insp_conv_layer layer[INSP_TRUNK_CONVS]; /* [0] is unused: the first convolution is direct */
};

struct insp_cpu_workspace {
    struct insp_conv_scratch scratch;
    float *activations[3]; /* 0 and 1: of one image or of a batch, alternating; 2: a batch after the image-wise
                              part */
    size_t capacity[3];
    float *input; /* a picture, transformed; made for the first one */
};

/* The input of a trunk: float32 NCHW, or pictures if that is NULL. */
struct source {
    const float *pixels;
    const struct insp_picture *pictures;
};

/* --- which kernels --- */

static _Atomic(const struct insp_conv_kernel *) forced;

static const struct insp_conv_kernel *best(void) {
    const struct insp_conv_kernel *kernel = atomic_load(&forced);
    static const char *const order[] = {"avx512", "avx2", "neon", "generic"};
    for (size_t i = 0; !kernel && i < INSP_COUNT(order); i++)
        kernel = insp_conv_kernel_named(order[i]);
    return kernel;
}

bool insp_cpu_force_kernel(const char *name) {
    const struct insp_conv_kernel *kernel = name ? insp_conv_kernel_named(name) : NULL;
    if (name && !kernel)
        return false;
    atomic_store(&forced, kernel);
    return true;
}

const char *insp_cpu_kernel(void) {
    return best()->name;
}

bool insp_cpu_supported(void) {
    return strcmp(best()->name, "generic") != 0;
}

/* --- workspace --- */

int insp_cpu_workspace_new(unsigned threads, struct insp_cpu_workspace **ret, struct insp_error *reterr) {
    struct insp_cpu_workspace *workspace = calloc(1, sizeof *workspace);
    if (!workspace)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a workspace");
    workspace->scratch.threads = threads ? threads : insp_team_processors();
    *ret = workspace;
    return 0;
}

void insp_cpu_workspace_free(struct insp_cpu_workspace *workspace) {
    if (!workspace)
        return;
    insp_conv_scratch_clear(&workspace->scratch);
    for (size_t i = 0; i < INSP_COUNT(workspace->activations); i++)
        free(workspace->activations[i]);
    free(workspace->input);
    free(workspace);
}

static int reserve(struct insp_cpu_workspace *workspace, size_t which, size_t floats, struct insp_error *reterr) {
    if (floats <= workspace->capacity[which])
        return 0;
    free(workspace->activations[which]);
    workspace->capacity[which] = 0;
    workspace->activations[which] = insp_conv_alloc(floats);
    if (!workspace->activations[which])
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu MiB of activations", (floats >> 18) + 1);
    workspace->capacity[which] = floats;
    return 0;
}

/* --- trunk --- */

static void pack_first(const struct insp_conv_kernel *kernel, const float *weight, size_t out, float *packed) {
    for (size_t c = 0; c < out; c++)
        for (size_t tap = 0; tap < TAPS; tap++)
            packed[(c / kernel->columns * TAPS + tap) * kernel->columns + c % kernel->columns] =
                weight[c * TAPS + tap];
}

int insp_cpu_trunk_new(const struct insp_trunk_weights *weights, struct insp_cpu_trunk **ret,
                       struct insp_error *reterr) {
    const size_t out = (size_t)insp_trunk_shape[0].out;
    struct insp_cpu_trunk *trunk = calloc(1, sizeof *trunk);
    if (!trunk)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a trunk");
    int r = 0;
    trunk->kernel = best();
    trunk->first_weight = insp_conv_alloc(out * TAPS);
    trunk->first_bias = insp_conv_alloc(out);
    if (!trunk->first_weight || !trunk->first_bias) {
        r = insp_fail(reterr, INSP_E_NOMEM, "no memory for the packed weights of features.0");
    } else {
        pack_first(trunk->kernel, weights->conv[0].weight, out, trunk->first_weight);
        memcpy(trunk->first_bias, weights->conv[0].bias, out * sizeof(float));
    }
    for (size_t i = 1; i < INSP_TRUNK_CONVS && !r; i++)
        r = insp_conv_layer_init(&trunk->layer[i], trunk->kernel, &insp_trunk_shape[i], &weights->conv[i], reterr);
    if (r) {
        insp_cpu_trunk_free(trunk);
        return r;
    }
    *ret = trunk;
    return 0;
}

void insp_cpu_trunk_free(struct insp_cpu_trunk *trunk) {
    if (!trunk)
        return;
    for (size_t i = 1; i < INSP_TRUNK_CONVS; i++)
        insp_conv_layer_clear(&trunk->layer[i]);
    free(trunk->first_weight);
    free(trunk->first_bias);
    free(trunk);
}

/* The first convolution of an image: pixels -> dst. */
struct first {
    const struct insp_cpu_trunk *trunk;
    const float *pixels;
    float *dst;
};

static void first_step(void *arg, size_t y, unsigned thread) {
    const struct first *first = arg;
    (void)thread;
    first->trunk->kernel->first_row((size_t)insp_trunk_shape[0].out, y, first->pixels, first->trunk->first_weight,
                                    first->trunk->first_bias, first->dst);
}

static void run_first(const struct insp_cpu_trunk *trunk, unsigned threads, const float *pixels, float *dst) {
    struct first first = {trunk, pixels, dst};
    insp_conv_border(dst, (size_t)insp_trunk_shape[0].out, INSP_INPUT_SIDE, 1);
    insp_team_run(threads, INSP_INPUT_SIDE, 8, first_step, &first);
}

enum { TRANSFORM_ROWS = 8 }; /* of a step */

struct transformation {
    const struct insp_picture *picture;
    float table[3][256];
    float *dst;
};

static void transform_step(void *arg, size_t index, unsigned thread) {
    const struct transformation *t = arg;
    const size_t floats = (size_t)TRANSFORM_ROWS * INSP_INPUT_SIDE;
    (void)thread;
    insp_transform_part(t->picture->input, t->table, t->picture->rgb, index * floats, (index + 1) * floats,
                        t->dst);
}

/* Transforms a picture into the workspace, all threads together. */
static void transform(struct insp_cpu_workspace *workspace, const struct insp_picture *picture) {
    struct transformation t = {.picture = picture, .dst = workspace->input};
    insp_transform_tabulate(picture->input, t.table);
    insp_team_run(workspace->scratch.threads, INSP_INPUT_SIDE / TRANSFORM_ROWS, 1, transform_step, &t);
}

/* A pool of a block's output to 28x28, blocked and bordered -> taps, which points at its first channel. */
struct tap {
    const float *blocked;
    size_t side;
    float *taps;
};

static void tap_step(void *arg, size_t block, unsigned thread) {
    const struct tap *tap = arg;
    const size_t step = tap->side / INSP_TAP_SIDE, row = (tap->side + 2) * INSP_BLOCK;
    const float share = 1 / (float)(step * step);
    const float *plane = tap->blocked + block * row * (tap->side + 2) + row + INSP_BLOCK;
    (void)thread;
    for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++) {
        const float *from = plane + cell / INSP_TAP_SIDE * step * row + cell % INSP_TAP_SIDE * step * INSP_BLOCK;
        float sum[INSP_BLOCK] = {0}, *to = tap->taps + cell * INSP_TAP_CHANNELS + block * INSP_BLOCK;
        for (size_t y = 0; y < step; y++)
            for (size_t x = 0; x < step; x++)
                for (size_t c = 0; c < INSP_BLOCK; c++)
                    sum[c] += from[y * row + x * INSP_BLOCK + c];
        for (size_t c = 0; c < INSP_BLOCK; c++)
            to[c] = sum[c] * share;
    }
}

static void pool_tap(const float *blocked, size_t channels, size_t side, unsigned threads, float *taps) {
    struct tap tap = {blocked, side, taps};
    insp_team_run(threads, channels / INSP_BLOCK, 1, tap_step, &tap);
}

/* Runs one image through the first blocks: pixels -> dst [256/16][30][30][16], and taps [28,28,448] or NULL. */
static int run_image(const struct insp_cpu_trunk *trunk, struct insp_cpu_workspace *workspace, const float *pixels,
                     float *dst, float *taps, struct insp_error *reterr) {
    float **turn = workspace->activations;
    run_first(trunk, workspace->scratch.threads, pixels, turn[0]);
    for (size_t i = 1; i < IMAGE_CONVS; i++) {
        const struct insp_conv_shape *shape = &insp_trunk_shape[i];
        float *out = i == IMAGE_CONVS - 1 ? dst : turn[i % 2];
        int r = insp_conv_layer_run(&trunk->layer[i], &workspace->scratch, turn[(i + 1) % 2], 1, out, reterr);
        if (r)
            return r;
        if (taps && shape->pool_after) {
            pool_tap(out, (size_t)shape->out, (size_t)shape->side / 2, workspace->scratch.threads, taps);
            taps += shape->out;
        }
    }
    return 0;
}

static int run_batch(const struct insp_cpu_trunk *trunk, struct insp_cpu_workspace *workspace,
                     const struct source *source, size_t first, size_t n, float *ret_features, float *ret_taps,
                     struct insp_error *reterr) {
    size_t image_floats = insp_conv_floats(BATCH_CHANNELS, BATCH_SIDE, 1);
    float **turn = workspace->activations, *batch = turn[2];
    int r = 0;
    for (size_t i = 0; i < n && !r; i++) {
        if (!source->pixels)
            transform(workspace, &source->pictures[first + i]);
        r = run_image(trunk, workspace,
                      source->pixels ? source->pixels + (first + i) * INSP_INPUT_FLOATS : workspace->input,
                      batch + i * image_floats, ret_taps ? ret_taps + i * INSP_TAP_FLOATS : NULL, reterr);
    }
    if (r || !ret_features)
        return r;
    for (size_t i = IMAGE_CONVS; i < INSP_TRUNK_CONVS && !r; i++)
        r = insp_conv_layer_run(&trunk->layer[i], &workspace->scratch,
                                i == IMAGE_CONVS ? batch : turn[(i + 1) % 2], n, turn[i % 2], reterr);
    const float *last = turn[(INSP_TRUNK_CONVS - 1) % 2];
    for (size_t i = 0; i < n && !r; i++)
        insp_conv_unblock(last + i * insp_conv_floats(INSP_CHANNELS, INSP_MAP_SIDE, 1), INSP_CHANNELS,
                          INSP_MAP_SIDE, ret_features + i * INSP_FEATURE_FLOATS);
    return r;
}

static int run_trunk(const struct insp_cpu_trunk *trunk, struct insp_cpu_workspace *workspace,
                     const struct source *source, size_t n, float *ret_features, float *ret_taps,
                     struct insp_error *reterr) {
    size_t batch = n < BATCH_IMAGES ? n : BATCH_IMAGES;
    size_t image = insp_conv_floats(64, INSP_INPUT_SIDE, 1), deep = insp_conv_floats(512, BATCH_SIDE, batch);
    int r = 0;
    for (size_t i = 0; i < 2 && !r; i++)
        r = reserve(workspace, i, image > deep ? image : deep, reterr);
    if (!r)
        r = reserve(workspace, 2, insp_conv_floats(BATCH_CHANNELS, BATCH_SIDE, batch), reterr);
    for (size_t done = 0; done < n && !r; done += batch) {
        size_t part = n - done < batch ? n - done : batch;
        r = run_batch(trunk, workspace, source, done, part,
                      ret_features ? ret_features + done * INSP_FEATURE_FLOATS : NULL,
                      ret_taps ? ret_taps + done * INSP_TAP_FLOATS : NULL, reterr);
    }
    return r;
}

int insp_cpu_trunk_run(const struct insp_cpu_trunk *trunk, struct insp_cpu_workspace *workspace,
                       const float *pixels, size_t n, float *ret_features, float *ret_taps,
                       struct insp_error *reterr) {
    const struct source source = {.pixels = pixels};
    return run_trunk(trunk, workspace, &source, n, ret_features, ret_taps, reterr);
}

int insp_cpu_trunk_run_pictures(const struct insp_cpu_trunk *trunk, struct insp_cpu_workspace *workspace,
                                const struct insp_picture *pictures, size_t n, float *ret_features,
                                float *ret_taps, struct insp_error *reterr) {
    const struct source source = {.pictures = pictures};
    if (!workspace->input)
        workspace->input = insp_conv_alloc(INSP_INPUT_FLOATS);
    if (!workspace->input)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a picture");
    return run_trunk(trunk, workspace, &source, n, ret_features, ret_taps, reterr);
}

/* --- tail and head --- */

int insp_cpu_tail_new(const struct insp_tail_weights *weights, struct insp_cpu_tail **ret,
                      struct insp_error *reterr) {
    struct insp_cpu_tail *tail = calloc(1, sizeof *tail);
    if (!tail)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a tail");
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++) {
        int r =
            insp_conv_layer_init_plain(&tail->layer[i], best(), &insp_tail_shape[i], &weights->conv[i], reterr);
        if (r) {
            insp_cpu_tail_free(tail);
            return r;
        }
    }
    memcpy(tail->classifier_weight, weights->classifier_weight, sizeof tail->classifier_weight);
    memcpy(tail->classifier_bias, weights->classifier_bias, sizeof tail->classifier_bias);
    *ret = tail;
    return 0;
}

void insp_cpu_tail_free(struct insp_cpu_tail *tail) {
    if (!tail)
        return;
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++)
        insp_conv_layer_clear(&tail->layer[i]);
    free(tail);
}

static float max4(const float *row, size_t next) {
    float a = fmaxf(row[0], row[INSP_BLOCK]), b = fmaxf(row[next], row[next + INSP_BLOCK]);
    return fmaxf(a, b);
}

/* Computes the head of one image: relu5_3, blocked and bordered -> probability, map. */
static void head(const struct insp_cpu_tail *tail, const float *blocked, float *ret_prob, float *ret_cam) {
    const size_t side = INSP_MAP_SIDE, row = (side + 2) * INSP_BLOCK;
    double logit[INSP_CLASSES] = {tail->classifier_bias[0], tail->classifier_bias[1]};
    float cam[INSP_MAP_FLOATS] = {0};
    for (size_t c = 0; c < INSP_CHANNELS; c++) {
        const float *plane = blocked + c / INSP_BLOCK * row * (side + 2) + row + INSP_BLOCK + c % INSP_BLOCK;
        double pooled = 0;
        for (size_t y = 0; y < side; y += 2)
            for (size_t x = 0; x < side; x += 2)
                pooled += (double)max4(plane + y * row + x * INSP_BLOCK, row);
        for (size_t k = 0; k < INSP_CLASSES; k++)
            logit[k] += (double)tail->classifier_weight[k][c] * pooled / (INSP_MAP_FLOATS / 4.0);
        for (size_t y = 0; y < side; y++)
            for (size_t x = 0; x < side; x++)
                cam[y * side + x] +=
                    tail->classifier_weight[INSP_CLASS_ANOMALY][c] * plane[y * row + x * INSP_BLOCK];
    }
    *ret_prob = (float)(1 / (1 + exp(logit[INSP_CLASS_GOOD] - logit[INSP_CLASS_ANOMALY])));
    if (ret_cam)
        memcpy(ret_cam, cam, sizeof cam);
}

static int tail_batch(const struct insp_cpu_tail *tail, struct insp_cpu_workspace *workspace,
                      const float *features, size_t n, float *ret_prob, float *ret_cam,
                      struct insp_error *reterr) {
    size_t image_floats = insp_conv_floats(INSP_CHANNELS, INSP_MAP_SIDE, 1);
    float **turn = workspace->activations;
    int r = 0;
    for (size_t i = 0; i < n; i++)
        insp_conv_block(features + i * INSP_FEATURE_FLOATS, INSP_CHANNELS, INSP_MAP_SIDE,
                        turn[0] + i * image_floats);
    for (size_t i = 0; i < INSP_TAIL_CONVS && !r; i++)
        r = insp_conv_layer_run(&tail->layer[i], &workspace->scratch, turn[i % 2], n, turn[(i + 1) % 2], reterr);
    for (size_t i = 0; i < n && !r; i++)
        head(tail, turn[INSP_TAIL_CONVS % 2] + i * image_floats, ret_prob + i,
             ret_cam ? ret_cam + i * INSP_MAP_FLOATS : NULL);
    return r;
}

int insp_cpu_tail_run(const struct insp_cpu_tail *tail, struct insp_cpu_workspace *workspace,
                      const float *features, size_t n, float *ret_prob, float *ret_cam,
                      struct insp_error *reterr) {
    size_t batch = n < BATCH_IMAGES ? n : BATCH_IMAGES;
    int r = 0;
    for (size_t i = 0; i < 2 && !r; i++)
        r = reserve(workspace, i, insp_conv_floats(INSP_CHANNELS, INSP_MAP_SIDE, batch), reterr);
    for (size_t done = 0; done < n && !r; done += batch) {
        size_t part = n - done < batch ? n - done : batch;
        r = tail_batch(tail, workspace, features + done * INSP_FEATURE_FLOATS, part, ret_prob + done,
                       ret_cam ? ret_cam + done * INSP_MAP_FLOATS : NULL, reterr);
    }
    return r;
}
