/* core/model/conv_cpu.h - the CPU forward pass: 3x3 convolutions with weights packed once, bias, ReLU and pool
 * fused, activations in one blocked layout from the first convolution to the head. Called by the shim only.
 *
 * Threads: a network is immutable after new; each run takes its scratch memory from a workspace, one workspace per
 * calling thread. Within a run work is shared among `threads` threads by OpenMP. */
#ifndef INSP_MODEL_CONV_CPU_H
#define INSP_MODEL_CONV_CPU_H

#include "core/base/error.h"
#include "core/model/vgg16.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct insp_cpu_trunk;
struct insp_cpu_tail;
struct insp_cpu_workspace;

bool insp_cpu_supported(void);     /* the processor has a vector unit that the kernels were built for */
const char *insp_cpu_kernel(void); /* "avx512" | "avx2" | "generic": which kernels a run takes */

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
