/* core/judge/mask.h - reads a mask (core/dataset/mask_file.h) and compares boxes with the defects that it marks.
 * Internal to core/judge. Any thread. */
#ifndef INSP_JUDGE_MASK_H
#define INSP_JUDGE_MASK_H

#include "core/heat/heatmap.h"
#include "core/image/image.h"

/* Reads the mask at `path`; insp_image_free releases *ret. Blocks on the disk. A mask covers the whole image, at
 * any size. Errors, with the path in the detail:
 *   INSP_E_IMAGE        the file is not a PNG, or every pixel is black
 *   INSP_E_IMAGE_LIMIT  the file or the image exceeds `limits`
 *   INSP_E_NOMEM, errno codes */
int insp_mask_read(const char *path, const struct insp_image_limits *limits, struct insp_image **ret,
                   struct insp_error *reterr);

/* Returns true if the pixel is part of a defect, that is, not black. x < width, y < height. */
static inline bool insp_mask_defect(const struct insp_image *mask, uint32_t x, uint32_t y) {
    const uint8_t *pixel = mask->rgb + ((size_t)y * mask->width + x) * 3;
    return pixel[0] | pixel[1] | pixel[2];
}

enum { INSP_MASK_DEFECTS_MAX = 1000000 };
struct insp_mask_hits {
    size_t boxes_hit;   /* boxes with at least one defect pixel inside */
    size_t defects;     /* 8-connected regions of the mask */
    size_t defects_hit; /* regions with at least one pixel inside a box */
};
/* Counts the boxes that hit a defect and the defects that are hit.
 *   box  [count] in pixels of the mask; count <= INSP_BOXES_MAX
 * Errors:
 *   INSP_E_IMAGE_LIMIT  the mask has more than INSP_MASK_DEFECTS_MAX regions
 *   INSP_E_NOMEM */
int insp_mask_hits(const struct insp_image *mask, const struct insp_box *box, size_t count,
                   struct insp_mask_hits *ret, struct insp_error *reterr);

#endif
