/* core/compute/packed.c - the back end of the packed kernels: conv_cpu.h scores, train_cpu.h trains. Calls no
 * libtorch. */
#include "core/compute/backend.h"
#include "core/compute/conv_cpu.h"
#include "core/compute/device.h"
#include "core/compute/train_cpu.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 8 };

/* Holds the scratch memory of one pass. A device keeps idle ones, so each calling thread makes its buffers
 * once. */
struct scratch {
    struct insp_cpu_workspace *workspace;
    float *features;    /* [CHUNK,512,14,14] */
    float *of_one_tail; /* the same size: features of the images of one tail; made for the first mixed batch */
    struct scratch *next;
};

struct packed_device {
    struct insp_device device;
    unsigned threads;
    pthread_mutex_t lock; /* of idle */
    struct scratch *idle;
};

struct packed_trunk {
    struct insp_trunk trunk;
    struct insp_cpu_trunk *cpu;
};

struct packed_tail {
    struct insp_tail tail;
    struct insp_cpu_tail *cpu;
};

struct packed_trainer {
    struct insp_trainer trainer;
    struct insp_cpu_trainer *cpu;
};

static struct packed_device *packed(struct insp_device *device) {
    return (struct packed_device *)device;
}

static struct insp_cpu_tail *cpu_tail(struct insp_tail *tail) {
    return ((struct packed_tail *)tail)->cpu;
}

static struct insp_cpu_trainer *cpu_trainer(struct insp_trainer *trainer) {
    return ((struct packed_trainer *)trainer)->cpu;
}

/* --- scratch memory --- */

static void scratch_free(struct scratch *scratch) {
    if (!scratch)
        return;
    insp_cpu_workspace_free(scratch->workspace);
    free(scratch->features);
    free(scratch->of_one_tail);
    free(scratch);
}

static int need(float **buffer, struct insp_error *reterr) {
    if (!*buffer)
        *buffer = malloc((size_t)CHUNK * INSP_FEATURE_FLOATS * sizeof **buffer);
    return *buffer ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the features of a pass");
}

static int scratch_new(const struct packed_device *device, struct scratch **ret, struct insp_error *reterr) {
    struct scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a pass");
    int r = insp_cpu_workspace_new(device->threads, &scratch->workspace, reterr);
    if (r == 0)
        r = need(&scratch->features, reterr);
    if (r < 0) {
        scratch_free(scratch);
        return r;
    }
    *ret = scratch;
    return 0;
}

static int take_scratch(struct insp_device *device, struct scratch **ret, struct insp_error *reterr) {
    struct packed_device *d = packed(device);
    pthread_mutex_lock(&d->lock);
    *ret = d->idle;
    if (d->idle)
        d->idle = d->idle->next;
    pthread_mutex_unlock(&d->lock);
    return *ret ? 0 : scratch_new(d, ret, reterr);
}

static void give_scratch(struct insp_device *device, struct scratch *scratch) {
    struct packed_device *d = packed(device);
    pthread_mutex_lock(&d->lock);
    scratch->next = d->idle;
    d->idle = scratch;
    pthread_mutex_unlock(&d->lock);
}

/* --- trunk and tail --- */

static int trunk_load(struct insp_device *device, const struct insp_trunk_weights *weights,
                      struct insp_trunk **ret, struct insp_error *reterr) {
    struct packed_trunk *trunk = calloc(1, sizeof *trunk);
    if (!trunk)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a trunk");
    int r = insp_cpu_trunk_new(weights, &trunk->cpu, reterr);
    if (r < 0) {
        free(trunk);
        return r;
    }
    trunk->trunk.device = device;
    *ret = &trunk->trunk;
    return 0;
}

static void trunk_free(struct insp_trunk *trunk) {
    insp_cpu_trunk_free(((struct packed_trunk *)trunk)->cpu);
    free(trunk);
}

static int tail_load(struct insp_device *device, const struct insp_tail_weights *weights, struct insp_tail **ret,
                     struct insp_error *reterr) {
    struct packed_tail *tail = calloc(1, sizeof *tail);
    if (!tail)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a tail");
    int r = insp_cpu_tail_new(weights, &tail->cpu, reterr);
    if (r < 0) {
        free(tail);
        return r;
    }
    tail->tail.device = device;
    *ret = &tail->tail;
    return 0;
}

