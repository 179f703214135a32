/* Adds good images to the active version: "this one was good". The sums of the version are enough; the old images
 * are not read. */
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/good_only/good_score.h"
#include "core/inspect/suspect.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"
#include "core/model/snapshot/snapshot.h"
#include "core/train/feedback.h"
#include "core/train/good/good_training.h"
#include "core/train/good/score_files.h"
#include "core/train/promotion.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

/* The state of one update; run_free frees all of it, at any stage. */
struct run {
    const struct insp_train_context *context;
    const struct insp_train_params *params;
    char base[INSP_NAME_BYTES]; /* the active version */
    struct insp_model_files files;
    struct insp_good_memory memory;
    struct insp_good_gauss *gauss; /* fitted anew */
    struct insp_good_sample *sample;
    float *taps;
    struct insp_good_promise promise;
    size_t added, known, unreadable;
    double before;                   /* the threshold of the base */
    double wanted;                   /* the share of good parts that may be rejected, of the base's training */
    struct insp_promotion promotion; /* without a comparison */
};

static void run_free(struct run *run) {
    insp_model_files_clear(&run->files);
    insp_good_memory_clear(&run->memory);
    insp_good_gauss_free(run->gauss);
    free(run->sample);
    free(run->taps);
}

/* --- the version that is extended --- */

/* A base of an older writer has no list of its images; then the new version has none either. */
static void read_list(struct run *run) {
    const struct insp_train_context *c = run->context;
    char folder[INSP_PATH_BYTES];
    struct insp_error why;
    if (insp_bundle_folder(c->state_dir, c->product, run->base, folder, &why) < 0 ||
        insp_snapshot_read(folder, &run->files.manifest->images, &why) < 0)
        insp_log_warning("the new version will not know its images: %s", why.detail);
}

static int open_base(struct run *run, struct insp_error *reterr) {
    const struct insp_train_context *c = run->context;
    int r = insp_registry_active(c->state_dir, c->product, run->base, reterr);
    if (r == 0 && !*run->base)
        return insp_fail(reterr, INSP_E_CONFLICT,
                         "product %s has no active model that good images could be added to", c->product);
    if (r == 0)
        r = insp_model_read(c->state_dir, c->product, run->base, &run->files, reterr);
    if (r < 0)
        return r;
    if (!*run->files.manifest->good_only.sums_sha256)
        return insp_fail(
            reterr, INSP_E_CONFLICT,
            "version %s of product %s has no good-only model with its sums: train it with mode auto or "
            "good_only",
            run->base, c->product);
    if (strcmp(run->files.manifest->trunk_sha256, c->trunk_sha256) != 0)
        return insp_fail(reterr, INSP_E_INTERNAL, "version %s was trained on another trunk than the one loaded",
                         run->base);
    read_list(run);
    r = insp_bundle_read_memory(c->state_dir, run->files.manifest, &run->memory, reterr);
    run->before = (double)run->files.manifest->good_only.scale.threshold;
    run->sample = malloc(insp_tiles_count(run->files.manifest->tiles) * sizeof *run->sample);
    run->taps = malloc(INSP_TAP_FLOATS * sizeof *run->taps);
    if (r == 0 && (!run->sample || !run->taps))
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the taps of an image");
    return r;
}

/* --- images --- */

/* Extends what counts as a usual picture, but for one that has lost its content: a black picture that somebody
 * labelled good must not make black pictures usual. */
static void add_stats(struct run *run, const struct insp_image_stats *stats) {
    const struct insp_stat_ranges none = insp_stat_ranges_none();
    struct insp_stat_ranges *pictures = &run->files.manifest->pictures;
    if (pictures->count && !insp_suspect_reasons(stats, &none))
        insp_stat_ranges_add(pictures, stats);
}

