#include "core/train/features/feature_cache.h"

#include "core/dataset/image_loader.h"
#include "core/train/features/feature_store.h"
#include "core/train/features/half.h"

#include <math.h>
#include <string.h>

enum {
    BATCH = 8, /* images per trunk pass: more gain nothing on the CPU and cost memory */
    DECODERS = 2,
    AHEAD = 2 * BATCH,
};
static const size_t NO_SLOT = SIZE_MAX;

struct insp_feature_cache {
    struct insp_feature_store *store;
    bool half;
    struct insp_transform input;
    struct insp_image_limits limits;
    size_t *slot; /* [items of the last fill] */
};

/* Hashes everything that determines the features besides the image's bytes. Increment the leading number when the
 * preprocessing changes. */
static void set_name(const struct insp_feature_cache_config *c, char *ret_name) {
    const struct insp_transform *t = &c->input;
    char text[512];
    int n = snprintf(text, sizeof text, "3 %.64s %.200s %u %u %d %a %a %a %a %a %a %a %d %u", c->trunk_sha256,
                     c->arithmetic, t->width, t->height, t->bgr, (double)t->scale, (double)t->mean[0],
                     (double)t->mean[1], (double)t->mean[2], (double)t->std[0], (double)t->std[1],
                     (double)t->std[2], c->half, c->limits.png16_bits);
    insp_sha256_hex(text, (size_t)n, ret_name);
}

int insp_feature_cache_open(const struct insp_feature_cache_config *config, struct insp_feature_cache **ret,
                            struct insp_error *reterr) {
    if (config->input.width != INSP_INPUT_SIDE || config->input.height != INSP_INPUT_SIDE)
        return insp_fail(reterr, INSP_E_PARAMETER, "the input is %ux%u, but the trunk needs %dx%d",
                         config->input.width, config->input.height, INSP_INPUT_SIDE, INSP_INPUT_SIDE);
    _cleanup_(insp_feature_cache_closep) struct insp_feature_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the feature cache");
    cache->half = config->half;
    cache->input = config->input;
    cache->limits = config->limits;
    char name[INSP_SHA256_HEX_BYTES];
    set_name(config, name);
    size_t bytes = INSP_FEATURE_FLOATS * (config->half ? sizeof(uint16_t) : sizeof(float));
    int r = insp_feature_store_open(config->folder, name, bytes, config->bytes_max, &cache->store, reterr);
    if (r == 0)
        *ret = insp_take_ptr(cache);
    return r;
}

void insp_feature_cache_close(struct insp_feature_cache *cache) {
    if (!cache)
        return;
    insp_feature_store_close(cache->store);
    free(cache->slot);
    free(cache);
}

/* A distinct image. Hash, path and type are those of the first item with this content, borrowed. */
struct image {
    const char *sha256, *path;
    const struct insp_media_type *type;
    size_t first; /* index of that item */
    size_t slot;  /* in the store, or NO_SLOT */
};

/* The distinct images of a dataset, sorted by hash. */
struct images {
    struct image *image;
    size_t count;
};

static void images_clear(struct images *images) {
    free(images->image);
}

static int by_hash_then_item(const void *a, const void *b) {
    const struct image *x = a, *y = b;
    int order = strcmp(x->sha256, y->sha256);
    return order ? order : (x->first > y->first) - (x->first < y->first);
}

static int list_images(const struct insp_dataset *dataset, struct images *ret, struct insp_error *reterr) {
    struct image *image = calloc(dataset->count + 1, sizeof *image);
    if (!image)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list %zu images", dataset->count);
    size_t n = 0, distinct = 0;
    for (size_t i = 0; i < dataset->count; i++) {
        const struct insp_dataset_item *item = &dataset->item[i];
        if (*item->sha256)
            image[n++] = (struct image){item->sha256, item->path, &item->type, i, NO_SLOT};
    }
    qsort(image, n, sizeof *image, by_hash_then_item);
    for (size_t i = 0; i < n; i++)
        if (!i || strcmp(image[i].sha256, image[distinct - 1].sha256))
            image[distinct++] = image[i];
    *ret = (struct images){image, distinct};
    return 0;
}

