/* core/model/filter_bank.h - the filter-bank trunk: VGG16's shape with weights in closed form, calibrated on a
 * handful of images, for air-gapped sites and first runs (DESIGN section 2, "Recipe"). ImageNet weights are the
 * recommended trunk where they can be had. */
#ifndef INSP_MODEL_FILTER_BANK_H
#define INSP_MODEL_FILTER_BANK_H

#include "core/model/torch_shim.h"
#include "core/model/weights.h"

/* Called after each step for a progress line; done of total. NULL is fine. */
typedef void insp_bank_progress(void *arg, size_t done, size_t total);

/* Builds and calibrates. Blocks for about count x convolutions forward passes; one thread.
 *   pixels  float32 [count,3,224,224], transformed as the products will transform theirs; borrowed; count >= 1
 * What is calibrated is folded into the weights: the arrays alone define the network.
 * ret_feature_std the overall standard deviation of the features over the images (for insp_tail_init_identity). */
int insp_filter_bank_build(struct insp_device *device, const float *pixels, size_t count,
                           insp_bank_progress *progress, void *arg, struct insp_trunk_arrays **ret,
                           float *ret_feature_std, struct insp_error *reterr);

#endif
