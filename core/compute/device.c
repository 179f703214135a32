#include "core/compute/device.h"

#include "core/base/log.h"
#include "core/compute/backend.h"

#include <math.h>
#include <string.h>

/* --- values that are not finite --- A ReLU by maximum hides a value that is not a number, so the input is
 * checked as well as the result. */

/* Compares magnitudes as integers: floats without their sign are ordered like integers, and vectors compute
 * the maximum of integers. */
static bool all_finite(const float *data, size_t floats) {
    int32_t largest = 0;
    for (size_t i = 0; i < floats; i++) {
        int32_t bits;
        memcpy(&bits, &data[i], sizeof bits);
        bits &= INT32_MAX;
        largest = bits > largest ? bits : largest;
    }
    return largest < 0x7f800000;
}

static int require_finite(const float *data, size_t images, size_t floats, size_t first_image, const char *subject,
                          struct insp_error *reterr) {
    if (all_finite(data, images * floats))
        return 0;
    size_t at = 0;
    while (isfinite(data[at]))
        at++;
    return insp_fail(reterr, INSP_E_MODEL, "%s of image %zu of the batch %s", subject, first_image + at / floats,
                     isnan(data[at]) ? "is not a number" : "is infinite");
}

static int require_finite_results(const float *prob, const float *cam, size_t images, size_t first_image,
                                  struct insp_error *reterr) {
    int r = require_finite(prob, images, 1, first_image, "the result", reterr);
    return r == 0 && cam ? require_finite(cam, images, INSP_MAP_FLOATS, first_image, "the result", reterr) : r;
}

/* --- the device --- */

/* Notices a device that no longer works. After CUDA's sticky errors every later call fails too; the probe
 * tells them from an error of one pass. */
static int notice(struct insp_device *device, int r) {
    if (r == INSP_E_DEVICE && device->ops->probe && device->ops->probe(device, NULL) < 0)
        __atomic_store_n(&device->failed, true, __ATOMIC_RELAXED);
    return r;
}

void insp_device_free(struct insp_device *device) {
    if (device)
        device->ops->close(device);
}

const char *insp_device_name(const struct insp_device *device) {
    return device->name;
}

const char *insp_device_describe(const struct insp_device *device) {
    return device->description;
}

const char *insp_device_arithmetic(const struct insp_device *device) {
    return device->arithmetic;
}

bool insp_device_is_cuda(const struct insp_device *device) {
    return device->cuda;
}

bool insp_device_is_packed(const struct insp_device *device) {
    return device->packed;
}

bool insp_device_failed(const struct insp_device *device) {
    return __atomic_load_n(&device->failed, __ATOMIC_RELAXED);
}

int insp_device_memory(struct insp_device *device, struct insp_device_usage *ret_memory,
                       struct insp_error *reterr) {
    return device->ops->memory(device, ret_memory, reterr);
}

/* --- trunk and tail --- */

int insp_trunk_load(struct insp_device *device, const struct insp_trunk_weights *weights,
                    struct insp_trunk **ret_trunk, struct insp_error *reterr) {
    int r = device->ops->trunk_load(device, weights, ret_trunk, reterr);
    if (r == 0)
        (*ret_trunk)->ops = device->ops;
    return notice(device, r);
}

void insp_trunk_free(struct insp_trunk *trunk) {
    if (trunk)
        trunk->ops->trunk_free(trunk);
}

int insp_tail_load(struct insp_device *device, const struct insp_tail_weights *weights,
                   struct insp_tail **ret_tail, struct insp_error *reterr) {
    int r = device->ops->tail_load(device, weights, ret_tail, reterr);
    if (r == 0)
        (*ret_tail)->ops = device->ops;
    return notice(device, r);
}

void insp_tail_free(struct insp_tail *tail) {
    if (tail)
        tail->ops->tail_free(tail);
}

unsigned insp_trunk_host_threads(const struct insp_trunk *trunk) {
    return trunk->device->host_threads ? trunk->device->host_threads : 1;
}

const char *insp_trunk_precision(const struct insp_trunk *trunk) {
    return trunk->precision ? trunk->precision : "float32";
}

static float *offset(float *at, size_t floats) {
    return at ? at + floats : NULL;
}

