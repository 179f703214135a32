#include "core/train/good/good_model.h"

#include "core/base/clock.h"
#include "core/good_only/good_calibrate.h"
#include "core/train/features/image_slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Holds everything on the way; freed whole by clear. */
struct work {
    const struct insp_good_model_config *config;
    struct insp_progress progress; /* of the present part: features, then fitting */
    uint16_t channel[INSP_GOOD_DIMS];
    struct insp_slot_images images; /* the different good ones */
    size_t runs;
    struct insp_feature_store *store;
    size_t parts;         /* samples of an image: its tiles */
    size_t loaded;        /* images that are loaded for one batch */
    float *pixels, *taps; /* [loaded,parts], [INSP_SLOT_BATCH] */
    struct insp_field_cells cells;
};

static void clear(struct work *w) {
    insp_slot_images_clear(&w->images);
    insp_feature_store_close(w->store);
    free(w->pixels);
    free(w->taps);
}

void insp_good_model_clear(struct insp_good_model *model) {
    insp_good_gauss_free(model->gauss);
    insp_good_memory_clear(&model->memory);
    free(model->map);
    *model = (struct insp_good_model){0};
}

/* --- which images --- */

static int check_count(const struct work *w, struct insp_error *reterr) {
    const struct insp_dataset *dataset = w->config->dataset;
    size_t count = w->images.count, copies = w->images.copies;
    if (count >= INSP_GOOD_IMAGES_MIN)
        return 0;
    if (count == 1 && copies)
        return insp_fail(reterr, INSP_E_DATASET,
                         "the %zu good images in %s are all the same picture: a model needs different good parts",
                         count + copies, dataset->root);
    return insp_fail(reterr, INSP_E_DATASET,
                     "%s has %zu different good images: a good-only model needs at least %d, so %zu more (50 and "
                     "more are advised)",
                     dataset->root, count, INSP_GOOD_IMAGES_MIN, INSP_GOOD_IMAGES_MIN - count);
}

/* --- samples --- */

static void set_name(const struct work *w, char *ret_name) {
    const struct insp_train_context *c = w->config->context;
    char rest[48];
    char tiles[INSP_TILES_TEXT_BYTES];
    snprintf(rest, sizeof rest, "%u %llu%s%s", c->limits.png16_bits, (unsigned long long)w->config->seed,
             w->parts > 1 ? " " : "", w->parts > 1 ? insp_tiles_text(w->config->tiles, tiles) : "");
    insp_slot_name("good 1", c->trunk_sha256, insp_device_arithmetic(c->device), &w->config->input, rest,
                   ret_name);
}

static bool unreadable(int code) {
    return code == INSP_E_IMAGE || code == INSP_E_IMAGE_LIMIT || code == INSP_E_IO || code == INSP_E_PERMISSION;
}

/* Collects up to w->loaded readable images. at: the next missing one, in and out. */
static int collect(struct work *w, struct insp_image_loader *loader, size_t *at, struct insp_slot_image **batch,
                   size_t *ret_count, struct insp_error *reterr) {
    size_t n = 0;
    while (n < w->loaded && *at < w->images.missing_count) {
        struct insp_slot_image *image = w->images.missing[(*at)++];
        struct insp_error error = {0};
        if (insp_progress_cancelled(&w->progress))
            return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while computing features");
        int r = insp_image_loader_next(loader, w->pixels + n * w->parts * INSP_INPUT_FLOATS, &error);
        if (r == 0) {
            batch[n++] = image;
        } else if (w->config->skip_unreadable && unreadable(r)) {
            insp_progress_log(&w->progress, "skipped: %s", error.detail);
            image->slot = INSP_NO_SLOT;
        } else {
            return insp_fail(reterr, r, "%s", error.detail);
        }
    }
    *ret_count = n;
    return 0;
}

/* Says whether the image's field ignores a part. */
static bool ignored(struct work *w, const struct insp_slot_image *image, size_t part) {
    return w->parts > 1 && image->field && !insp_field_cells_of(image->field, w->config->tiles, part, &w->cells);
}

static struct insp_good_sample *sample_of(const struct work *w, const struct insp_slot_image *image, size_t part) {
    return (struct insp_good_sample *)insp_feature_store_data(w->store, image->slot) + part;
}

