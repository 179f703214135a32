/* core/dataset/split.h - divides a dataset into a training and a held-out part, or into folds. Pure functions of
 * the strata and a seed: the same input gives the same split on every machine. The image counts per stratum and
 * part equal those of scikit-learn's train_test_split(stratify=...) and StratifiedKFold(shuffle=True); the images
 * themselves are chosen by insp_random. */
#ifndef INSP_DATASET_SPLIT_H
#define INSP_DATASET_SPLIT_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* xoshiro256** (Blackman & Vigna 2018), seeded by SplitMix64: the only source of randomness in training. */
struct insp_random {
    uint64_t state[4];
};
void insp_random_seed(struct insp_random *random, uint64_t seed);
uint64_t insp_random_below(struct insp_random *random, uint64_t bound); /* uniform, 0 <= r < bound, bound >= 1 */
void insp_random_shuffle(struct insp_random *random, size_t *index, size_t count); /* Fisher-Yates */

/* Marks the held-out images. ceil(test_share * count) images are held out and shared among the strata as by
 * scikit-learn's _approximate_mode: by largest remainder, with equal remainders drawn at random. A stratum of one
 * image, which scikit-learn refuses, stays in the training part and is not counted.
 *   strata        [count], each 0..stratum_count-1
 *   test_share    0 < test_share < 1
 *   ret_held_out  [count], the caller's memory
 * Errors:
 *   INSP_E_PARAMETER  test_share is out of range
 *   INSP_E_DATASET    a part would have fewer images than there are strata of two or more images
 *   INSP_E_NOMEM */
int insp_split_stratified(const size_t *strata, size_t count, size_t stratum_count, double test_share,
                          uint64_t seed, bool *ret_held_out, struct insp_error *reterr);

/* Assigns each image to the fold in which it is held out. A defect type with fewer images than folds is spread
 * over as many folds as it has images; *ret_thin is then true (StratifiedKFold warns in this case).
 *   strata    [count], each 0..stratum_count-1; 0 is good, all others are anomalous
 *   folds     >= 2
 *   ret_fold  [count], each 0..folds-1; the caller's memory
 * Errors:
 *   INSP_E_PARAMETER  folds < 2
 *   INSP_E_DATASET    fewer good or fewer anomalous images than folds
 *   INSP_E_NOMEM */
int insp_split_folds(const size_t *strata, size_t count, size_t stratum_count, size_t folds, uint64_t seed,
                     size_t *ret_fold, bool *ret_thin, struct insp_error *reterr);

#endif
