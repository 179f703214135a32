/* core/judge/pixel_roc.h - the area under the ROC curve over all pixels of any number of images in 1 MiB: two
 * histograms of the score, one of pixels inside defects, one of those outside. Pixels that share a bin count as
 * tied, so the area is off by at most half of the share of (inside, outside) pairs that share one: that bound is
 * known afterwards and given with the area. One thread per object; pure computation. */
#ifndef INSP_JUDGE_PIXEL_ROC_H
#define INSP_JUDGE_PIXEL_ROC_H

#include "core/image/image.h"

enum { INSP_PIXEL_BINS = 1 << 16 };

struct insp_pixel_roc {
    double low, step;           /* bin i begins at low + i * step */
    uint64_t *outside, *inside; /* [INSP_PIXEL_BINS] each; one block, owned */
};

/* All scores will lie within low..high. INSP_E_NOMEM. */
int insp_pixel_roc_init(struct insp_pixel_roc *roc, double low, double high, struct insp_error *reterr);
void insp_pixel_roc_clear(struct insp_pixel_roc *roc); /* zeroed is fine */

/* Counts each pixel of a mask by the score that the map (float32 [14,14]) has there once upsampled bilinearly to
 * the mask's size (heat_rows.h). INSP_E_NOMEM. */
int insp_pixel_roc_add(struct insp_pixel_roc *roc, const float *map, const struct insp_image *mask,
                       struct insp_error *reterr);

/* Both NaN where no pixel is inside, or none outside. */
void insp_pixel_roc_area(const struct insp_pixel_roc *roc, double *ret_area, double *ret_error_max);

#endif