static struct image *find(const struct images *images, const char *sha256) {
    size_t low = 0, high = images->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(sha256, images->image[middle].sha256);
        if (!order)
            return &images->image[middle];
        *(order < 0 ? &high : &low) = order < 0 ? middle : middle + 1;
    }
    return NULL;
}

/* Sets each image's slot: the one that holds its features, or a reserved one. Lists the images with reserved slots
 * in missing [images->count]. */
static int assign_slots(struct insp_feature_cache *cache, struct images *images, struct image **missing,
                        size_t *ret_missing, struct insp_error *reterr) {
    size_t slots = insp_feature_store_slots(cache->store), n = 0;
    _cleanup_free_ bool *keep = calloc(slots + 1, sizeof *keep);
    _cleanup_free_ size_t *reserved = calloc(images->count + 1, sizeof *reserved);
    if (!keep || !reserved)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to look up %zu images", images->count);
    for (size_t s = 0; s < slots; s++) {
        struct image *image = find(images, insp_feature_store_key(cache->store, s));
        keep[s] = image && image->slot == NO_SLOT && insp_feature_store_verify(cache->store, s);
        if (keep[s])
            image->slot = s;
    }
    for (size_t i = 0; i < images->count; i++)
        if (images->image[i].slot == NO_SLOT)
            missing[n++] = &images->image[i];
    int r = insp_feature_store_reserve(cache->store, keep, n, reserved, reterr);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        missing[i]->slot = reserved[i];
    *ret_missing = n;
    return 0;
}

static bool all_finite(const float *features) {
    float sum = 0; /* 0 * x is NaN only if x is infinite or NaN */
    for (size_t i = 0; i < INSP_FEATURE_FLOATS; i++)
        sum += features[i] * 0.0f;
    return sum == 0;
}

static int keep_features(struct insp_feature_cache *cache, struct image *image, const float *features,
                         struct insp_error *reterr) {
    if (!all_finite(features))
        return insp_fail(reterr, INSP_E_MODEL, "%s: the trunk's output is not finite; check the input transform",
                         image->path);
    void *data = insp_feature_store_data(cache->store, image->slot);
    if (cache->half)
        insp_half_from_float(features, INSP_FEATURE_FLOATS, data);
    else
        memcpy(data, features, INSP_FEATURE_FLOATS * sizeof *features);
    insp_feature_store_commit(cache->store, image->slot, image->sha256);
    return 0;
}

static bool unreadable(int code) {
    return code == INSP_E_IMAGE || code == INSP_E_IMAGE_LIMIT || code == INSP_E_IO || code == INSP_E_PERMISSION;
}

/* The state of a fill. */
struct fill {
    struct insp_feature_cache *cache;
    struct insp_trunk *trunk;
    struct insp_image_loader *loader;
    const struct insp_progress *progress;
    struct image **missing;
    size_t count, next, runs;
    bool skip_unreadable;
    float *pixels, *features; /* [BATCH] each */
};

/* Collects up to BATCH readable images. */
static int collect(struct fill *f, struct image **batch, size_t *ret_count, struct insp_error *reterr) {
    size_t n = 0;
    *ret_count = 0;
    while (n < BATCH && f->next < f->count) {
        if (insp_progress_cancelled(f->progress))
            return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while computing features");
        struct image *image = f->missing[f->next++];
        struct insp_error error = {0};
        int r = insp_image_loader_next(f->loader, f->pixels + n * INSP_INPUT_FLOATS, &error);
        if (r == 0) {
            batch[n++] = image;
        } else if (f->skip_unreadable && unreadable(r)) {
            struct insp_progress here = insp_progress_part(f->progress, (double)f->next / (double)f->count, 1);
            insp_progress_log(&here, "skipped: %s", error.detail);
            image->slot = NO_SLOT;
        } else {
            if (reterr)
                *reterr = error;
            return r;
        }
    }
    *ret_count = n;
    return 0;
}

