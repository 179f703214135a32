/* core/train/features/half.h - converts between float and IEEE 754 binary16. Integer arithmetic, so the compiler
 * need not support the type. Pure functions; any thread. */
#ifndef INSP_TRAIN_FEATURES_HALF_H
#define INSP_TRAIN_FEATURES_HALF_H

#include <stddef.h>
#include <stdint.h>

/* Converts values [count] to half. Rounds to nearest, ties to even, and clamps to +-65504. NaN becomes +-65504, so
 * callers check for it first. */
void insp_half_from_float(const float *values, size_t count, uint16_t *ret_half);
/* Converts half [count] to float, exactly. */
void insp_half_to_float(const uint16_t *half, size_t count, float *ret_values);

#endif