/* Makes the samples of n loaded images, in passes of INSP_SLOT_BATCH parts. */
static int make_samples(struct work *w, struct insp_slot_image **batch, size_t n, struct insp_error *reterr) {
    const size_t count = n * w->parts;
    int r = 0;
    for (size_t at = 0; at < count && r == 0; at += INSP_SLOT_BATCH) {
        const size_t some = count - at < INSP_SLOT_BATCH ? count - at : INSP_SLOT_BATCH;
        r = insp_trunk_taps(w->config->context->trunk, w->pixels + at * INSP_INPUT_FLOATS, some, NULL, w->taps,
                            reterr);
        for (size_t i = 0; i < some && r == 0; i++)
            insp_good_sample_make(w->taps + i * INSP_TAP_FLOATS, w->channel,
                                  sample_of(w, batch[(at + i) / w->parts], (at + i) % w->parts));
        insp_progress_yield(&w->progress);
    }
    for (size_t i = 0; i < n && r == 0; i++) {
        insp_feature_store_commit(w->store, batch[i]->slot, batch[i]->key);
        w->runs++;
    }
    return r;
}

static int compute(struct work *w, struct insp_error *reterr) {
    size_t count = w->images.missing_count, at = 0, n = 0;
    w->loaded = w->parts < INSP_SLOT_BATCH ? INSP_SLOT_BATCH / w->parts : 1;
    w->pixels = malloc(w->loaded * w->parts * INSP_INPUT_FLOATS * sizeof *w->pixels);
    w->taps = malloc(INSP_SLOT_BATCH * INSP_TAP_FLOATS * sizeof *w->taps);
    if (!w->pixels || !w->taps)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to compute features");
    _cleanup_(insp_image_loader_freep) struct insp_image_loader *loader = NULL;
    int r = insp_slot_images_load(&w->images, w->config->tiles, &w->config->input, &w->config->context->limits,
                                  &loader, reterr);
    while (at < count && r == 0) {
        struct insp_slot_image *batch[INSP_SLOT_BATCH];
        r = collect(w, loader, &at, batch, &n, reterr);
        if (r == 0)
            r = make_samples(w, batch, n, reterr);
        insp_progress_step(&w->progress, at, count);
        insp_progress_yield(&w->progress);
    }
    return r;
}

static int by_hash(const void *a, const void *b) {
    return strcmp(((const struct insp_slot_image *)a)->sha256, ((const struct insp_slot_image *)b)->sha256);
}

/* Removes the images that could not be read, and sorts the others by hash, as a memory wants them. */
static void keep_readable(struct work *w) {
    size_t n = 0;
    for (size_t i = 0; i < w->images.count; i++)
        if (w->images.image[i].slot != INSP_NO_SLOT)
            w->images.image[n++] = w->images.image[i];
    w->images.count = n;
    w->images.missing_count = 0; /* its pointers are void */
    qsort(w->images.image, n, sizeof *w->images.image, by_hash);
}

static int fill(struct work *w, struct insp_error *reterr) {
    const struct insp_train_context *c = w->config->context;
    char name[INSP_SHA256_HEX_BYTES];
    const size_t bytes = w->parts * sizeof(struct insp_good_sample);
    set_name(w, name);
    int r = insp_feature_store_open(c->cache_folder, name,
                                    (bytes + INSP_STORE_PAGE - 1) / INSP_STORE_PAGE * INSP_STORE_PAGE,
                                    c->cache_bytes_max, &w->store, reterr);
    if (r == 0)
        r = insp_slot_images_assign(&w->images, w->store, reterr);
    if (r == 0 && w->images.missing_count)
        r = compute(w, reterr);
    if (r < 0)
        return r;
    keep_readable(w);
    return check_count(w, reterr);
}

/* --- fit --- */

static int read_sample(void *arg, size_t s, struct insp_good_sample *ret, struct insp_error *reterr) {
    const struct work *w = arg;
    if (insp_progress_cancelled(&w->progress))
        return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while fitting the good-only model");
    memcpy(ret, sample_of(w, &w->images.image[s / w->parts], s % w->parts), sizeof *ret);
    insp_progress_yield(&w->progress);
    return 0;
}

static const uint8_t *keep_of(void *arg, size_t s) {
    struct work *w = arg;
    const struct insp_field *field = w->images.image[s / w->parts].field;
    if (field)
        insp_field_cells_of(field, w->config->tiles, s % w->parts, &w->cells);
    return field ? w->cells.tap_keep : NULL;
}

static bool absent(void *arg, size_t s) {
    struct work *w = arg;
    return ignored(w, &w->images.image[s / w->parts], s % w->parts);
}