/* Makes the samples of a picture's tiles, but of those that the field ignores, and finds the highest score. */
static int make_samples(struct run *run, const uint8_t *rgb, const struct insp_field *field, size_t *ret_count,
                        float *ret_score, struct insp_error *reterr) {
    const struct insp_manifest *manifest = run->files.manifest;
    struct insp_field_cells cells;
    size_t n = 0;
    *ret_score = 0;
    for (size_t t = 0; t < insp_tiles_count(manifest->tiles); t++) {
        const struct insp_picture picture = {.rgb = rgb + t * INSP_INPUT_FLOATS, .input = &manifest->input};
        float map[INSP_TAP_CELLS], score;
        if (field && !insp_field_cells_of(field, manifest->tiles, t, &cells))
            continue;
        int r = insp_picture_taps(run->context->trunk, &picture, 1, run->taps, reterr);
        if (r < 0)
            return r;
        insp_good_sample_make(run->taps, manifest->good_only.channel, &run->sample[n]);
        insp_good_score(run->files.good, &run->sample[n], field ? cells.tap_keep : NULL, map,
                        &score); /* by a model that has not seen it */
        *ret_score = !(score <= *ret_score) ? score : *ret_score;
        n++;
    }
    *ret_count = n;
    return 0;
}

static int add_picture(struct run *run, const char *sha256, const uint8_t *rgb, const struct insp_field *field,
                       struct insp_error *reterr) {
    float score;
    size_t samples;
    int r = make_samples(run, rgb, field, &samples, &score, reterr);
    if (r < 0)
        return r;
    if (!isfinite(score))
        return insp_fail(reterr, INSP_E_MODEL, "the score of the image %s is %f", sha256, (double)score);
    r = insp_good_memory_add(&run->memory, sha256, run->sample, samples, score, reterr);
    if (r == 0)
        run->added++;
    return r;
}

/* Adds the image to the list of the version's images, if it has one. */
static int list_picture(struct run *run, const char *path, const char *sha256, struct insp_error *reterr) {
    json_t *images = run->files.manifest->images;
    struct stat st;
    if (!images)
        return 0;
    json_int_t bytes = stat(path, &st) == 0 ? (json_int_t)st.st_size : 0;
    json_t *image = json_pack("{s:n, s:s, s:s, s:I, s:b}", "place", "class", "good", "sha256", sha256, "bytes",
                              bytes, "held_out", false);
    return json_array_append_new(images, image) < 0
               ? insp_fail(reterr, INSP_E_NOMEM, "no memory for the list of images")
               : 0;
}

/* Adds a file unless the model has it. lenient: an unreadable one is counted. */
static int add_file(struct run *run, const char *path, const char *sha256, const struct insp_media_type *type,
                    const char *camera, bool lenient, struct insp_error *reterr) {
    const struct insp_field *field = insp_field_of(run->files.manifest->fields, camera);
    const struct insp_tiles tiles = run->files.manifest->tiles;
    _cleanup_free_ uint8_t *rgb = NULL;
    struct insp_image_stats stats = {0};
    struct insp_error why = {0};
    char now[INSP_SHA256_HEX_BYTES];
    bool found;
    insp_good_memory_find(&run->memory, sha256, &found);
    if (insp_progress_cancelled(&run->context->progress))
        return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while adding images");
    if (found) {
        run->known++;
        return 0;
    }
    int r = insp_sha256_file(path, now, &why);
    if (r == 0 && strcmp(now, sha256) != 0)
        r = insp_fail(&why, INSP_E_IMAGE, "%s has changed", path);
    if (r == 0)
        r = insp_read_measured(path, type, field, tiles, &run->context->limits, &rgb, &stats, &why);
    insp_progress_yield(&run->context->progress);
    if (r == 0 && insp_suspect_tiles(tiles, &stats))
        r = insp_fail(&why, INSP_E_IMAGE, "%s has fewer pixels than the tiles of version %s need", path,
                      run->base);
    if (r == 0) {
        add_stats(run, &stats);
        r = add_picture(run, sha256, rgb, field, reterr);
        return r < 0 ? r : list_picture(run, path, sha256, reterr);
    }
    if (!lenient || r == INSP_E_NOMEM)
        return insp_fail(reterr, r, "%s", why.detail);
    run->unreadable++;
    insp_progress_log(&run->context->progress, "skipped: %s", why.detail);
    return 0;
}

