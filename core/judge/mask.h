/* core/judge/mask.h - compares heat with the place of a defect, as the set's mask (core/dataset/mask_file.h) tells it.
 * Internal to core/judge. Any thread; blocks on the disk. */
#ifndef INSP_JUDGE_MASK_H
#define INSP_JUDGE_MASK_H

#include "core/heat/heatmap.h"
#include "core/image/image.h"

/* A pixel that is not black is part of a defect. Whatever its size, a mask covers the whole image. INSP_E_IMAGE
 * also where all of it is black. */
int insp_mask_read(const char *path, const struct insp_image_limits *limits, struct insp_image **ret,
                   struct insp_error *reterr);

static inline bool insp_mask_defect(const struct insp_image *mask, uint32_t x, uint32_t y) {
    const uint8_t *pixel = mask->rgb + ((size_t)y * mask->width + x) * 3;
    return pixel[0] | pixel[1] | pixel[2];
}

/* Boxes and defects that meet. A box hits where at least one pixel inside is part of a defect; a defect is an
 * 8-connected region of the mask, and is hit where a box holds at least one of its pixels.
 *   box [count] in pixels of the mask
 * INSP_E_NOMEM; INSP_E_IMAGE_LIMIT for a mask of more than INSP_MASK_DEFECTS_MAX pieces. */
enum { INSP_MASK_DEFECTS_MAX = 1000000 };
struct insp_mask_hits {
    size_t boxes_hit, defects, defects_hit;
};
int insp_mask_hits(const struct insp_image *mask, const struct insp_box *box, size_t count,
                   struct insp_mask_hits *ret, struct insp_error *reterr);

#endif
