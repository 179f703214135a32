#include "core/train/good_model.h"

#include "core/base/clock.h"
#include "core/dataset/image_loader.h"
#include "core/good_only/good_calibrate.h"
#include "core/train/features/feature_store.h"

#include <stdio.h>
#include <string.h>

enum {
    BATCH = 8, /* images per trunk pass */
    DECODERS = 2,
    AHEAD = 2 * BATCH,
    SLOT_BYTES = (sizeof(struct insp_good_sample) + INSP_STORE_PAGE - 1) / INSP_STORE_PAGE * INSP_STORE_PAGE,
};
static const size_t NO_SLOT = SIZE_MAX;

/* A different good image; item is borrowed. */
struct image {
    const struct insp_dataset_item *item;
    size_t slot; /* in the store, or NO_SLOT */
};

/* Holds everything on the way; freed whole by clear. */
struct work {
    const struct insp_good_model_config *config;
    const struct insp_progress *progress;
    uint16_t channel[INSP_GOOD_DIMS];
    struct image *image; /* [count], sorted by hash */
    size_t count, copies, runs;
    struct insp_feature_store *store;
    float *pixels, *taps; /* [BATCH] */
};

static void clear(struct work *w) {
    free(w->image);
    insp_feature_store_close(w->store);
    free(w->pixels);
    free(w->taps);
}

void insp_good_model_clear(struct insp_good_model *model) {
    insp_good_gauss_free(model->gauss);
    *model = (struct insp_good_model){0};
}

/* --- which images --- */

static int by_hash(const void *a, const void *b) {
    return strcmp(((const struct image *)a)->item->sha256, ((const struct image *)b)->item->sha256);
}

static int list_images(struct work *w, struct insp_error *reterr) {
    const struct insp_dataset *dataset = w->config->dataset;
    size_t n = 0;
    w->image = calloc(dataset->count + 1, sizeof *w->image);
    if (!w->image)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list %zu images", dataset->count);
    for (size_t i = 0; i < dataset->count; i++)
        if (dataset->item[i].label == INSP_CLASS_GOOD && *dataset->item[i].sha256)
            w->image[n++] = (struct image){&dataset->item[i], NO_SLOT};
    qsort(w->image, n, sizeof *w->image, by_hash);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || by_hash(&w->image[i], &w->image[w->count - 1]) != 0)
            w->image[w->count++] = w->image[i];
    w->copies = n - w->count;
    if (w->count >= INSP_GOOD_IMAGES_MIN)
        return 0;
    if (w->count == 1 && w->copies)
        return insp_fail(reterr, INSP_E_DATASET,
                         "the %zu good images in %s are all the same picture: a model needs different good parts",
                         n, dataset->root);
    return insp_fail(reterr, INSP_E_DATASET,
                     "%s has %zu different good images: a good-only model needs at least %d, so %zu more (50 and "
                     "more are advised)",
                     dataset->root, w->count, INSP_GOOD_IMAGES_MIN, INSP_GOOD_IMAGES_MIN - w->count);
}

/* --- samples --- */

/* Hashes everything that determines a sample besides the image's bytes. Increment the leading number when the
 * preprocessing or the sample changes. */
static void set_name(const struct work *w, char *ret_name) {
    const struct insp_transform *t = &w->config->input;
    const struct insp_train_context *c = w->config->context;
    char text[512];
    int n =
        snprintf(text, sizeof text, "good 1 %.64s %.200s %u %u %d %a %a %a %a %a %a %a %u %llu", c->trunk_sha256,
                 insp_device_arithmetic(c->device), t->width, t->height, t->bgr, (double)t->scale,
                 (double)t->mean[0], (double)t->mean[1], (double)t->mean[2], (double)t->std[0], (double)t->std[1],
                 (double)t->std[2], c->limits.png16_bits, (unsigned long long)w->config->seed);
    insp_sha256_hex(text, (size_t)n, ret_name);
}

static struct image *find(const struct work *w, const char *sha256) {
    size_t low = 0, high = w->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(sha256, w->image[middle].item->sha256);
        if (!order)
            return &w->image[middle];
        *(order < 0 ? &high : &low) = order < 0 ? middle : middle + 1;
    }
    return NULL;
}

/* Gives each image its slot: the one that holds its sample, or a reserved one. Lists the latter in missing. */
static int assign_slots(struct work *w, struct image **missing, size_t *ret_missing, struct insp_error *reterr) {
    size_t slots = insp_feature_store_slots(w->store), n = 0;
    _cleanup_free_ bool *keep = calloc(slots + 1, sizeof *keep);
    _cleanup_free_ size_t *reserved = calloc(w->count, sizeof *reserved);
    if (!keep || !reserved)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to look up %zu images", w->count);
    for (size_t s = 0; s < slots; s++) {
        struct image *image = find(w, insp_feature_store_key(w->store, s));
        keep[s] = image && image->slot == NO_SLOT && insp_feature_store_verify(w->store, s);
        if (keep[s])
            image->slot = s;
    }
    for (size_t i = 0; i < w->count; i++)
        if (w->image[i].slot == NO_SLOT)
            missing[n++] = &w->image[i];
    int r = insp_feature_store_reserve(w->store, keep, n, reserved, reterr);
    for (size_t i = 0; i < n && r == 0; i++)
        missing[i]->slot = reserved[i];
    *ret_missing = n;
    return r;
}

