#include "core/train/features/feature_cache.h"

#include "core/model/logistic/logistic.h"
#include "core/train/features/half.h"
#include "core/train/features/image_slots.h"

#include <math.h>
#include <string.h>

struct insp_feature_cache {
    struct insp_feature_store *store;
    bool half;
    struct insp_transform input;
    struct insp_tiles tiles;
    size_t parts; /* entries of an image: its tiles */
    const struct insp_field_set *fields;
    struct insp_image_limits limits;
    size_t *slot; /* [items of the last fill] */
};

enum { POOLED_BYTES = INSP_POOLED_FLOATS * sizeof(float) };

/* A slot has the features of all parts of an image, then the statistics of all. */
static size_t features_bytes(bool half) {
    return INSP_FEATURE_FLOATS * (half ? sizeof(uint16_t) : sizeof(float));
}

static size_t slot_bytes(bool half, size_t parts) {
    return (parts * (features_bytes(half) + POOLED_BYTES) + INSP_STORE_PAGE - 1) / INSP_STORE_PAGE *
           INSP_STORE_PAGE;
}

static char *features_of(const struct insp_feature_cache *cache, size_t slot, size_t part) {
    return (char *)insp_feature_store_data(cache->store, slot) + part * features_bytes(cache->half);
}

static char *pooled_of(const struct insp_feature_cache *cache, size_t slot, size_t part) {
    return features_of(cache, slot, cache->parts) + part * POOLED_BYTES;
}

static void set_name(const struct insp_feature_cache_config *c, char *ret_name) {
    char rest[32], tiles[INSP_TILES_TEXT_BYTES];
    const bool tiled = insp_tiles_on(c->tiles);
    snprintf(rest, sizeof rest, "%d %u%s%s%s", c->half, c->limits.png16_bits, tiled ? " " : "",
             tiled ? insp_tiles_text(c->tiles, tiles) : "", c->beside ? " beside" : "");
    insp_slot_name("4", c->trunk_sha256, c->arithmetic, &c->input, rest, ret_name);
}

