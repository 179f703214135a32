/* core/good_only/good_sample.h - reduce an image's taps to the numbers that a good-only model compares: PaDiM
 * (Defard et al. 2021, "PaDiM: a Patch Distribution Modeling Framework for Anomaly Detection and Localization").
 *
 * A tap is the output of one of the trunk's first three pools, mean-pooled to 28x28 cells (vgg16.h). A sample
 * keeps INSP_GOOD_DIMS of their channels, each averaged over the 3x3 cells around a cell. Values are not scaled:
 * the fit divides each tap by its standard deviation, so samples of all times can be added up.
 *
 * Layout of this folder: cells in groups of 16, each number as a vector of the group's cells, [49][...][16].
 *
 * Pure functions; any thread. */
#ifndef INSP_GOOD_ONLY_GOOD_SAMPLE_H
#define INSP_GOOD_ONLY_GOOD_SAMPLE_H

#include "core/compute/vgg16.h"

#include <stdint.h>

enum {
    INSP_GOOD_DIMS = 100, /* channels kept: 200 were worse, 100 principal components no better */
    INSP_GOOD_LANES = 16, /* cells in a group */
    INSP_GOOD_GROUPS = INSP_TAP_CELLS / INSP_GOOD_LANES,
    INSP_GOOD_PACKED = INSP_GOOD_DIMS * (INSP_GOOD_DIMS + 1) / 2, /* lower triangle, row by row */
};

/* Says which tap a channel, 0..INSP_TAP_CHANNELS-1, belongs to: 0, 1 or 2. */
unsigned insp_good_tap_of(unsigned channel);

/* Draws a number below `bound`, 1 or more, by SplitMix64 (core/base/splitmix.h), whose state it advances. */
size_t insp_good_random(uint64_t *state, size_t bound);

/* Chooses INSP_GOOD_DIMS distinct channels, ascending: the first ones of a permutation. Equal seeds give equal
 * channels on every machine. */
void insp_good_channels(uint64_t seed, uint16_t ret_channel[INSP_GOOD_DIMS]);

struct insp_good_sample {
    double tap_sum[INSP_TAPS], tap_squares[INSP_TAPS]; /* over all cells and channels of a tap */
    float x[INSP_GOOD_GROUPS][INSP_GOOD_DIMS][INSP_GOOD_LANES];
};

/* Reduces the taps of one image.
 *   taps     float32 [28,28,448], finite, as insp_score gives them; borrowed
 *   channel  [INSP_GOOD_DIMS], each below INSP_TAP_CHANNELS */
void insp_good_sample_make(const float *taps, const uint16_t channel[INSP_GOOD_DIMS],
                           struct insp_good_sample *ret);
/* Fills in x alone, which is all that a score needs. */
void insp_good_sample_values(const float *taps, const uint16_t channel[INSP_GOOD_DIMS],
                             struct insp_good_sample *ret);

#endif
