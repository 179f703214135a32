/* core/judge/heat_range.h - learns the range of class activation maps that heat 0..1 stands for. Pure functions;
 * any thread. */
#ifndef INSP_JUDGE_HEAT_RANGE_H
#define INSP_JUDGE_HEAT_RANGE_H

#include "core/base/error.h"

#include <stddef.h>

/* Learns low and high of heat = (map - low) / (high - low) from the largest values of training maps, so that a
 * good image shows nothing at or above `threshold` and a clear anomaly reaches 1. The bounds hold for the
 * upsampled map too, because upsampling never exceeds the largest value of the 14x14 map.
 *
 *   high     the median of the anomalies' largest values
 *   cut      the map value that becomes heat = threshold: a third of the way from the ceiling of the good images
 *            to high. Maps of good training images are lower than those of unseen good images; the third allows
 *            for that.
 *   low      follows from high and cut
 *
 * The ceiling is the largest good value. If that reaches the anomalies' median (an odd good image), the ceiling is
 * the 98 % quantile of the good values. If there is still no gap, high moves up: showing nothing on good parts
 * matters more than showing anomalies as hot.
 *
 *   good_max     [good_count], the good images' largest map values, unscaled, finite
 *   anomaly_max  [anomaly_count], the same for anomalous images
 *   threshold    heat 0..1; clamped to 0.05..0.95, because no range could serve the ends
 *   ret_low, ret_high  finite, *ret_low < *ret_high
 * Errors:
 *   INSP_E_DATASET  a count is 0
 *   INSP_E_MODEL    a value is not finite, or the values have no usable range
 *   INSP_E_NOMEM */
int insp_heat_range(const float *good_max, size_t good_count, const float *anomaly_max, size_t anomaly_count,
                    float threshold, float *ret_low, float *ret_high, struct insp_error *reterr);

/* Scales map [floats] in place to heat: 0 at low, 1 at high, not clamped. */
void insp_heat_normalise(float *map, size_t floats, float low, float high);

#endif
