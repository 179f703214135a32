#include "core/compute/train_cpu.h"
#include "core/compute/conv_cpu.h"
#include "core/compute/conv_tail.h"
#include "core/compute/pace.h"
#include "core/compute/team.h"
#include "core/compute/train_head.h"
#include "core/compute/train_kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHANNELS = INSP_CHANNELS,
    BLOCKS = INSP_CHANNELS / INSP_BLOCK,
    SIDE = INSP_MAP_SIDE,
    PLANE = INSP_TAIL_PLANE_FLOATS,
    IMAGE = INSP_TAIL_IMAGE_FLOATS,
    POINTS = 16,
    TAPS = 9,
    CONV_FLOATS = CHANNELS * CHANNELS * TAPS,
    U_FLOATS = CHANNELS * CHANNELS * POINTS,
    RUN_TILES = 256, /* tiles whose V and D are computed at a time */
};

/* Holds parameters with Adam's moments. */
struct moments {
    float *weight, *m, *v;
};

struct small_moments {
    float m[CHANNELS], v[CHANNELS];
};

struct insp_cpu_trainer {
    struct insp_trainer_config config;
    const struct insp_train_kernel *kernel;
    struct insp_cpu_workspace *workspace; /* for scoring */
    struct insp_conv_scratch scratch;     /* also holds the number of threads */
    struct insp_cpu_tail tail;            /* the present parameters, packed for the forward pass */
    struct insp_conv_layer
        back[INSP_TAIL_CONVS];            /* for the gradient of the input; [0] is unused: the trunk is frozen */
    struct moments conv[INSP_TAIL_CONVS]; /* layout of train_kernel.h */
    struct small_moments bias[INSP_TAIL_CONVS], classifier[INSP_CLASSES], classifier_bias;
    float *du, *run; /* one layer's dU; V and D of a run */
    float *activations[INSP_TAIL_CONVS + 1], *dy[2];
    size_t batch;                    /* images that activations and dy hold */
    double beta1_power, beta2_power; /* beta^t */
};

static const struct insp_train_kernel *train_kernel(void) {
#if defined __x86_64__
    if (!strcmp(insp_cpu_kernel(), "avx512"))
        return &insp_train_kernel_avx512;
    if (!strcmp(insp_cpu_kernel(), "avx2"))
        return &insp_train_kernel_avx2;
#endif
    return &insp_train_kernel_generic;
}

/* --- making and freeing --- */

/* Returns the place of weight [out][in][tap] (PyTorch's order) in the kernels' order. */
static size_t kernel_place(size_t columns, size_t out, size_t in, size_t tap) {
    return ((out / columns * TAPS + tap) * CHANNELS + in) * columns + out % columns;
}

struct transposition {
    const float *from;
    float *to;
    size_t columns;
};

/* Derives a panel of the U of the transposed, flipped kernels from U: flipping exchanges the points 0 and
 * infinity, in rows and columns, and keeps 1 and -1. */
static void transpose_step(void *arg, size_t panel, unsigned thread) {
    static const size_t flipped[4] = {3, 1, 2, 0};
    const struct transposition *t = arg;
    const size_t columns = t->columns;
    (void)thread;
    for (size_t point = 0; point < POINTS; point++) {
        size_t source = flipped[point / 4] * 4 + flipped[point % 4];
        float *rows = t->to + (panel * POINTS + point) * CHANNELS * columns;
        for (size_t block = 0; block < CHANNELS / columns; block++) {
            const float *square = t->from + ((block * POINTS + source) * CHANNELS + panel * columns) * columns;
            for (size_t c = 0; c < columns; c++)
                for (size_t r = 0; r < columns; r++)
                    rows[(block * columns + c) * columns + r] = square[r * columns + c];
        }
    }
}

static void transpose(const struct insp_cpu_trainer *trainer, size_t i) {
    struct transposition t = {trainer->tail.layer[i].u, trainer->back[i].u, trainer->kernel->conv->columns};
    insp_team_run(trainer->scratch.threads, CHANNELS / t.columns, 1, transpose_step, &t);
}

