/* core/compute/conv_cpu.h - the CPU forward pass: 3x3 convolutions with weights packed once, bias, ReLU and pool
 * fused, activations in one blocked layout from the first convolution to the head. Called by the shim only.
 *
 * Winograd convolutions (conv_kernel.h) in float32: probabilities and maps differ from plain convolution by about
 * 1e-6 relative, 1e-4 at the very worst. Packed weights take 119 MiB for a trunk and 48 MiB for a tail.
 *
 * The same input gives the same result, bit for bit, for every number of threads and whatever else is in the
 * batch; between kernels (avx512, avx2, generic) results differ by rounding.
 *
 * Threads: a network is immutable after new; each run takes its scratch memory from a workspace, one workspace per
 * calling thread. Within a run work is shared among `threads` threads by OpenMP. */
#ifndef INSP_COMPUTE_CONV_CPU_H
#define INSP_COMPUTE_CONV_CPU_H

#include "core/base/error.h"
#include "core/compute/vgg16.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct insp_cpu_trunk;
struct insp_cpu_tail;
struct insp_cpu_workspace;

bool insp_cpu_supported(void); /* the processor has a vector unit that the kernels were built for */
/* "avx512" | "avx2" | "generic": what networks made from now on run with. */
const char *insp_cpu_kernel(void);

/* For tests and benches: networks made from now on take these kernels; NULL: the best again. False, and nothing
 * changed, where the name is unknown or the processor lacks the instructions. */
bool insp_cpu_force_kernel(const char *name);

int insp_cpu_workspace_new(unsigned threads, struct insp_cpu_workspace **ret, struct insp_error *reterr);
void insp_cpu_workspace_free(struct insp_cpu_workspace *workspace);

int insp_cpu_trunk_new(const struct insp_trunk_weights *weights, struct insp_cpu_trunk **ret,
                       struct insp_error *reterr);
void insp_cpu_trunk_free(struct insp_cpu_trunk *trunk);

/* pixels float32 NCHW [n,3,224,224] -> features float32 NCHW [n,512,14,14]. INSP_E_NOMEM. */
int insp_cpu_trunk_run(const struct insp_cpu_trunk *trunk, struct insp_cpu_workspace *workspace,
                       const float *pixels, size_t n, float *ret_features, struct insp_error *reterr);

int insp_cpu_tail_new(const struct insp_tail_weights *weights, struct insp_cpu_tail **ret,
                      struct insp_error *reterr);
void insp_cpu_tail_free(struct insp_cpu_tail *tail);

/* features float32 NCHW [n,512,14,14] -> ret_prob [n] (softmax, class anomaly), ret_cam [n,14,14] or NULL. */
int insp_cpu_tail_run(const struct insp_cpu_tail *tail, struct insp_cpu_workspace *workspace,
                      const float *features, size_t n, float *ret_prob, float *ret_cam, struct insp_error *reterr);

#ifdef __cplusplus
}
#endif
#endif
