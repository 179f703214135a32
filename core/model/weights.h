/* core/model/weights.h - weight files <-> the float32 arrays of vgg16.h. Names as torchvision's
 * (features.0.weight ... features.28.bias, classifier.weight, classifier.bias) or the notebook's
 * (feature_extractor.N.*, classification_head.3.*). A file may hold more than is asked for; what is asked for must
 * be there with the right shape, or the error names the tensor, its shape and the shape wanted. Blocks on the
 * disk; any thread. */
#ifndef INSP_MODEL_WEIGHTS_H
#define INSP_MODEL_WEIGHTS_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/compute/device.h"
#include "core/compute/vgg16.h"

/* Owned arrays in one allocation each. */
struct insp_trunk_arrays {
    float *weight[INSP_TRUNK_CONVS], *bias[INSP_TRUNK_CONVS];
};

struct insp_trunk_arrays *insp_trunk_arrays_new(void); /* zeroed; NULL without memory */
void insp_trunk_arrays_free(struct insp_trunk_arrays *arrays);
struct insp_trunk_weights insp_trunk_arrays_view(const struct insp_trunk_arrays *arrays);

struct insp_tail_buffers *insp_tail_buffers_new(void); /* zeroed; NULL without memory */
void insp_tail_buffers_free(struct insp_tail_buffers *buffers);
struct insp_tail_weights insp_tail_buffers_view(const struct insp_tail_buffers *buffers);

/* Fail with INSP_E_MODEL, INSP_E_IO, INSP_E_NOMEM. */
int insp_trunk_read(const char *path, struct insp_trunk_arrays **ret, struct insp_error *reterr);
int insp_tail_read(const char *path, struct insp_tail_buffers **ret, struct insp_error *reterr);
int insp_trunk_write(const char *path, const struct insp_trunk_arrays *arrays, struct insp_error *reterr);
int insp_tail_write(const char *path, const struct insp_tail_buffers *buffers, struct insp_error *reterr);

/* The tail as training starts from it (DESIGN section 2): identity convolutions plus N(0, sigma 0.002), biases 0,
 * the first convolution divided by feature_std; classifier U(-1/sqrt(512), 1/sqrt(512)) as torch.nn.Linear.
 * Deterministic in seed, on every machine. */
void insp_tail_init_identity(struct insp_tail_buffers *buffers, uint64_t seed, float feature_std);

DEFINE_CLEANUP(struct insp_trunk_arrays, insp_trunk_arrays_free);
DEFINE_CLEANUP(struct insp_tail_buffers, insp_tail_buffers_free);
#endif
