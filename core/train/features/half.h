/* core/train/features/half.h - IEEE 754 binary16 in integer arithmetic (no compiler of Debian 12's needs to know
 * the type). Pure functions; any thread. */
#ifndef INSP_TRAIN_FEATURES_HALF_H
#define INSP_TRAIN_FEATURES_HALF_H

#include <stddef.h>
#include <stdint.h>

/* Rounds to nearest, ties to even; beyond +-65504 clamps to that. NaN becomes 65504: check before. */
void insp_half_from_float(const float *values, size_t count, uint16_t *ret_half);
void insp_half_to_float(const uint16_t *half, size_t count, float *ret_values);

#endif