int insp_feature_cache_open(const struct insp_feature_cache_config *config, struct insp_feature_cache **ret,
                            struct insp_error *reterr) {
    int r = insp_slot_input_check(&config->input, reterr);
    if (r < 0)
        return r;
    _cleanup_(insp_feature_cache_closep) struct insp_feature_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the feature cache");
    cache->half = config->half;
    cache->input = config->input;
    cache->tiles = config->tiles;
    cache->parts = insp_tiles_count(config->tiles);
    cache->fields = config->fields;
    cache->limits = config->limits;
    char name[INSP_SHA256_HEX_BYTES];
    set_name(config, name);
    r = insp_feature_store_open(config->folder, name, slot_bytes(config->half, cache->parts), config->bytes_max,
                                &cache->store, reterr);
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

static bool all_finite(const float *features) {
    float sum = 0; /* 0 * x is NaN only if x is infinite or NaN */
    for (size_t i = 0; i < INSP_FEATURE_FLOATS; i++)
        sum += features[i] * 0.0f;
    return sum == 0;
}

/* Keeps the output of the trunk for a part of an image; commits the image with its last part. */
static int keep_features(struct insp_feature_cache *cache, struct insp_slot_image *image, size_t part,
                         const float *features, const float *taps, struct insp_error *reterr) {
    float pooled[INSP_POOLED_FLOATS];
    if (!all_finite(features))
        return insp_fail(reterr, INSP_E_MODEL, "%s: the trunk's output is not finite; check the input transform",
                         image->path);
    char *data = features_of(cache, image->slot, part), *end = pooled_of(cache, image->slot, cache->parts);
    if (cache->half)
        insp_half_from_float(features, INSP_FEATURE_FLOATS, (uint16_t *)(void *)data);
    else
        memcpy(data, features, INSP_FEATURE_FLOATS * sizeof *features);
    insp_pooled_of(taps, features, pooled);
    memcpy(pooled_of(cache, image->slot, part), pooled, sizeof pooled);
    if (part + 1 < cache->parts)
        return 0;
    memset(end, 0, slot_bytes(cache->half, cache->parts) - (size_t)(end - features_of(cache, image->slot, 0)));
    insp_feature_store_commit(cache->store, image->slot, image->key);
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
    struct insp_slot_images *images;
    size_t next, runs;
    bool skip_unreadable, skip_small;
    size_t loaded;          /* images that are loaded at once: INSP_SLOT_BATCH parts, or one image */
    float *pixels;          /* [loaded,parts] */
    float *features, *taps; /* [INSP_SLOT_BATCH] each */
};

/* Collects up to f->loaded readable images. */
static int collect(struct fill *f, struct insp_slot_image **batch, size_t *ret_count, struct insp_error *reterr) {
    size_t n = 0;
    *ret_count = 0;
    while (n < f->loaded && f->next < f->images->missing_count) {
        if (insp_progress_cancelled(f->progress))
            return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while computing features");
        struct insp_slot_image *image = f->images->missing[f->next++];
        struct insp_error error = {0};
        int r = insp_image_loader_next(f->loader, f->pixels + n * f->cache->parts * INSP_INPUT_FLOATS, &error);
        if (r == 0) {
            batch[n++] = image;
        } else if (f->skip_unreadable && (unreadable(r) || (r == INSP_E_DATASET && f->skip_small))) {
            struct insp_progress here =
                insp_progress_part(f->progress, (double)f->next / (double)f->images->missing_count, 1);
            insp_progress_log(&here, "skipped: %s", error.detail);
            image->slot = INSP_NO_SLOT;
        } else {
            if (reterr)
                *reterr = error;
            return r;
        }
    }
    *ret_count = n;
    return 0;
}

/* Runs the parts of n loaded images through the trunk, in passes of INSP_SLOT_BATCH. Ignored tiles, which are
 * black, run with the others. */
static int run_passes(struct fill *f, struct insp_slot_image *const *batch, size_t n, struct insp_error *reterr) {
    const size_t parts = f->cache->parts, count = n * parts;
    int r = 0;
    for (size_t at = 0; at < count && r == 0; at += INSP_SLOT_BATCH) {
        const size_t some = count - at < INSP_SLOT_BATCH ? count - at : INSP_SLOT_BATCH;
        if (at && insp_progress_cancelled(f->progress))
            return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while computing features");
        r = insp_trunk_taps(f->trunk, f->pixels + at * INSP_INPUT_FLOATS, some, f->features, f->taps, reterr);
        for (size_t i = 0; i < some && r == 0; i++)
            r = keep_features(f->cache, batch[(at + i) / parts], (at + i) % parts,
                              f->features + i * INSP_FEATURE_FLOATS, f->taps + i * INSP_TAP_FLOATS, reterr);
        insp_progress_yield(f->progress);
    }
    return r;
}

static int run_batches(struct fill *f, struct insp_error *reterr) {
    while (f->next < f->images->missing_count) {
        struct insp_slot_image *batch[INSP_SLOT_BATCH];
        size_t n;
        int r = collect(f, batch, &n, reterr);
        if (r < 0)
            return r;
        r = run_passes(f, batch, n, reterr);
        if (r < 0)
            return r;
        f->runs += n;
        insp_progress_step(f->progress, f->next, f->images->missing_count);
    }
    return 0;
}

static int compute(struct fill *f, struct insp_error *reterr) {
    const size_t parts = f->cache->parts;
    f->loaded = parts < INSP_SLOT_BATCH ? INSP_SLOT_BATCH / parts : 1;
    _cleanup_free_ float *pixels = malloc(f->loaded * parts * INSP_INPUT_FLOATS * sizeof *pixels);
    _cleanup_free_ float *features = malloc(INSP_SLOT_BATCH * INSP_FEATURE_FLOATS * sizeof *features);
    _cleanup_free_ float *taps = malloc(INSP_SLOT_BATCH * INSP_TAP_FLOATS * sizeof *taps);
    if (!pixels || !features || !taps)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to compute features");
    _cleanup_(insp_image_loader_freep) struct insp_image_loader *loader = NULL;
    int r =
        insp_slot_images_load(f->images, f->cache->tiles, &f->cache->input, &f->cache->limits, &loader, reterr);
    if (r < 0)
        return r;
    f->loader = loader;
    f->pixels = pixels;
    f->features = features;
    f->taps = taps;
    return run_batches(f, reterr);
}

int insp_feature_cache_fill(struct insp_feature_cache *cache, struct insp_trunk *trunk,
                            const struct insp_dataset *dataset, const struct insp_progress *progress,
                            bool *ret_skipped, bool skip_small, size_t *ret_trunk_runs,
                            struct insp_error *reterr) {
    _cleanup_(insp_slot_images_clear) struct insp_slot_images images = {0};
    int r = insp_slot_images_list(dataset, cache->fields, false, &images, reterr);
    if (r < 0)
        return r;
    size_t *slot = reallocarray(cache->slot, dataset->count + 1, sizeof *slot);
    if (slot)
        cache->slot = slot;
    if (!slot)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to look up %zu images", images.count);
    struct fill fill = {.cache = cache,
                        .trunk = trunk,
                        .progress = progress,
                        .images = &images,
                        .skip_unreadable = ret_skipped,
                        .skip_small = skip_small};
    r = insp_slot_images_assign(&images, cache->store, reterr);
    if (r < 0 || (images.missing_count && (r = compute(&fill, reterr)) < 0))
        return r;
    insp_progress_step(progress, images.missing_count, images.missing_count);
    for (size_t i = 0; i < dataset->count; i++) {
        const struct insp_dataset_item *item = &dataset->item[i];
        char key[INSP_SHA256_HEX_BYTES];
        insp_slot_key(item->sha256, insp_field_of(cache->fields, item->camera), key);
        slot[i] = *item->sha256 ? insp_slot_images_find(&images, key)->slot : INSP_NO_SLOT;
        if (ret_skipped)
            ret_skipped[i] = slot[i] == INSP_NO_SLOT;
    }
    *ret_trunk_runs = fill.runs;
    return 0;
}

void insp_feature_cache_get(struct insp_feature_cache *cache, size_t item, size_t tile, float *ret_features) {
    const void *data = features_of(cache, cache->slot[item], tile);
    if (cache->half)
        insp_half_to_float(data, INSP_FEATURE_FLOATS, ret_features);
    else
        memcpy(ret_features, data, INSP_FEATURE_FLOATS * sizeof *ret_features);
}

void insp_feature_cache_pooled(struct insp_feature_cache *cache, size_t item, size_t tile, float *ret) {
    memcpy(ret, pooled_of(cache, cache->slot[item], tile), POOLED_BYTES);
}