static int new_layer(struct insp_cpu_trainer *trainer, size_t i, const struct insp_conv_weights *weights,
                     struct insp_error *reterr) {
    const struct insp_conv_kernel *kernel = trainer->kernel->conv;
    struct moments *conv = &trainer->conv[i];
    int r = insp_conv_layer_init(&trainer->tail.layer[i], kernel, &insp_tail_shape[i], weights, reterr);
    if (!r && i > 0)
        /* cppcheck-suppress arrayIndexOutOfBoundsCond ; i is below INSP_TAIL_CONVS */
        r = insp_conv_layer_alloc(&trainer->back[i], kernel, &insp_tail_shape[i], reterr);
    if (r)
        return r;
    trainer->back[i].shape.relu = false;
    conv->weight = insp_conv_alloc(CONV_FLOATS);
    conv->m = insp_conv_alloc(CONV_FLOATS);
    conv->v = insp_conv_alloc(CONV_FLOATS);
    if (!conv->weight || !conv->m || !conv->v)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the moments of features.%d",
                         insp_tail_shape[i].index);
    memset(conv->m, 0, CONV_FLOATS * sizeof *conv->m);
    memset(conv->v, 0, CONV_FLOATS * sizeof *conv->v);
    for (size_t out = 0; out < CHANNELS; out++)
        for (size_t in = 0; in < CHANNELS; in++)
            for (size_t tap = 0; tap < TAPS; tap++)
                conv->weight[kernel_place(kernel->columns, out, in, tap)] =
                    weights->weight[(out * CHANNELS + in) * TAPS + tap];
    if (i > 0)
        transpose(trainer, i);
    return 0;
}

int insp_cpu_trainer_new(const struct insp_tail_weights *initial, const struct insp_trainer_config *config,
                         unsigned threads, struct insp_cpu_trainer **ret, struct insp_error *reterr) {
    struct insp_cpu_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a trainer");
    trainer->config = *config;
    trainer->kernel = train_kernel();
    trainer->scratch.threads = threads ? threads : insp_team_processors();
    trainer->beta1_power = trainer->beta2_power = 1;
    memcpy(trainer->tail.classifier_weight, initial->classifier_weight, sizeof trainer->tail.classifier_weight);
    memcpy(trainer->tail.classifier_bias, initial->classifier_bias, sizeof trainer->tail.classifier_bias);
    trainer->du = insp_conv_alloc(U_FLOATS);
    trainer->run = insp_conv_alloc((size_t)2 * POINTS * CHANNELS * RUN_TILES);
    int r = trainer->du && trainer->run ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for gradients");
    if (!r)
        r = insp_cpu_workspace_new(threads, &trainer->workspace, reterr);
    for (size_t i = 0; i < INSP_TAIL_CONVS && !r; i++)
        r = new_layer(trainer, i, &initial->conv[i], reterr);
    if (r) {
        insp_cpu_trainer_free(trainer);
        return r;
    }
    *ret = trainer;
    return 0;
}

static void free_batch(struct insp_cpu_trainer *trainer) {
    for (size_t i = 0; i <= INSP_TAIL_CONVS; i++) {
        free(trainer->activations[i]);
        trainer->activations[i] = NULL;
    }
    for (size_t i = 0; i < 2; i++) {
        free(trainer->dy[i]);
        trainer->dy[i] = NULL;
    }
    trainer->batch = 0;
}

void insp_cpu_trainer_free(struct insp_cpu_trainer *trainer) {
    if (!trainer)
        return;
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++) {
        insp_conv_layer_clear(&trainer->tail.layer[i]);
        insp_conv_layer_clear(&trainer->back[i]);
        free(trainer->conv[i].weight);
        free(trainer->conv[i].m);
        free(trainer->conv[i].v);
    }
    free_batch(trainer);
    free(trainer->du);
    free(trainer->run);
    insp_conv_scratch_clear(&trainer->scratch);
    insp_cpu_workspace_free(trainer->workspace);
    free(trainer);
}

