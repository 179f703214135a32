#include "core/train/good/score_files.h"

#include "core/base/fs.h"
#include "core/inspect/suspect.h"
#include "core/region/look.h"

#include <string.h>

enum { BATCH = 8 };

int insp_read_measured(const char *path, const struct insp_media_type *type, const struct insp_field *field,
                       struct insp_tiles tiles, const struct insp_image_limits *limits, uint8_t **ret,
                       struct insp_image_stats *ret_stats, struct insp_error *reterr) {
    static const struct insp_media_type sniff = {.media = INSP_MEDIA_UNKNOWN};
    _cleanup_(insp_image_freep) struct insp_image *image = NULL;
    _cleanup_free_ char *bytes = NULL;
    size_t count;
    int r = insp_read_file(path, limits->bytes, &bytes, &count, reterr);
    if (r == 0)
        r = insp_image_decode(bytes, count, type ? type : &sniff, insp_look_side(tiles), limits, &image, reterr);
    return r ? r : insp_look_tiles(image, field, tiles, ret_stats, ret, reterr);
}

int insp_read_rgb(const char *path, const struct insp_media_type *type, const struct insp_field *field,
                  struct insp_tiles tiles, const struct insp_image_limits *limits, uint8_t **ret,
                  struct insp_error *reterr) {
    struct insp_image_stats stats = {0};
    return insp_read_measured(path, type, field, tiles, limits, ret, &stats, reterr);
}

/* Holds the readable images of a batch. */
struct batch {
    size_t count, place[BATCH]; /* in the answers */
    uint8_t *rgb[BATCH];        /* owned */
    const struct insp_field *field[BATCH];
    uint32_t suspect[BATCH];
};

static void clear(struct batch *batch) {
    for (size_t i = 0; i < batch->count; i++)
        free(batch->rgb[i]);
}

static int add(const struct insp_score_files *files, struct batch *batch, size_t member, size_t place,
               const struct insp_progress *progress, const struct insp_answers *ret, struct insp_error *reterr) {
    const struct insp_dataset_item *item = &files->set->dataset->item[files->set->item[member]];
    const struct insp_manifest *manifest = files->model->manifest;
    struct insp_image_stats stats = {0};
    struct insp_error why = {0};
    if (insp_progress_cancelled(progress))
        return insp_fail(reterr, INSP_E_CANCELLED, "cancelled while evaluating");
    const struct insp_field *field = insp_field_of(manifest->fields, item->camera);
    int r = insp_read_measured(item->path, &item->type, field, manifest->tiles, &files->context->limits,
                               &batch->rgb[batch->count], &stats, &why);
    if (r == 0) {
        batch->suspect[batch->count] =
            insp_suspect_reasons(&stats, &manifest->pictures) | insp_suspect_tiles(manifest->tiles, &stats);
        batch->field[batch->count] = field;
        batch->place[batch->count++] = place;
        return 0;
    }
    insp_error_prefix(&why, "%s", item->path);
    if (!ret->unreadable || (r != INSP_E_IMAGE && r != INSP_E_IMAGE_LIMIT))
        return insp_fail(reterr, r, "%s", why.detail);
    ret->unreadable[place] = true;
    insp_progress_log(progress, "skipped: %s", why.detail);
    return 0;
}

static struct insp_served served_of(const struct insp_manifest *manifest, float probability,
                                    const struct insp_good_answer *good, uint32_t suspect) {
    struct insp_served served = {
        .suspect = suspect, .good_score = good->score, .good_threshold = manifest->good_only.scale.threshold};
    served.verdict = insp_model_verdict(manifest, probability, good, &served.suspect);
    return served;
}

static int score_batch(const struct insp_score_files *files, const struct batch *batch,
                       const struct insp_answers *ret, struct insp_error *reterr) {
    struct insp_shot shot[BATCH] = {0};
    struct insp_good_answer good[BATCH];
    float probability[BATCH];
    const struct insp_map_size size = insp_tiles_map(files->model->manifest->tiles);
    _cleanup_free_ float *map = malloc(BATCH * insp_map_cells(size) * sizeof *map);
    if (!map)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the maps of a batch");
    for (size_t i = 0; i < batch->count; i++)
        shot[i] = (struct insp_shot){.model = files->model, .rgb = batch->rgb[i], .field = batch->field[i]};
    int r =
        insp_model_score(files->trunk, shot, batch->count, probability, map, ret->served ? good : NULL, reterr);
    for (size_t i = 0; i < batch->count && r == 0; i++) {
        size_t place = batch->place[i];
        ret->probability[place] = probability[i];
        if (ret->map)
            insp_map_reduce(size, map + i * insp_map_cells(size), ret->map + place * INSP_MAP_FLOATS);
        if (ret->served && good[i].known)
            ret->served[place] = served_of(files->model->manifest, probability[i], &good[i], batch->suspect[i]);
    }
    return r;
}

int insp_score_files(const struct insp_score_files *files, const size_t *member, size_t count,
                     const struct insp_progress *progress, const struct insp_answers *ret,
                     struct insp_error *reterr) {
    for (size_t at = 0; at < count; at += BATCH) {
        size_t end = count - at < BATCH ? count : at + BATCH;
        struct batch batch = {0};
        int r = 0;
        for (size_t i = at; i < end && r == 0; i++)
            r = add(files, &batch, member[i], i, progress, ret, reterr);
        if (r == 0 && batch.count)
            r = score_batch(files, &batch, ret, reterr);
        clear(&batch);
        if (r < 0)
            return r;
        insp_progress_step(progress, end, count);
        insp_progress_yield(progress);
    }
    return 0;
}
