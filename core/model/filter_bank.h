/* core/model/filter_bank.h - the filter-bank trunk: VGG16's shape with weights in closed form, calibrated on a
 * handful of images, for air-gapped sites and first runs (DESIGN section 2, "Recipe"). ImageNet weights are the
 * recommended trunk where they can be had. */
#ifndef INSP_MODEL_FILTER_BANK_H
#define INSP_MODEL_FILTER_BANK_H

#include "core/model/weights.h"

/* Called after each image of each of the two passes; done of total. NULL is fine. */
typedef void insp_bank_progress(void *arg, size_t done, size_t total);

/* Builds and calibrates. Blocks for about 0.1 s per image, on the calling thread and without a compute device: the
 * bank's kernels are so sparse that plain C runs them, and the weights are the same whatever device will use them.
 *   pixels  float32 [count,3,224,224], transformed as the products will transform theirs; borrowed; count >= 1
 * What is calibrated is folded into the weights: the arrays alone define the network. Deterministic. *ret is the
 * caller's.
 *   ret_feature_std  the overall standard deviation of the features over the images (for insp_tail_init_identity);
 * 1 where the features do not vary (flat images) INSP_E_PARAMETER for no images or a value that is not finite,
 * INSP_E_NOMEM. */
int insp_filter_bank_build(const float *pixels, size_t count, insp_bank_progress *progress, void *arg,
                           struct insp_trunk_arrays **ret, float *ret_feature_std, struct insp_error *reterr);

#endif
