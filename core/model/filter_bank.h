/* core/model/filter_bank.h - build the filter-bank trunk: VGG16's shape with weights in closed form,
 * calibrated on a few images, for air-gapped sites and first runs (DESIGN section 2, "Recipe"). Prefer
 * ImageNet weights where they are available. */
#ifndef INSP_MODEL_FILTER_BANK_H
#define INSP_MODEL_FILTER_BANK_H

#include "core/model/weights.h"

/* Reports progress after each image of each of the two passes: done of total. */
typedef void insp_bank_progress(void *arg, size_t done, size_t total);

/* Builds and calibrates the trunk. Blocks for about 0.1 s per image, on the calling thread and without a
 * compute device: the kernels are so sparse that plain C runs them, and the weights are the same on every
 * machine. Any thread.
 *   pixels           float32 [count,3,224,224], transformed as the products will transform theirs; borrowed;
 *                    count >= 1
 *   progress         may be NULL
 *   ret              arrays that alone define the network, calibration included; the caller's
 *   ret_feature_std  standard deviation of all features of the images (for insp_tail_init_identity); 1 if they
 *                    do not vary (flat images)
 * Fails with INSP_E_PARAMETER for no images or a value that is not finite, INSP_E_NOMEM. */
int insp_filter_bank_build(const float *pixels, size_t count, insp_bank_progress *progress, void *arg,
                           struct insp_trunk_arrays **ret, float *ret_feature_std, struct insp_error *reterr);

#endif