/* Adds inspections that people labelled good. An image that retention has removed is counted as unreadable. */
static int add_labelled(struct run *run, struct insp_error *reterr) {
    const struct insp_feedback *feedback = run->context->feedback;
    int r = 0;
    for (size_t i = 0; feedback && i < feedback->count && r == 0; i++) {
        const struct insp_feedback_item *item = &feedback->item[i];
        if (item->label == INSP_CLASS_GOOD)
            r = add_file(run, item->path, item->sha256, &item->type, item->camera, true, reterr);
    }
    return r;
}

/* Adds the good images of the dataset, if one is named. */
static int add_dataset(struct run *run, struct insp_error *reterr) {
    _cleanup_(insp_train_data_freep) struct insp_train_data *data = NULL;
    if (!run->context->dataset_root)
        return 0;
    const struct insp_progress reading = insp_progress_part(&run->context->progress, 0, 0.1);
    int r = insp_train_data_list(run->context, run->params->skip_unreadable, &reading, &data, reterr);
    for (size_t m = 0; r == 0 && m < data->set.count; m++) {
        const struct insp_dataset_item *item = &data->set.dataset->item[data->set.item[m]];
        if (item->label == INSP_CLASS_GOOD)
            r = add_file(run, item->path, item->sha256, &item->type, item->camera, run->params->skip_unreadable,
                         reterr);
        insp_progress_step(&run->context->progress, m + 1, data->set.count);
    }
    return r;
}

/* --- the new model --- */

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Chooses threshold and scales from all scores, old and new. The scale of the heat needs cells of the old images,
 * so it stays. */
static int calibrate(struct run *run, struct insp_error *reterr) {
    struct insp_good_only *good = &run->files.manifest->good_only;
    size_t n = run->memory.images;
    const json_t *wanted = json_object_get(run->files.manifest->training, "max_rejected");
    const float cold_warm[] = {good->scale.cold, good->scale.warm};
    _cleanup_free_ float *sorted = malloc(n * sizeof *sorted);
    if (!sorted)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the scores of %zu images", n);
    run->wanted = json_is_number(wanted) ? json_number_value(wanted) : run->params->max_rejected;
    memcpy(sorted, run->memory.score, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, ascending);
    int r = insp_good_promise_of(sorted, n, run->wanted, &run->promise, reterr);
    if (r == 0)
        r = insp_good_scale_of(sorted, n, cold_warm, INSP_COUNT(cold_warm), run->promise.threshold, &good->scale,
                               reterr);
    if (r < 0)
        return r;
    good->scale.warm = fminf(cold_warm[1], good->scale.warm);
    good->scale.cold = fminf(cold_warm[0], good->scale.cold);
    good->images = n;
    good->alpha = run->promise.alpha;
    good->unlike = insp_good_unlike(sorted, n);
    for (size_t i = 0; i < INSP_GOOD_QUANTILES; i++)
        good->quantile[i] = insp_good_quantile(sorted, n, (double)i / (INSP_GOOD_QUANTILES - 1));
    return 0;
}

static int fit(struct run *run, struct insp_error *reterr) {
    if (!run->added)
        return insp_fail(
            reterr, INSP_E_DATASET,
            "there is nothing to add: version %s has seen %zu of these good images, and %zu could not be "
            "read",
            run->base, run->known, run->unreadable);
    insp_progress_stage(&run->context->progress, "fitting");
    int r = insp_good_fit(run->memory.sums, run->files.manifest->good_only.channel, &run->gauss, reterr);
    return r < 0 ? r : calibrate(run, reterr);
}

/* The tail's answers stay; maps that the good-only model shapes, and the answers of a version without a tail,
 * change with it. */