static int run_batch(struct work *w, struct insp_image_loader *loader, struct image **missing, size_t n,
                     struct insp_error *reterr) {
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        if (insp_progress_cancelled(w->progress))
            return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while computing features");
        r = insp_image_loader_next(loader, w->pixels + i * INSP_INPUT_FLOATS, reterr);
    }
    if (r == 0)
        r = insp_trunk_taps(w->config->context->trunk, w->pixels, n, NULL, w->taps, reterr);
    for (size_t i = 0; i < n && r == 0; i++) {
        insp_good_sample_make(w->taps + i * INSP_TAP_FLOATS, w->channel,
                              insp_feature_store_data(w->store, missing[i]->slot));
        insp_feature_store_commit(w->store, missing[i]->slot, missing[i]->item->sha256);
    }
    return r;
}

static int compute(struct work *w, struct image **missing, size_t count, struct insp_error *reterr) {
    _cleanup_free_ const char **path = calloc(2 * count + 1, sizeof *path);
    _cleanup_free_ const struct insp_media_type **type = calloc(count + 1, sizeof *type);
    w->pixels = malloc(BATCH * INSP_INPUT_FLOATS * sizeof *w->pixels);
    w->taps = malloc(BATCH * INSP_TAP_FLOATS * sizeof *w->taps);
    if (!path || !type || !w->pixels || !w->taps)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to compute features");
    for (size_t i = 0; i < count; i++) {
        path[i] = missing[i]->item->path;
        path[count + i] = missing[i]->item->sha256;
        type[i] = &missing[i]->item->type;
    }
    const struct insp_image_loader_config config = {.count = count,
                                                    .path = path,
                                                    .sha256 = path + count,
                                                    .type = type,
                                                    .transform = w->config->input,
                                                    .limits = w->config->context->limits,
                                                    .threads = DECODERS,
                                                    .ahead = AHEAD};
    _cleanup_(insp_image_loader_freep) struct insp_image_loader *loader = NULL;
    int r = insp_image_loader_new(&config, &loader, reterr);
    while (w->runs < count && r == 0) {
        size_t n = count - w->runs < BATCH ? count - w->runs : BATCH;
        r = run_batch(w, loader, missing + w->runs, n, reterr);
        if (r < 0)
            break;
        w->runs += n;
        insp_progress_step(w->progress, w->runs, count);
        insp_progress_yield(w->progress);
    }
    return r;
}

static int fill(struct work *w, struct insp_error *reterr) {
    const struct insp_train_context *c = w->config->context;
    char name[INSP_SHA256_HEX_BYTES];
    size_t count = 0;
    _cleanup_free_ struct image **missing = calloc(w->count, sizeof *missing);
    if (!missing)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to look up %zu images", w->count);
    set_name(w, name);
    int r = insp_feature_store_open(c->cache_folder, name, SLOT_BYTES, c->cache_bytes_max, &w->store, reterr);
    if (r == 0)
        r = assign_slots(w, missing, &count, reterr);
    return r == 0 && count ? compute(w, missing, count, reterr) : r;
}

/* --- fit --- */

static int read_sample(void *arg, size_t i, struct insp_good_sample *ret, struct insp_error *reterr) {
    const struct work *w = arg;
    if (insp_progress_cancelled(w->progress))
        return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while fitting the good-only model");
    memcpy(ret, insp_feature_store_data(w->store, w->image[i].slot), sizeof *ret);
    insp_progress_yield(w->progress);
    return 0;
}

static int calibrate(struct work *w, struct insp_good_model *ret, struct insp_error *reterr) {
    const struct insp_good_source source = {.count = w->count, .read = read_sample, .arg = w};
    struct insp_good_calibration calibration;
    _cleanup_free_ float *score = malloc(w->count * sizeof *score);
    if (!score)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu scores", w->count);
    int r = insp_good_calibrate(&source, w->channel, w->config->alpha, w->config->seed, score, &ret->gauss,
                                &calibration, reterr);
    if (r < 0)
        return r;
    ret->good = (struct insp_good_only){
        .images = w->count, .alpha = calibration.promise.alpha, .scale = calibration.scale};
    memcpy(ret->good.channel, w->channel, sizeof w->channel);
    memcpy(ret->good.quantile, calibration.quantile, sizeof calibration.quantile);
    ret->promise = calibration.promise;
    return 0;
}

static int run(struct work *w, const struct insp_progress *progress, struct insp_good_model *ret,
               struct insp_error *reterr) {
    struct insp_good_model model = {0};
    struct insp_progress features = insp_progress_part(progress, 0, 0.9),
                         fitting = insp_progress_part(progress, 0.9, 1);
    int64_t start = insp_mono_us();
    int r = list_images(w, reterr);
    if (r < 0)
        return r;
    insp_progress_stage(&features, "features");
    w->progress = &features;
    r = fill(w, reterr);
    if (r < 0)
        return r;
    model.samples_s = (double)(insp_mono_us() - start) / 1e6;
    start = insp_mono_us();
    insp_progress_stage(&fitting, "fitting");
    w->progress = &fitting;
    r = calibrate(w, &model, reterr);
    if (r < 0)
        return r;
    model.fitting_s = (double)(insp_mono_us() - start) / 1e6;
    model.copies = w->copies;
    model.trunk_runs = w->runs;
    *ret = model;
    return 0;
}

int insp_good_model_fit(const struct insp_good_model_config *config, const struct insp_progress *progress,
                        struct insp_good_model *ret, struct insp_error *reterr) {
    struct work w = {.config = config};
    insp_good_channels(config->seed, w.channel);
    int r = run(&w, progress, ret, reterr);
    clear(&w);
    return r;
}