static int run_batches(struct fill *f, struct insp_error *reterr) {
    while (f->next < f->count) {
        struct image *batch[BATCH];
        size_t n;
        int r = collect(f, batch, &n, reterr);
        if (r < 0)
            return r;
        if (n && (r = insp_trunk_features(f->trunk, f->pixels, n, f->features, reterr)) < 0)
            return r;
        for (size_t i = 0; i < n && r == 0; i++)
            r = keep_features(f->cache, batch[i], f->features + i * INSP_FEATURE_FLOATS, reterr);
        if (r < 0)
            return r;
        f->runs += n;
        insp_progress_step(f->progress, f->next, f->count);
        insp_progress_yield(f->progress);
    }
    return 0;
}

static int compute(struct fill *f, struct insp_error *reterr) {
    _cleanup_free_ const char **path = calloc(2 * f->count + 1, sizeof *path);
    _cleanup_free_ const struct insp_media_type **type = calloc(f->count + 1, sizeof *type);
    _cleanup_free_ float *pixels = malloc(BATCH * INSP_INPUT_FLOATS * sizeof *pixels);
    _cleanup_free_ float *features = malloc(BATCH * INSP_FEATURE_FLOATS * sizeof *features);
    if (!path || !type || !pixels || !features)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to compute features");
    for (size_t i = 0; i < f->count; i++) {
        path[i] = f->missing[i]->path;
        path[f->count + i] = f->missing[i]->sha256;
        type[i] = f->missing[i]->type;
    }
    struct insp_image_loader_config config = {.count = f->count,
                                              .path = path,
                                              .sha256 = path + f->count,
                                              .type = type,
                                              .transform = f->cache->input,
                                              .limits = f->cache->limits,
                                              .threads = DECODERS,
                                              .ahead = AHEAD};
    _cleanup_(insp_image_loader_freep) struct insp_image_loader *loader = NULL;
    int r = insp_image_loader_new(&config, &loader, reterr);
    if (r < 0)
        return r;
    f->loader = loader;
    f->pixels = pixels;
    f->features = features;
    return run_batches(f, reterr);
}

int insp_feature_cache_fill(struct insp_feature_cache *cache, struct insp_trunk *trunk,
                            const struct insp_dataset *dataset, const struct insp_progress *progress,
                            bool *ret_skipped, size_t *ret_trunk_runs, struct insp_error *reterr) {
    _cleanup_(images_clear) struct images images = {0};
    int r = list_images(dataset, &images, reterr);
    if (r < 0)
        return r;
    _cleanup_free_ struct image **missing = calloc(images.count + 1, sizeof *missing);
    size_t *slot = reallocarray(cache->slot, dataset->count + 1, sizeof *slot);
    if (slot)
        cache->slot = slot;
    if (!missing || !slot)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to look up %zu images", images.count);
    struct fill fill = {
        .cache = cache, .trunk = trunk, .progress = progress, .missing = missing, .skip_unreadable = ret_skipped};
    r = assign_slots(cache, &images, missing, &fill.count, reterr);
    if (r < 0 || (fill.count && (r = compute(&fill, reterr)) < 0))
        return r;
    insp_progress_step(progress, fill.count, fill.count);
    for (size_t i = 0; i < dataset->count; i++) {
        const char *sha256 = dataset->item[i].sha256;
        slot[i] = *sha256 ? find(&images, sha256)->slot : NO_SLOT;
        if (ret_skipped)
            ret_skipped[i] = slot[i] == NO_SLOT;
    }
    *ret_trunk_runs = fill.runs;
    return 0;
}

void insp_feature_cache_get(struct insp_feature_cache *cache, size_t item, float *ret_features) {
    const void *data = insp_feature_store_data(cache->store, cache->slot[item]);
    if (cache->half)
        insp_half_to_float(data, INSP_FEATURE_FLOATS, ret_features);
    else
        memcpy(ret_features, data, INSP_FEATURE_FLOATS * sizeof *ret_features);
}