static int reserve(const struct work *w, struct insp_good_model *ret, struct insp_error *reterr) {
    size_t count = w->images.count;
    struct insp_good_memory *memory = &ret->memory;
    memory->sha256 = calloc(count, sizeof *memory->sha256);
    memory->score = calloc(count, sizeof *memory->score);
    ret->map = calloc(count, w->parts * INSP_TAP_CELLS * sizeof *ret->map);
    memory->images = count;
    if (!memory->sha256 || !memory->score || !ret->map)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the scores of %zu images", count);
    for (size_t i = 0; i < count; i++) /* sorted by hash */
        snprintf(memory->sha256[i], sizeof memory->sha256[i], "%s", w->images.image[i].sha256);
    return 0;
}

static int calibrate(struct work *w, struct insp_good_model *ret, struct insp_error *reterr) {
    const struct insp_good_source source = {.count = w->images.count,
                                            .parts = w->parts,
                                            .read = read_sample,
                                            .keep = keep_of,
                                            .absent = absent,
                                            .arg = w};
    struct insp_good_calibration calibration;
    int r = reserve(w, ret, reterr);
    if (r == 0)
        r = insp_good_calibrate(&source, w->channel, w->config->alpha, w->config->seed, ret->memory.score,
                                ret->map, &ret->gauss, &ret->memory.sums, &calibration, reterr);
    if (r < 0)
        return r;
    ret->good = (struct insp_good_only){.images = w->images.count,
                                        .alpha = calibration.promise.alpha,
                                        .scale = calibration.scale,
                                        .unlike = calibration.unlike};
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
    int r = insp_field_set_tile(w->config->context->fields, w->config->tiles, reterr);
    if (r == 0)
        r = insp_slot_images_list(w->config->dataset, w->config->context->fields, true, &w->images, reterr);
    if (r == 0)
        r = check_count(w, reterr);
    if (r < 0)
        return r;
    insp_progress_stage(&features, "features");
    w->progress = features;
    r = fill(w, reterr);
    if (r < 0)
        return r;
    model.samples_s = (double)(insp_mono_us() - start) / 1e6;
    start = insp_mono_us();
    insp_progress_stage(&fitting, "fitting");
    w->progress = fitting;
    r = calibrate(w, &model, reterr);
    if (r < 0) {
        insp_good_model_clear(&model);
        return r;
    }
    model.fitting_s = (double)(insp_mono_us() - start) / 1e6;
    model.copies = w->images.copies;
    model.trunk_runs = w->runs;
    model.tiles = w->config->tiles;
    *ret = model;
    return 0;
}

json_t *insp_good_model_json(const struct insp_good_model *model, double max_rejected) {
    const struct insp_good_only *good = &model->good;
    return json_pack("{s:I, s:I, s:f, s:f, s:I, s:f, s:f, s:f, s:I, s:f}", "images", (json_int_t)good->images,
                     "copies", (json_int_t)model->copies, "max_rejected", max_rejected, "alpha", good->alpha,
                     "more_needed", (json_int_t)model->promise.more_needed, "threshold",
                     (double)good->scale.threshold, "median", (double)good->quantile[INSP_GOOD_QUANTILES / 2],
                     "unlike", (double)good->unlike, "trunk_runs", (json_int_t)model->trunk_runs, "seconds",
                     model->samples_s + model->fitting_s);
}

int insp_good_model_fit(const struct insp_good_model_config *config, const struct insp_progress *progress,
                        struct insp_good_model *ret, struct insp_error *reterr) {
    struct work w = {.config = config, .parts = insp_tiles_count(config->tiles)};
    insp_good_channels(config->seed, w.channel);
    int r = run(&w, progress, ret, reterr);
    clear(&w);
    return r;
}

int insp_good_model_beside(const struct insp_train_context *context, const struct insp_train_params *params,
                           const struct insp_dataset *dataset, const struct insp_progress *progress,
                           struct insp_good_model *ret, struct insp_error *reterr) {
    const struct insp_good_model_config config = {.context = context,
                                                  .dataset = dataset,
                                                  .input = params->input,
                                                  .tiles = params->tiles,
                                                  .alpha = params->max_rejected,
                                                  .seed = params->seed,
                                                  .skip_unreadable = params->skip_unreadable};
    struct insp_error why;
    int r = insp_good_model_fit(&config, progress, ret, &why);
    if (r == INSP_E_DATASET) {
        insp_progress_log(progress, "no good-only model beside the trained one: %s", why.detail);
        return 0;
    }
    return r < 0 ? insp_fail(reterr, r, "%s", why.detail) : 0;
}