static void tail_free(struct insp_tail *tail) {
    insp_cpu_tail_free(cpu_tail(tail));
    free(tail);
}

/* --- scoring --- */

/* Gathers the images of tails[first], scores them together and marks them in `done`. */
static int score_tail_of(struct scratch *scratch, const float *features, struct insp_tail *const *tails,
                         size_t first, size_t n, bool *done, float *ret_prob, float *ret_cam,
                         struct insp_error *reterr) {
    size_t image[CHUNK], count = 0;
    float prob[CHUNK], cam[CHUNK * INSP_MAP_FLOATS];
    int r = need(&scratch->of_one_tail, reterr);
    if (r < 0)
        return r;
    for (size_t i = first; i < n; i++)
        if (tails[i] == tails[first]) {
            memcpy(scratch->of_one_tail + count * INSP_FEATURE_FLOATS, features + i * INSP_FEATURE_FLOATS,
                   INSP_FEATURE_FLOATS * sizeof(float));
            done[i] = true;
            image[count++] = i;
        }
    r = insp_cpu_tail_run(cpu_tail(tails[first]), scratch->workspace, scratch->of_one_tail, count, prob, cam,
                          reterr);
    for (size_t k = 0; k < count && r == 0; k++) {
        ret_prob[image[k]] = prob[k];
        memcpy(ret_cam + image[k] * INSP_MAP_FLOATS, cam + k * INSP_MAP_FLOATS, INSP_MAP_FLOATS * sizeof *cam);
    }
    return r;
}

static bool one_tail(struct insp_tail *const *tails, size_t n) {
    for (size_t i = 1; i < n; i++)
        if (tails[i] != tails[0])
            return false;
    return true;
}

/* Scores features [n,512,14,14]: each distinct tail once over its images. */
static int score_tails(struct scratch *scratch, const float *features, struct insp_tail *const *tails, size_t n,
                       float *ret_prob, float *ret_cam, struct insp_error *reterr) {
    bool done[CHUNK] = {false};
    if (n > 0 && one_tail(tails, n))
        return insp_cpu_tail_run(cpu_tail(tails[0]), scratch->workspace, features, n, ret_prob, ret_cam, reterr);
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        if (!done[i])
            r = score_tail_of(scratch, features, tails, i, n, done, ret_prob, ret_cam, reterr);
    return r;
}

static int score(struct insp_trunk *trunk, struct insp_tail *const *tails, const float *pixels, size_t n,
                 float *ret_prob, float *ret_cam, float *ret_taps, float *ret_features,
                 struct insp_error *reterr) {
    struct scratch *scratch;
    int r = take_scratch(trunk->device, &scratch, reterr);
    if (r < 0)
        return r;
    float *features = ret_features ? ret_features : scratch->features;
    r = insp_cpu_trunk_run(((struct packed_trunk *)trunk)->cpu, scratch->workspace, pixels, n, features, ret_taps,
                           reterr);
    if (r == 0)
        r = score_tails(scratch, features, tails, n, ret_prob, ret_cam, reterr);
    give_scratch(trunk->device, scratch);
    return r;
}

static int score_pictures(struct insp_trunk *trunk, const struct insp_picture *pictures, size_t n, float *ret_prob,
                          float *ret_cam, float *ret_taps, float *ret_features, struct insp_error *reterr) {
    struct insp_tail *tails[CHUNK];
    struct scratch *scratch;
    int r = take_scratch(trunk->device, &scratch, reterr);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        tails[i] = pictures[i].tail;
    float *features = ret_features ? ret_features : ret_prob ? scratch->features : NULL;
    r = insp_cpu_trunk_run_pictures(((struct packed_trunk *)trunk)->cpu, scratch->workspace, pictures, n, features,
                                    ret_taps, reterr);
    if (r == 0 && ret_prob)
        r = score_tails(scratch, features, tails, n, ret_prob, ret_cam, reterr);
    give_scratch(trunk->device, scratch);
    return r;
}