static int reserve_batch(struct insp_cpu_trainer *trainer, size_t n, struct insp_error *reterr) {
    if (n <= trainer->batch)
        return 0;
    free_batch(trainer);
    bool whole = true;
    for (size_t i = 0; i <= INSP_TAIL_CONVS; i++)
        whole = (trainer->activations[i] = insp_conv_alloc(n * IMAGE)) && whole;
    for (size_t i = 0; i < 2; i++)
        whole = (trainer->dy[i] = insp_conv_alloc(n * IMAGE)) && whole;
    if (!whole) {
        free_batch(trainer);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the activations of a batch of %zu", n);
    }
    trainer->batch = n;
    return 0;
}

/* --- convolutions backward --- */

struct gradient {
    struct insp_cpu_trainer *trainer;
    size_t layer;
    const float *dy;
    struct insp_tile_run run;
    bool add; /* to the dU of earlier runs */
    float *v, *d;
};

static void spread_step(void *arg, size_t block, unsigned thread) {
    const struct gradient *g = arg;
    const struct insp_wino *shape = &g->trainer->tail.layer[g->layer].shape;
    (void)thread;
    g->trainer->kernel->conv->input(shape, &g->run, block, g->trainer->activations[g->layer], g->v);
    g->trainer->kernel->spread(shape, &g->run, block, g->dy, g->d);
}

static void gradient_step(void *arg, size_t panel, unsigned thread) {
    const struct gradient *g = arg;
    (void)thread;
    g->trainer->kernel->gradient(&g->trainer->tail.layer[g->layer].shape, &g->run, panel, g->v, g->d, g->add,
                                 g->trainer->du + panel * POINTS * CHANNELS * g->trainer->kernel->conv->columns);
}

/* Computes dU of layer i from its input and dY. */
static void weight_gradient(struct insp_cpu_trainer *trainer, size_t i, const float *dy, size_t n) {
    const unsigned threads = trainer->scratch.threads;
    size_t tiles = n * trainer->tail.layer[i].shape.tiles, runs = (tiles + RUN_TILES - 1) / RUN_TILES;
    struct gradient g = {.trainer = trainer,
                         .layer = i,
                         .dy = dy,
                         .v = trainer->run,
                         .d = trainer->run + (size_t)POINTS * CHANNELS * RUN_TILES};
    insp_pace();
    for (size_t k = 0; k < runs; k++) {
        size_t first = tiles * k / runs, count = tiles * (k + 1) / runs - first;
        g.run = (struct insp_tile_run){.first = first, .count = count, .stride = count};
        g.add = k > 0;
        insp_team_run(threads, BLOCKS, 1, spread_step, &g);
        insp_team_run(threads, CHANNELS / trainer->kernel->conv->columns, 1, gradient_step, &g);
    }
}

struct masking {
    const float *y;
    float *dy;
};

static void mask_step(void *arg, size_t plane, unsigned thread) {
    const struct masking *m = arg;
    (void)thread;
    for (size_t at = plane * PLANE; at < (plane + 1) * PLANE; at++)
        m->dy[at] = m->y[at] > 0 ? m->dy[at] : 0;
}

/* Sets the gradient to zero where the ReLU's output is zero. The borders stay zero. */
static void mask(const struct insp_cpu_trainer *trainer, const float *y, float *dy, size_t n) {
    struct masking m = {y, dy};
    insp_team_run(trainer->scratch.threads, n * BLOCKS, 8, mask_step, &m);
}

/* --- update --- */

static void adam_one(const struct insp_adam *adam, float g, float *weight, float *m, float *v) {
    *m = adam->beta1 * *m + (1 - adam->beta1) * g;
    *v = adam->beta2 * *v + (1 - adam->beta2) * (g * g);
    *weight -= adam->rate * *m / (sqrtf(*v) * adam->root_scale + adam->epsilon);
}

struct update {
    struct insp_cpu_trainer *trainer;
    const struct insp_adam *adam;
    size_t layer, n;
    const float *dy;
};

