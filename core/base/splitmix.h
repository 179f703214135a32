/* core/base/splitmix.h - draw random numbers whose sequence is the same on every machine: SplitMix64 (Steele,
 * Lea & Flood 2014). Not for secrets. Pure; any thread. */
#ifndef INSP_BASE_SPLITMIX_H
#define INSP_BASE_SPLITMIX_H

#include <stdint.h>

/* Added to the state at each step: 2^64 over the golden ratio, odd. */
#define INSP_SPLITMIX_STEP UINT64_C(0x9e3779b97f4a7c15)

/* Advances the state, any number, and returns the next 64 random bits. */
static inline uint64_t insp_splitmix(uint64_t *state) {
    uint64_t z = *state += INSP_SPLITMIX_STEP;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

#endif
