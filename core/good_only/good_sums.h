/* core/good_only/good_sums.h - add up samples of good images: count, sums and sums of products at each cell, in
 * double. Sums are all that a fit needs, so an image can be added to a model, or removed from it, without the
 * other images; both are exact up to the rounding of double.
 *
 * One thread at a time per object. */
#ifndef INSP_GOOD_ONLY_GOOD_SUMS_H
#define INSP_GOOD_ONLY_GOOD_SUMS_H

#include "core/base/cleanup.h"
#include "core/good_only/good_sample.h"

#include <stddef.h>

/* 32 MB. */
struct insp_good_sums {
    size_t count; /* images */
    double tap_sum[INSP_TAPS], tap_squares[INSP_TAPS];
    double sum[INSP_GOOD_GROUPS][INSP_GOOD_DIMS][INSP_GOOD_LANES];
    double product[INSP_GOOD_GROUPS][INSP_GOOD_PACKED][INSP_GOOD_LANES]; /* x[i] x[j], j <= i, row by row */
};

/* Returns empty sums, the caller's; NULL without memory. */
struct insp_good_sums *insp_good_sums_new(void);
void insp_good_sums_free(struct insp_good_sums *sums); /* accepts NULL */

/* Add or remove one image; remove only one that was added. */
void insp_good_sums_add(struct insp_good_sums *sums, const struct insp_good_sample *sample);
void insp_good_sums_subtract(struct insp_good_sums *sums, const struct insp_good_sample *sample);

/* Add or remove all images of `part`; remove only images that were added. */
void insp_good_sums_merge(struct insp_good_sums *sums, const struct insp_good_sums *part);
void insp_good_sums_split(struct insp_good_sums *sums, const struct insp_good_sums *part);

DEFINE_CLEANUP(struct insp_good_sums, insp_good_sums_free);
#endif
