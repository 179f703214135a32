/* tests/unit/good_fixture.h - make samples of good parts for the tests of core/good_only: correlated noise on a
 * pattern. */
#ifndef INSP_TESTS_GOOD_FIXTURE_H
#define INSP_TESTS_GOOD_FIXTURE_H

#include "core/good_only/good_sample.h"

#include <stdlib.h>

static inline float good_noise(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint32_t high = (uint32_t)(*state >> 32);
    float sum = (float)(high >> 16) * 0x1p-15F + (float)(high & 0xffff) * 0x1p-15F;
    return sum - 2;
}

/* Taps [28,28,448] of image `seed`: neighbouring channels share half of their noise. */
static inline float *good_taps(uint64_t seed) {
    float *taps = malloc(INSP_TAP_FLOATS * sizeof *taps);
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++)
        for (size_t c = 0; c < INSP_TAP_CHANNELS; c++) {
            float before = c ? taps[cell * INSP_TAP_CHANNELS + c - 1] - 3 : 0;
            taps[cell * INSP_TAP_CHANNELS + c] = 3 + 0.5F * before + good_noise(&state);
        }
    return taps;
}

static inline void good_sample(uint64_t seed, const uint16_t *channel, struct insp_good_sample *ret) {
    float *taps = good_taps(seed);
    insp_good_sample_make(taps, channel, ret);
    free(taps);
}

#endif
