/* core/good_only/good_fit.h - fit a Gaussian at each cell to the sums of good images, and keep what a score needs
 * of it: mean and whitening, 16 MB. Any thread. */
#ifndef INSP_GOOD_ONLY_GOOD_FIT_H
#define INSP_GOOD_ONLY_GOOD_FIT_H

#include "core/base/error.h"
#include "core/good_only/good_sums.h"

enum { INSP_GOOD_IMAGES_MIN = 20 }; /* fewer give no model; 50 and more are advised */

/* Holds the whitened Gaussians. The distance of values x at a cell is the length of whitening * (x - mean): the
 * whitening is the inverse of the Cholesky factor of the covariance, its columns divided by the standard
 * deviations of the taps. */
struct insp_good_gauss {
    float mean[INSP_GOOD_GROUPS][INSP_GOOD_DIMS][INSP_GOOD_LANES];
    float whitening[INSP_GOOD_GROUPS][INSP_GOOD_PACKED][INSP_GOOD_LANES]; /* lower triangle, row by row */
} __attribute__((aligned(64)));

/* Returns zeroed memory, aligned to 64 bytes, the caller's; NULL without memory. */
struct insp_good_gauss *insp_good_gauss_new(void);
void insp_good_gauss_free(struct insp_good_gauss *gauss); /* accepts NULL */

/* Fits: covariance S at each cell (of images, divided by n - 1) + 0.01 t I, where t is the mean variance over all
 * cells and channels. From fewer images than channels, 30 % of the covariance pooled over the cells is mixed in
 * first.
 *   channel  the channels of the samples
 * *ret_gauss is the caller's. Fails with
 *   INSP_E_DATASET  fewer than INSP_GOOD_IMAGES_MIN images, or images that are all the same picture
 *   INSP_E_MODEL    sums that are not finite
 *   INSP_E_NOMEM */
int insp_good_fit(const struct insp_good_sums *sums, const uint16_t channel[INSP_GOOD_DIMS],
                  struct insp_good_gauss **ret_gauss, struct insp_error *reterr);
/* Fits to a part of such a set, as a fold needs it: to 2 images or more. Fails as insp_good_fit does. */
int insp_good_fit_part(const struct insp_good_sums *sums, const uint16_t channel[INSP_GOOD_DIMS],
                       struct insp_good_gauss **ret_gauss, struct insp_error *reterr);

DEFINE_CLEANUP(struct insp_good_gauss, insp_good_gauss_free);
#endif
