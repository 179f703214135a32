#include "core/judge/mask.h"

#include "core/base/fs.h"
#include "core/heat/regions.h"

#include <string.h>

static bool all_black(const struct insp_image *mask) {
    size_t bytes = (size_t)mask->width * mask->height * 3;
    return !mask->rgb[0] && !memcmp(mask->rgb, mask->rgb + 1, bytes - 1);
}

int insp_mask_read(const char *path, const struct insp_image_limits *limits, struct insp_image **ret,
                   struct insp_error *reterr) {
    static const struct insp_media_type png = {.media = INSP_MEDIA_PNG};
    _cleanup_free_ char *bytes = NULL;
    _cleanup_(insp_image_freep) struct insp_image *mask = NULL;
    size_t count;
    int r = insp_read_file(path, limits->bytes, &bytes, &count, reterr);
    if (r < 0)
        return r;
    r = insp_image_decode(bytes, count, &png, 0, limits, &mask, reterr);
    if (r < 0) {
        insp_error_prefix(reterr, "%s", path);
        return r;
    }
    if (all_black(mask))
        return insp_fail(reterr, INSP_E_IMAGE, "%s marks no defect: every pixel is black", path);
    *ret = insp_take_ptr(mask);
    return 0;
}

/* Finds the row's runs of defect pixels and returns their number, at most (width + 1) / 2. */
static size_t find_runs(const struct insp_image *mask, uint32_t y, struct insp_heat_run *ret_run) {
    size_t count = 0;
    for (uint32_t x = 0; x < mask->width; x++) {
        if (!insp_mask_defect(mask, x, y))
            continue;
        uint32_t begin = x;
        while (x < mask->width && insp_mask_defect(mask, x, y))
            x++;
        ret_run[count++] = (struct insp_heat_run){begin, x, 0};
    }
    return count;
}

/* Marks the boxes that contain pixels of the row's runs, and these runs, by a maximum of 1. */
static void meet(const struct insp_box *box, size_t count, uint32_t y, struct insp_heat_run *run, size_t runs,
                 bool *hit) {
    for (size_t b = 0; b < count; b++) {
        if (y < box[b].y || y - box[b].y >= box[b].height)
            continue;
        for (size_t i = 0; i < runs && run[i].begin < box[b].x + box[b].width; i++)
            if (run[i].end > box[b].x) {
                run[i].max = 1;
                hit[b] = true;
            }
    }
}

int insp_mask_hits(const struct insp_image *mask, const struct insp_box *box, size_t count,
                   struct insp_mask_hits *ret, struct insp_error *reterr) {
    bool hit[INSP_BOXES_MAX] = {false};
    _cleanup_(insp_regions_clear) struct insp_regions regions = {0};
    _cleanup_free_ struct insp_heat_run *run = calloc(mask->width / 2 + 1, sizeof *run);
    if (!run)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a mask %u pixels wide", mask->width);
    int r = insp_regions_init(&regions, 64, 64, INSP_MASK_DEFECTS_MAX, reterr);
    for (uint32_t y = 0; y < mask->height && r == 0; y++) {
        size_t runs = find_runs(mask, y, run);
        meet(box, count, y, run, runs, hit);
        r = insp_regions_row(&regions, y, run, runs, reterr);
    }
    if (r < 0)
        return r;
    struct insp_mask_hits hits = {.defects = insp_regions_finish(&regions)};
    for (size_t i = 0; i < hits.defects; i++)
        hits.defects_hit += regions.at[i].max > 0;
    for (size_t b = 0; b < count; b++)
        hits.boxes_hit += hit[b];
    *ret = hits;
    return 0;
}