static int features(struct insp_trunk *trunk, const float *pixels, size_t n, float *ret_features, float *ret_taps,
                    struct insp_error *reterr) {
    struct scratch *scratch;
    int r = take_scratch(trunk->device, &scratch, reterr);
    if (r < 0)
        return r;
    r = insp_cpu_trunk_run(((struct packed_trunk *)trunk)->cpu, scratch->workspace, pixels, n, ret_features,
                           ret_taps, reterr);
    give_scratch(trunk->device, scratch);
    return r;
}

static int tail_score(struct insp_tail *tail, const float *of_images, size_t n, float *ret_prob, float *ret_cam,
                      struct insp_error *reterr) {
    struct scratch *scratch;
    int r = take_scratch(tail->device, &scratch, reterr);
    if (r < 0)
        return r;
    r = insp_cpu_tail_run(cpu_tail(tail), scratch->workspace, of_images, n, ret_prob, ret_cam, reterr);
    give_scratch(tail->device, scratch);
    return r;
}

/* --- training --- */

static int trainer_new(struct insp_device *device, const struct insp_tail_weights *initial,
                       const struct insp_trainer_config *config, struct insp_trainer **ret,
                       struct insp_error *reterr) {
    struct packed_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a trainer");
    int r = insp_cpu_trainer_new(initial, config, packed(device)->threads, &trainer->cpu, reterr);
    if (r < 0) {
        free(trainer);
        return r;
    }
    trainer->trainer.device = device;
    *ret = &trainer->trainer;
    return 0;
}

static void trainer_free(struct insp_trainer *trainer) {
    insp_cpu_trainer_free(cpu_trainer(trainer));
    free(trainer);
}

static int trainer_step(struct insp_trainer *trainer, const float *of_images, const uint8_t *labels, size_t n,
                        float *ret_loss, size_t *ret_correct, struct insp_error *reterr) {
    return insp_cpu_trainer_step(cpu_trainer(trainer), of_images, labels, n, ret_loss, ret_correct, reterr);
}

static int trainer_export(struct insp_trainer *trainer, const struct insp_tail_buffers *buffers,
                          struct insp_error *reterr) {
    (void)reterr;
    insp_cpu_trainer_export(cpu_trainer(trainer), buffers);
    return 0;
}

/* --- the device --- */

static void close_device(struct insp_device *device) {
    struct packed_device *d = packed(device);
    while (d->idle) {
        struct scratch *scratch = d->idle;
        d->idle = scratch->next;
        scratch_free(scratch);
    }
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static int memory(struct insp_device *device, struct insp_device_usage *ret, struct insp_error *reterr) {
    (void)device;
    (void)reterr;
    *ret = (struct insp_device_usage){0}; /* it has no separate memory */
    return 0;
}

int insp_packed_open(unsigned threads, struct insp_device **ret, struct insp_error *reterr) {
    static const struct insp_device_ops ops = {
        .close = close_device,
        .memory = memory,
        .trunk_load = trunk_load,
        .trunk_free = trunk_free,
        .tail_load = tail_load,
        .tail_free = tail_free,
        .score = score,
        .score_pictures = score_pictures,
        .features = features,
        .tail_score = tail_score,
        .trainer_new = trainer_new,
        .trainer_free = trainer_free,
        .trainer_step = trainer_step,
        .trainer_export = trainer_export,
    };
    if (!insp_cpu_supported())
        return insp_fail(reterr, INSP_E_DEVICE, "the packed kernels do not support this processor");
    struct packed_device *d = calloc(1, sizeof *d);
    if (!d)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a device");
    d->device = (struct insp_device){.ops = &ops, .chunk = CHUNK, .packed = true, .name = "cpu"};
    snprintf(d->device.description, sizeof d->device.description, "cpu, %u thread%s, packed kernels (%s)", threads,
             threads == 1 ? "" : "s", insp_cpu_kernel());
    snprintf(d->device.arithmetic, sizeof d->device.arithmetic, "packed %s", insp_cpu_kernel());
    d->threads = threads;
    pthread_mutex_init(&d->lock, NULL);
    *ret = &d->device;
    return 0;
}
