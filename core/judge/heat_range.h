/* core/judge/heat_range.h - where a class activation map is cold and where it is hot (DESIGN section 2, "Flat
 * maps"). Pure functions; any thread. */
#ifndef INSP_JUDGE_HEAT_RANGE_H
#define INSP_JUDGE_HEAT_RANGE_H

#include "core/base/error.h"

#include <stddef.h>

/* Learns low and high of heat = (map - low) / (high - low) from the largest values of training maps, so that a
 * good image shows nothing at or above `threshold` and a clear anomaly reaches 1. (The upsampled map is never
 * above the 14x14 map's largest value, so bounds on that hold for the picture.)
 *
 *   high     the median of the anomalies' largest values
 *   cut      the map's value that becomes heat = threshold: a third of the way from the ceiling of the good
 *            images to high. The trained maps of good images lie lower than those of unseen ones; the third is
 *            the margin for that.
 *   low      follows from the two
 *
 * The ceiling is the largest good value, or, where that reaches above the anomalies' median (an odd good image),
 * the 98 % quantile. Where even that does not leave a gap, high moves up: cold good parts come before hot
 * anomalies.
 *
 *   good_max, anomaly_max  the images' largest map values, unscaled; each count >= 1; finite
 *   threshold              heat 0..1; taken as 0.05 or 0.95 beyond those, where no range could serve it
 *   ret_low < ret_high
 * INSP_E_MODEL for a value that is not finite, INSP_E_DATASET without images, INSP_E_NOMEM. */
int insp_heat_range(const float *good_max, size_t good_count, const float *anomaly_max, size_t anomaly_count,
                    float threshold, float *ret_low, float *ret_high, struct insp_error *reterr);

/* Heat as a number that is the same on every map: 0 where cold, 1 where hot, beyond both ends not clamped.
 *   map [floats], in place */
void insp_heat_normalise(float *map, size_t floats, float low, float high);

#endif
