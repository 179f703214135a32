/* core/dataset/split.h - which image is in which part. Pure functions of the strata and a seed: same input, same
 * split, on every machine. Class counts per part equal scikit-learn's train_test_split(stratify=...) and
 * StratifiedKFold(shuffle=True); which image goes where is our own generator's choice. */
#ifndef INSP_DATASET_SPLIT_H
#define INSP_DATASET_SPLIT_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SplitMix64-seeded xoshiro256** (Blackman & Vigna 2018): the one source of randomness of training. */
struct insp_random {
    uint64_t state[4];
};
void insp_random_seed(struct insp_random *random, uint64_t seed);
uint64_t insp_random_below(struct insp_random *random, uint64_t bound); /* uniform, 0 <= r < bound, bound >= 1 */
void insp_random_shuffle(struct insp_random *random, size_t *index, size_t count); /* Fisher-Yates */

/* strata [count] of 0..stratum_count-1 -> ret_held_out [count]. The held-out count is ceil(test_share * count),
 * shared among strata as scikit-learn's _approximate_mode does (by largest remainder; which of equal remainders is
 * rounded up is drawn from the seed, there and here). A stratum of one image, which scikit-learn refuses, stays in
 * the training part; the rest is split as if it were not there. test_share  between 0 and 1, both excluded:
 * INSP_E_PARAMETER INSP_E_DATASET where a part would have fewer images than there are strata (of two images or
 * more); INSP_E_NOMEM. */
int insp_split_stratified(const size_t *strata, size_t count, size_t stratum_count, double test_share,
                          uint64_t seed, bool *ret_held_out, struct insp_error *reterr);

/* ret_fold [count] of 0..folds-1: the fold in which image i is held out. folds >= 2, else INSP_E_PARAMETER.
 * INSP_E_DATASET where there are fewer good (stratum 0) or fewer anomalous images than folds; a defect type with
 * fewer images than folds is spread over as many folds as it has images, with *ret_thin = true (StratifiedKFold
 * warns). INSP_E_NOMEM. */
int insp_split_folds(const size_t *strata, size_t count, size_t stratum_count, size_t folds, uint64_t seed,
                     size_t *ret_fold, bool *ret_thin, struct insp_error *reterr);

#endif
