/* core/model/weights.h - read and write weight files as the float32 arrays of vgg16.h. Tensor names are
 * torchvision's (features.0.weight ... features.28.bias, classifier.weight, classifier.bias) or the notebook's
 * (feature_extractor.N.*, classification_head.3.*). A file may hold more tensors than are read; each that is
 * read must exist with the right shape and finite values, or the error names the tensor, its shape and the
 * expected one. Blocks on the disk; any thread. */
#ifndef INSP_MODEL_WEIGHTS_H
#define INSP_MODEL_WEIGHTS_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/compute/device.h"
#include "core/compute/vgg16.h"

/* Owns the arrays of a trunk, in one allocation. */
struct insp_trunk_arrays {
    float *weight[INSP_TRUNK_CONVS], *bias[INSP_TRUNK_CONVS];
};

/* Returns zeroed arrays, the caller's; NULL without memory. */
struct insp_trunk_arrays *insp_trunk_arrays_new(void);
void insp_trunk_arrays_free(struct insp_trunk_arrays *arrays); /* accepts NULL */
/* Returns a view that borrows the arrays. */
struct insp_trunk_weights insp_trunk_arrays_view(const struct insp_trunk_arrays *arrays);

/* The same for a tail. */
struct insp_tail_buffers *insp_tail_buffers_new(void);
void insp_tail_buffers_free(struct insp_tail_buffers *buffers); /* accepts NULL */
struct insp_tail_weights insp_tail_buffers_view(const struct insp_tail_buffers *buffers);

/* Read and write weight files; a written file appears whole or not at all. *ret is the caller's. Fail with
 * INSP_E_MODEL, INSP_E_NOMEM and the codes of insp_fail_errno. */
int insp_trunk_read(const char *path, struct insp_trunk_arrays **ret, struct insp_error *reterr);
int insp_tail_read(const char *path, struct insp_tail_buffers **ret, struct insp_error *reterr);
int insp_trunk_write(const char *path, const struct insp_trunk_arrays *arrays, struct insp_error *reterr);
int insp_tail_write(const char *path, const struct insp_tail_buffers *buffers, struct insp_error *reterr);

/* Sets the tail from which training starts (DESIGN section 2): identity convolutions plus N(0, sigma 0.002),
 * biases 0, the first convolution divided by feature_std; classifier U(-1/sqrt(512), 1/sqrt(512)) as
 * torch.nn.Linear. Equal seeds give equal weights on every machine. */
void insp_tail_init_identity(struct insp_tail_buffers *buffers, uint64_t seed, float feature_std);

DEFINE_CLEANUP(struct insp_trunk_arrays, insp_trunk_arrays_free);
DEFINE_CLEANUP(struct insp_tail_buffers, insp_tail_buffers_free);
#endif
