#include "core/train/good/score_files.h"

#include "core/base/fs.h"

#include <string.h>

enum { BATCH = 8 };

int insp_read_rgb(const char *path, const struct insp_media_type *type, const struct insp_image_limits *limits,
                  uint8_t **ret, struct insp_error *reterr) {
    static const struct insp_media_type sniff = {.media = INSP_MEDIA_UNKNOWN};
    _cleanup_(insp_image_freep) struct insp_image *image = NULL, *small = NULL;
    _cleanup_free_ char *bytes = NULL;
    size_t count;
    int r = insp_read_file(path, limits->bytes, &bytes, &count, reterr);
    if (r == 0)
        r = insp_image_decode(bytes, count, type ? type : &sniff, INSP_INPUT_SIDE, limits, &image, reterr);
    if (r == 0)
        r = insp_image_resize(image, INSP_INPUT_SIDE, INSP_INPUT_SIDE, &small, reterr);
    if (r == 0)
        *ret = insp_take_ptr(small->rgb);
    return r;
}

static int score_batch(const struct insp_score_files *files, const size_t *member, size_t count,
                       const struct insp_progress *progress, float *ret_probability, float *ret_map,
                       struct insp_error *reterr) {
    struct insp_shot shot[BATCH] = {0};
    uint8_t *rgb[BATCH] = {NULL};
    float map[BATCH * INSP_MAP_FLOATS];
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        const struct insp_dataset_item *item = &files->set->dataset->item[files->set->item[member[i]]];
        r = insp_progress_cancelled(progress)
                ? insp_fail(reterr, INSP_E_CANCELLED, "cancelled while evaluating")
                : insp_read_rgb(item->path, &item->type, &files->context->limits, &rgb[i], reterr);
        if (r < 0 && r != INSP_E_CANCELLED)
            insp_error_prefix(reterr, "%s", item->path);
        shot[i] = (struct insp_shot){files->model, rgb[i]};
    }
    if (r == 0)
        r = insp_model_score(files->trunk, shot, count, ret_probability, map, NULL, reterr);
    if (r == 0 && ret_map)
        memcpy(ret_map, map, count * INSP_MAP_FLOATS * sizeof *map);
    for (size_t i = 0; i < count; i++)
        free(rgb[i]);
    return r;
}

int insp_score_files(const struct insp_score_files *files, const size_t *member, size_t count,
                     const struct insp_progress *progress, float *ret_probability, float *ret_map,
                     struct insp_error *reterr) {
    for (size_t at = 0; at < count; at += BATCH) {
        size_t n = count - at < BATCH ? count - at : BATCH;
        int r = score_batch(files, member + at, n, progress, ret_probability + at,
                            ret_map ? ret_map + at * INSP_MAP_FLOATS : NULL, reterr);
        if (r < 0)
            return r;
        insp_progress_step(progress, at + n, count);
        insp_progress_yield(progress);
    }
    return 0;
}