/* --- a batch in pieces --- */

/* Computes `count` images from place `first` of a batch. */
typedef int piece_work(const void *batch, size_t first, size_t count, struct insp_error *reterr);

/* Full passes after which a device that had too little memory is tried with twice as many images: a failed attempt
 * costs about as much as a pass, so it costs a thousandth at most. */
enum { PASSES_BEFORE_MORE = 1000 };

static size_t images_at_most(const struct insp_device *device) {
    const size_t chunk = __atomic_load_n(&device->chunk, __ATOMIC_RELAXED);
    const size_t fits = __atomic_load_n(&device->fits, __ATOMIC_RELAXED);
    return fits && fits < chunk ? fits : chunk;
}

static void remember_that_less_fits(struct insp_device *device, size_t tried, size_t fits) {
    __atomic_store_n(&device->passes_that_fit, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&device->fits, fits, __ATOMIC_RELAXED);
    insp_log_warning("no device memory for a batch, smaller ones follow device=%s images=%zu now=%zu",
                     device->name, tried, fits);
}

static void remember_that_it_fits(struct insp_device *device, size_t images) {
    const size_t fits = __atomic_load_n(&device->fits, __ATOMIC_RELAXED);
    if (!fits || images < fits ||
        __atomic_add_fetch(&device->passes_that_fit, 1, __ATOMIC_RELAXED) < PASSES_BEFORE_MORE)
        return;
    __atomic_store_n(&device->passes_that_fit, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&device->fits, 2 * fits < __atomic_load_n(&device->chunk, __ATOMIC_RELAXED) ? 2 * fits : 0,
                     __ATOMIC_RELAXED);
}

/* Cuts a batch into pieces of at most the device's chunk. A piece that does not fit the memory is halved, and so
 * are those after it, of later batches too. */
static int in_pieces(struct insp_device *device, size_t n, piece_work *work, const void *batch,
                     struct insp_error *reterr) {
    size_t most = images_at_most(device), count;
    struct insp_error error;
    for (size_t first = 0; first < n; first += count) {
        count = n - first < most ? n - first : most;
        int r = work(batch, first, count, &error);
        if (r == INSP_E_NOMEM && count > 1) {
            most = count / 2;
            remember_that_less_fits(device, count, most);
            count = 0;
        } else if (r < 0) {
            if (reterr)
                *reterr = error;
            return notice(device, r);
        } else {
            remember_that_it_fits(device, count);
        }
    }
    return 0;
}

/* Checks taps, which may be NULL. */
static int require_finite_taps(const float *taps, size_t count, size_t first, struct insp_error *reterr) {
    return taps ? require_finite(taps, count, INSP_TAP_FLOATS, first, "a tap", reterr) : 0;
}

struct score_batch {
    struct insp_trunk *trunk;
    struct insp_tail *const *tails;
    const float *pixels;
    float *prob, *cam, *taps; /* taps may be NULL */
};

static int score_piece(const void *arg, size_t first, size_t count, struct insp_error *reterr) {
    const struct score_batch *b = arg;
    float *prob = b->prob + first, *cam = b->cam + first * INSP_MAP_FLOATS;
    float *taps = offset(b->taps, first * INSP_TAP_FLOATS);
    int r = b->trunk->ops->score(b->trunk, b->tails + first, b->pixels + first * INSP_INPUT_FLOATS, count, prob,
                                 cam, taps, NULL, reterr);
    if (r == 0)
        r = require_finite_results(prob, cam, count, first, reterr);
    return r ? r : require_finite_taps(taps, count, first, reterr);
}

int insp_score_taps(struct insp_trunk *trunk, struct insp_tail *const *tails, const float *pixels, size_t n,
                    float *ret_prob, float *ret_cam, float *ret_taps, struct insp_error *reterr) {
    for (size_t i = 0; i < n; i++)
        if (tails[i]->device != trunk->device)
            return insp_fail(reterr, INSP_E_INTERNAL, "the tail of image %zu is on another device than the trunk",
                             i);
    const struct score_batch batch = {trunk, tails, pixels, ret_prob, ret_cam, ret_taps};
    int r = require_finite(pixels, n, INSP_INPUT_FLOATS, 0, "a pixel", reterr);
    return r ? r : in_pieces(trunk->device, n, score_piece, &batch, reterr);
}