static void bias_step(void *arg, size_t block, unsigned thread) {
    const struct update *u = arg;
    float *bias = u->trainer->tail.layer[u->layer].bias;
    struct small_moments *moments = &u->trainer->bias[u->layer];
    double sum[INSP_BLOCK] = {0};
    (void)thread;
    for (size_t image = 0; image < u->n; image++) {
        const float *plane = u->dy + image * IMAGE + block * PLANE;
        for (size_t at = 0; at < PLANE; at += INSP_BLOCK)
            for (size_t lane = 0; lane < INSP_BLOCK; lane++)
                sum[lane] += (double)plane[at + lane];
    }
    for (size_t lane = 0; lane < INSP_BLOCK; lane++) {
        size_t c = block * INSP_BLOCK + lane;
        adam_one(u->adam, (float)sum[lane], &bias[c], &moments->m[c], &moments->v[c]);
    }
}

static void conv_step(void *arg, size_t panel, unsigned thread) {
    const struct update *u = arg;
    const struct moments *conv = &u->trainer->conv[u->layer];
    size_t columns = u->trainer->kernel->conv->columns;
    size_t taps = panel * TAPS * CHANNELS * columns, points = panel * POINTS * CHANNELS * columns;
    (void)thread;
    u->trainer->kernel->update(u->adam, CHANNELS, u->trainer->du + points, conv->weight + taps, conv->m + taps,
                               conv->v + taps, u->trainer->tail.layer[u->layer].u + points);
}

/* Updates bias and weights of layer i. */
static void update_conv(struct insp_cpu_trainer *trainer, const struct insp_adam *adam, size_t i, const float *dy,
                        size_t n) {
    struct update u = {.trainer = trainer, .adam = adam, .layer = i, .n = n, .dy = dy};
    insp_team_run(trainer->scratch.threads, BLOCKS, 1, bias_step, &u);
    insp_pace();
    insp_team_run(trainer->scratch.threads, CHANNELS / trainer->kernel->conv->columns, 1, conv_step, &u);
    if (i > 0)
        transpose(trainer, i);
}

static void update_head(struct insp_cpu_trainer *trainer, const struct insp_adam *adam,
                        const struct insp_head_result *result) {
    struct insp_cpu_tail *tail = &trainer->tail;
    for (size_t k = 0; k < INSP_CLASSES; k++) {
        for (size_t c = 0; c < CHANNELS; c++)
            adam_one(adam, (float)result->dweight[k][c], &tail->classifier_weight[k][c],
                     &trainer->classifier[k].m[c], &trainer->classifier[k].v[c]);
        adam_one(adam, (float)result->dbias[k], &tail->classifier_bias[k], &trainer->classifier_bias.m[k],
                 &trainer->classifier_bias.v[k]);
    }
}

static struct insp_adam next_adam(struct insp_cpu_trainer *trainer) {
    const struct insp_trainer_config *config = &trainer->config;
    trainer->beta1_power *= (double)config->beta1;
    trainer->beta2_power *= (double)config->beta2;
    return (struct insp_adam){.beta1 = config->beta1,
                              .beta2 = config->beta2,
                              .epsilon = config->epsilon,
                              .rate = (float)((double)config->learning_rate / (1 - trainer->beta1_power)),
                              .root_scale = (float)(1 / sqrt(1 - trainer->beta2_power))};
}

/* Runs backward through the convolutions and updates each one after its gradient has been passed on. */
static int backward(struct insp_cpu_trainer *trainer, size_t n, const struct insp_adam *adam,
                    struct insp_error *reterr) {
    for (size_t i = INSP_TAIL_CONVS, turn = 0; i-- > 0; turn ^= 1) {
        float *dy = trainer->dy[turn], *dx = trainer->dy[turn ^ 1];
        weight_gradient(trainer, i, dy, n);
        if (i > 0) {
            int r = insp_conv_layer_run(&trainer->back[i], &trainer->scratch, dy, n, dx, reterr);
            if (r)
                return r;
            mask(trainer, trainer->activations[i], dx, n);
        }
        update_conv(trainer, adam, i, dy, n);
    }
    return 0;
}

