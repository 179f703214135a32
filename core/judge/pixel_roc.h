/* core/judge/pixel_roc.h - computes the area under the ROC curve over all pixels of any number of images in 1 MiB
 * of memory: two histograms of the score, one for pixels inside defects and one for pixels outside. Pixels in the
 * same bin count as tied, so the error of the area is at most half the share of (inside, outside) pairs with a
 * common bin. That bound is returned with the area. One thread per object; pure computation. */
#ifndef INSP_JUDGE_PIXEL_ROC_H
#define INSP_JUDGE_PIXEL_ROC_H

#include "core/image/image.h"

enum { INSP_PIXEL_BINS = 1 << 16 };

struct insp_pixel_roc {
    double low, step;           /* bin i begins at low + i * step */
    uint64_t *outside, *inside; /* [INSP_PIXEL_BINS] each; one block, owned */
};

/* Allocates the histograms for scores in low..high; scores outside count in the end bins. Fails with INSP_E_NOMEM.
 */
int insp_pixel_roc_init(struct insp_pixel_roc *roc, double low, double high, struct insp_error *reterr);
void insp_pixel_roc_clear(struct insp_pixel_roc *roc); /* accepts a zeroed struct */

/* Counts each pixel of a mask. Its score is the value of the map (float32 [14,14]), upsampled bilinearly to the
 * mask's size (heat_rows.h). Fails with INSP_E_NOMEM. */
int insp_pixel_roc_add(struct insp_pixel_roc *roc, const float *map, const struct insp_image *mask,
                       struct insp_error *reterr);

/* Computes the area (0..1) and the bound of its error; both are NaN if no pixel is inside, or none outside. */
void insp_pixel_roc_area(const struct insp_pixel_roc *roc, double *ret_area, double *ret_error_max);

#endif