int insp_score(struct insp_trunk *trunk, struct insp_tail *const *tails, const float *pixels, size_t n,
               float *ret_prob, float *ret_cam, struct insp_error *reterr) {
    return insp_score_taps(trunk, tails, pixels, n, ret_prob, ret_cam, NULL, reterr);
}

struct picture_batch {
    struct insp_trunk *trunk;
    const struct insp_picture *pictures;
    float *prob, *cam, *taps, *features; /* prob and cam, or the others, may be NULL */
};

/* Transforms the pictures for a back end that takes floats only. */
static int score_transformed(struct insp_trunk *trunk, const struct insp_picture *pictures, size_t n, float *prob,
                             float *cam, float *taps, float *features, struct insp_error *reterr) {
    _cleanup_free_ float *pixels = malloc(n * INSP_INPUT_FLOATS * sizeof *pixels);
    _cleanup_free_ struct insp_tail **tails = malloc(n * sizeof(struct insp_tail *));
    if (!pixels || !tails)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the pixels of %zu images", n);
    for (size_t i = 0; i < n; i++) {
        insp_transform_apply(pictures[i].input, pictures[i].rgb, pixels + i * INSP_INPUT_FLOATS);
        tails[i] = pictures[i].tail;
    }
    return prob ? trunk->ops->score(trunk, tails, pixels, n, prob, cam, taps, features, reterr)
                : trunk->ops->features(trunk, pixels, n, NULL, taps, reterr);
}

static int picture_piece(const void *arg, size_t first, size_t count, struct insp_error *reterr) {
    const struct picture_batch *b = arg;
    float *prob = offset(b->prob, first), *cam = offset(b->cam, first * INSP_MAP_FLOATS);
    float *taps = offset(b->taps, first * INSP_TAP_FLOATS),
          *features = offset(b->features, first * INSP_FEATURE_FLOATS);
    int (*score)(struct insp_trunk *, const struct insp_picture *, size_t, float *, float *, float *, float *,
                 struct insp_error *) =
        b->trunk->ops->score_pictures ? b->trunk->ops->score_pictures : score_transformed;
    int r = score(b->trunk, b->pictures + first, count, prob, cam, taps, features, reterr);
    if (r == 0 && prob)
        r = require_finite_results(prob, cam, count, first, reterr);
    if (r == 0 && features)
        r = require_finite(features, count, INSP_FEATURE_FLOATS, first, "a feature", reterr);
    return r ? r : require_finite_taps(taps, count, first, reterr);
}

static int check_size(const struct insp_picture *picture, size_t image, struct insp_error *reterr) {
    if (picture->input->width == INSP_INPUT_SIDE && picture->input->height == INSP_INPUT_SIDE)
        return 0;
    return insp_fail(reterr, INSP_E_INTERNAL, "image %zu is not %dx%d", image, INSP_INPUT_SIDE, INSP_INPUT_SIDE);
}

int insp_score_pictures_taps(struct insp_trunk *trunk, const struct insp_picture *pictures, size_t n,
                             float *ret_prob, float *ret_cam, float *ret_taps, float *ret_features,
                             struct insp_error *reterr) {
    for (size_t i = 0; i < n; i++) {
        if (pictures[i].tail->device != trunk->device)
            return insp_fail(reterr, INSP_E_INTERNAL, "the tail of image %zu is on another device than the trunk",
                             i);
        int r = check_size(&pictures[i], i, reterr);
        if (r < 0)
            return r;
    }
    const struct picture_batch batch = {trunk, pictures, ret_prob, ret_cam, ret_taps, ret_features};
    return in_pieces(trunk->device, n, picture_piece, &batch, reterr);
}

int insp_score_pictures(struct insp_trunk *trunk, const struct insp_picture *pictures, size_t n, float *ret_prob,
                        float *ret_cam, struct insp_error *reterr) {
    return insp_score_pictures_taps(trunk, pictures, n, ret_prob, ret_cam, NULL, NULL, reterr);
}