static int renew_golden(struct run *run, struct insp_error *reterr) {
    struct insp_golden *golden = run->files.golden;
    struct insp_model model = {.manifest = run->files.manifest, .good = run->gauss};
    _cleanup_(insp_tail_freep) struct insp_tail *tail = NULL;
    int r = 0;
    if (!golden || (run->files.tail && run->files.manifest->heat.kind == INSP_HEAT_ACTIVATION))
        return 0;
    if (run->files.tail) {
        struct insp_tail_weights view = insp_tail_buffers_view(run->files.tail);
        r = insp_tail_load(run->context->device, &view, &tail, reterr);
        model.tail = tail;
    }
    /* A tail's probabilities stay, and so does the tolerance of the device that gave them. */
    golden->cuda = (tail && golden->cuda) || insp_device_is_cuda(run->context->device);
    for (size_t i = 0; i < golden->count && r == 0; i++) {
        struct insp_golden_sample *sample = &golden->sample[i];
        const struct insp_shot shot = {.model = &model,
                                       .rgb = sample->rgb,
                                       .field = insp_field_of(model.manifest->fields, NULL),
                                       .single = true};
        float probability;
        r = insp_model_score(run->context->trunk, &shot, 1, &probability, sample->map, NULL, reterr);
        if (r == 0 && !tail)
            sample->probability = probability;
    }
    return r;
}

static int write_version(struct run *run, struct insp_error *reterr) {
    struct insp_manifest *manifest = run->files.manifest;
    const char *dataset = json_string_value(json_object_get(manifest->lineage, "dataset"));
    json_t *lineage =
        json_pack("{s:s, s:s?, s:s?}", "parent", run->base, "job", run->context->job_id, "dataset", dataset);
    if (!lineage)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the manifest");
    insp_progress_stage(&run->context->progress, "writing");
    json_decref(manifest->lineage);
    manifest->lineage = lineage;
    manifest->version[0] = '\0';
    if (!run->files.tail) { /* those of the base, which has another model */
        json_decref(manifest->metrics);
        manifest->metrics = NULL;
    }
    const struct insp_bundle_parts parts = {.tail = run->files.tail,
                                            .golden = run->files.golden,
                                            .good = run->gauss,
                                            .memory = &run->memory,
                                            .logistic = run->files.logistic};
    return insp_bundle_write_parts(run->context->state_dir, manifest, &parts, reterr);
}

static int promote(struct run *run, struct insp_error *reterr) {
    struct insp_promotion *promotion = &run->promotion;
    if (run->params->activate == INSP_ACTIVATE_NEVER) {
        snprintf(promotion->reason, sizeof promotion->reason, "not activated: the policy is never");
        return 0;
    }
    snprintf(promotion->reason, sizeof promotion->reason, "activated: it extends version %.64s", run->base);
    return insp_promotion_activate(run->context, run->files.manifest->version, promotion, reterr);
}

static int report(const struct run *run, json_t **ret, struct insp_error *reterr) {
    const struct insp_manifest *manifest = run->files.manifest;
    const struct insp_good_only *good = &manifest->good_only;
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:{s:I, s:I, s:I, s:I, s:f, s:f, s:I, s:f, s:f, s:f}}", "kind",
        "train", "mode", insp_train_mode_name(INSP_MODE_ADD_GOOD), "product", run->context->product, "version",
        manifest->version, "activated", run->promotion.activated, "reason", run->promotion.reason, "base",
        run->base, "good_only", "images", (json_int_t)good->images, "added", (json_int_t)run->added, "known",
        (json_int_t)run->known, "unreadable", (json_int_t)run->unreadable, "max_rejected", run->wanted, "alpha",
        good->alpha, "more_needed", (json_int_t)run->promise.more_needed, "threshold",
        (double)good->scale.threshold, "threshold_before", run->before, "unlike", (double)good->unlike);
    if (!json)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
    *ret = json;
    return 0;
}

int insp_train_add_good(const struct insp_train_context *context, const struct insp_train_params *params,
                        json_t **ret_report, struct insp_error *reterr) {
    struct run run = {.context = context, .params = params};
    insp_progress_stage(&context->progress, "adding good images");
    int r = open_base(&run, reterr);
    if (r == 0)
        r = add_labelled(&run, reterr);
    if (r == 0)
        r = add_dataset(&run, reterr);
    if (r == 0)
        r = fit(&run, reterr);
    if (r == 0)
        r = renew_golden(&run, reterr);
    if (r == 0)
        r = write_version(&run, reterr);
    if (r == 0)
        r = promote(&run, reterr);
    if (r == 0)
        r = report(&run, ret_report, reterr);
    run_free(&run);
    return r;
}