static int check_batch(const struct insp_cpu_trainer *trainer, const uint8_t *labels, size_t n,
                       double *ret_weight_sum, struct insp_error *reterr) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (labels[i] >= INSP_CLASSES)
            return insp_fail(reterr, INSP_E_USAGE, "label %u of example %zu is not a class", labels[i], i);
        sum += (double)trainer->config.class_weights[labels[i]];
    }
    if (!(sum > 0))
        return insp_fail(reterr, INSP_E_USAGE, "the class weights of a batch of %zu sum to 0", n);
    *ret_weight_sum = sum;
    return 0;
}

struct blocking {
    const float *features;
    float *dst;
};

static void block_step(void *arg, size_t i, unsigned thread) {
    const struct blocking *b = arg;
    (void)thread;
    insp_conv_block(b->features + i * INSP_FEATURE_FLOATS, CHANNELS, SIDE, b->dst + i * IMAGE);
}

static int forward(struct insp_cpu_trainer *trainer, const float *features, size_t n, struct insp_error *reterr) {
    struct blocking b = {features, trainer->activations[0]};
    insp_team_run(trainer->scratch.threads, n, 1, block_step, &b);
    int r = 0;
    for (size_t i = 0; i < INSP_TAIL_CONVS && !r; i++)
        r = insp_conv_layer_run(&trainer->tail.layer[i], &trainer->scratch, trainer->activations[i], n,
                                trainer->activations[i + 1], reterr);
    return r;
}

int insp_cpu_trainer_step(struct insp_cpu_trainer *trainer, const float *features, const uint8_t *labels, size_t n,
                          float *ret_loss, size_t *ret_correct, struct insp_error *reterr) {
    double weight_sum = 0;
    int r = check_batch(trainer, labels, n, &weight_sum, reterr);
    if (!r)
        r = reserve_batch(trainer, n, reterr);
    if (!r)
        r = forward(trainer, features, n, reterr);
    if (r)
        return r;
    _cleanup_free_ float *means = insp_conv_alloc(n * (CHANNELS + INSP_CLASSES * 2)); /* and dlogit, in double */
    if (!means)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the head of a batch of %zu", n);
    struct insp_head_result result = {0};
    const struct insp_head_batch head = {.tail = &trainer->tail,
                                         .class_weights = trainer->config.class_weights,
                                         .weight_sum = weight_sum,
                                         .labels = labels,
                                         .n = n,
                                         .threads = trainer->scratch.threads,
                                         .deep = trainer->activations[INSP_TAIL_CONVS],
                                         .dy = trainer->dy[0]};
    insp_train_head(&head, means, &result);
    if (!isfinite(result.loss))
        return insp_fail(reterr, INSP_E_MODEL,
                         "the loss is not finite: training has diverged, or a feature is not a number");
    struct insp_adam adam = next_adam(trainer);
    r = backward(trainer, n, &adam, reterr);
    if (r)
        return r;
    update_head(trainer, &adam, &result);
    *ret_loss = (float)result.loss;
    *ret_correct = result.correct;
    return 0;
}

void insp_cpu_trainer_export(const struct insp_cpu_trainer *trainer, const struct insp_tail_buffers *buffers) {
    size_t columns = trainer->kernel->conv->columns;
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++) {
        memcpy(buffers->conv_bias[i], trainer->tail.layer[i].bias, CHANNELS * sizeof(float));
        for (size_t out = 0; out < CHANNELS; out++)
            for (size_t in = 0; in < CHANNELS; in++)
                for (size_t tap = 0; tap < TAPS; tap++)
                    buffers->conv_weight[i][(out * CHANNELS + in) * TAPS + tap] =
                        trainer->conv[i].weight[kernel_place(columns, out, in, tap)];
    }
    memcpy(buffers->classifier_weight, trainer->tail.classifier_weight, sizeof trainer->tail.classifier_weight);
    memcpy(buffers->classifier_bias, trainer->tail.classifier_bias, sizeof trainer->tail.classifier_bias);
}