int insp_picture_taps(struct insp_trunk *trunk, const struct insp_picture *pictures, size_t n, float *ret_taps,
                      struct insp_error *reterr) {
    for (size_t i = 0; i < n; i++) {
        int r = check_size(&pictures[i], i, reterr);
        if (r < 0)
            return r;
    }
    const struct picture_batch batch = {trunk, pictures, NULL, NULL, ret_taps, NULL};
    return in_pieces(trunk->device, n, picture_piece, &batch, reterr);
}

struct features_batch {
    struct insp_trunk *trunk;
    const float *pixels;
    float *features, *taps; /* either may be NULL */
};

static int features_piece(const void *arg, size_t first, size_t count, struct insp_error *reterr) {
    const struct features_batch *b = arg;
    float *features = offset(b->features, first * INSP_FEATURE_FLOATS);
    float *taps = offset(b->taps, first * INSP_TAP_FLOATS);
    int r =
        b->trunk->ops->features(b->trunk, b->pixels + first * INSP_INPUT_FLOATS, count, features, taps, reterr);
    if (r == 0 && features)
        r = require_finite(features, count, INSP_FEATURE_FLOATS, first, "a feature", reterr);
    return r ? r : require_finite_taps(taps, count, first, reterr);
}

int insp_trunk_taps(struct insp_trunk *trunk, const float *pixels, size_t n, float *ret_features, float *ret_taps,
                    struct insp_error *reterr) {
    const struct features_batch batch = {trunk, pixels, ret_features, ret_taps};
    int r = require_finite(pixels, n, INSP_INPUT_FLOATS, 0, "a pixel", reterr);
    return r ? r : in_pieces(trunk->device, n, features_piece, &batch, reterr);
}

int insp_trunk_features(struct insp_trunk *trunk, const float *pixels, size_t n, float *ret_features,
                        struct insp_error *reterr) {
    return insp_trunk_taps(trunk, pixels, n, ret_features, NULL, reterr);
}

struct tail_batch {
    struct insp_tail *tail;
    const float *features;
    float *prob, *cam;
};

static int tail_piece(const void *arg, size_t first, size_t count, struct insp_error *reterr) {
    const struct tail_batch *b = arg;
    const float *features = b->features + first * INSP_FEATURE_FLOATS;
    float *prob = b->prob + first, *cam = offset(b->cam, first * INSP_MAP_FLOATS);
    int r = b->tail->ops->tail_score(b->tail, features, count, prob, cam, reterr);
    return r ? r : require_finite_results(prob, cam, count, first, reterr);
}

int insp_tail_score(struct insp_tail *tail, const float *features, size_t n, float *ret_prob, float *ret_cam,
                    struct insp_error *reterr) {
    const struct tail_batch batch = {tail, features, ret_prob, ret_cam};
    int r = require_finite(features, n, INSP_FEATURE_FLOATS, 0, "a feature", reterr);
    return r ? r : in_pieces(tail->device, n, tail_piece, &batch, reterr);
}

/* --- training --- */

int insp_trainer_new(struct insp_device *device, const struct insp_tail_weights *initial,
                     const struct insp_trainer_config *config, struct insp_trainer **ret_trainer,
                     struct insp_error *reterr) {
    int r = device->ops->trainer_new(device, initial, config, ret_trainer, reterr);
    if (r == 0)
        (*ret_trainer)->ops = device->ops;
    return notice(device, r);
}

void insp_trainer_free(struct insp_trainer *trainer) {
    if (trainer)
        trainer->ops->trainer_free(trainer);
}

int insp_trainer_step(struct insp_trainer *trainer, const float *features, const uint8_t *labels, size_t n,
                      float *ret_loss, size_t *ret_correct, struct insp_error *reterr) {
    for (size_t i = 0; i < n; i++)
        if (labels[i] >= INSP_CLASSES)
            return insp_fail(reterr, INSP_E_USAGE, "label %u of image %zu is not 0 or 1", labels[i], i);
    return notice(trainer->device,
                  trainer->device->ops->trainer_step(trainer, features, labels, n, ret_loss, ret_correct, reterr));
}

int insp_trainer_export(struct insp_trainer *trainer, const struct insp_tail_buffers *buffers,
                        struct insp_error *reterr) {
    return notice(trainer->device, trainer->device->ops->trainer_export(trainer, buffers, reterr));
}
