/* core/good_only/good_score.h - score samples by a good-only model: how far is each cell from good parts? Pure;
 * any thread. */
#ifndef INSP_GOOD_ONLY_GOOD_SCORE_H
#define INSP_GOOD_ONLY_GOOD_SCORE_H

#include "core/good_only/good_fit.h"

/* Scores one image: the Mahalanobis distance of each cell, smoothed by a 3x3 Gaussian with a sigma of one cell (at
 * the border the weights of the present neighbours are scaled up to 1). Takes a millisecond of one core, mostly to
 * read the model from memory.
 *   keep       [28,28], 1 for a cell that counts, else 0; NULL: all count. A cell that does not count has distance
 *              0 and no weight in the mean of its neighbours
 *   ret_map    float32 [28,28], 0 or more; caller's memory
 *   ret_score  largest value of the map; not finite if the sample is not */
void insp_good_score(const struct insp_good_gauss *gauss, const struct insp_good_sample *sample,
                     const uint8_t *keep, float *ret_map, float *ret_score);

/* Names the instruction set of the kernel that this processor gets: "avx512", "avx2" or "generic". */
const char *insp_good_score_kernel(void);

#endif
