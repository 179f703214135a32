/* core/compute/conv_cpu.h - run the forward pass on the CPU with the packed kernels: 3x3 convolutions with
 * weights packed once, bias, ReLU and pool fused, activations in one blocked layout from the first convolution
 * to the head. Only packed.c, train_cpu.c and open.cpp use this header, besides tests and benches.
 *
 * The convolutions are Winograd's (conv_kernel.h) in float32: probabilities and maps differ from plain
 * convolution by about 1e-6 relative, 1e-4 at worst. Packed weights take 119 MiB for a trunk. A tail's stay plain,
 * 27 MiB: a daemon has one trunk, but a tail for each product.
 *
 * Equal inputs give equal results, bit for bit, for every number of threads and every batch around them;
 * between kernels (avx512, avx2, neon, generic) results differ by rounding.
 *
 * Threads: trunks and tails are immutable after new. Each run takes its scratch memory from a workspace; use
 * one workspace per calling thread. A run shares its work among the workspace's threads (team.h). */
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

/* Says whether the processor has a vector unit that the kernels were built for. */
bool insp_cpu_supported(void);
/* Returns the kernels of trunks and tails that are made from now on: "avx512", "avx2", "neon" or "generic". */
const char *insp_cpu_kernel(void);

/* Forces the kernels of trunks and tails that are made from now on, for tests and benches; NULL: the best
 * again. Returns false, and changes nothing, if the name is unknown or the processor lacks the instructions. */
bool insp_cpu_force_kernel(const char *name);

/* Makes a workspace; threads 0: one per processor. *ret is the caller's. Fails with INSP_E_NOMEM. */
int insp_cpu_workspace_new(unsigned threads, struct insp_cpu_workspace **ret, struct insp_error *reterr);
void insp_cpu_workspace_free(struct insp_cpu_workspace *workspace); /* accepts NULL */

/* Copies and packs the weights of a trunk. *ret is the caller's. Fails with INSP_E_NOMEM. */
int insp_cpu_trunk_new(const struct insp_trunk_weights *weights, struct insp_cpu_trunk **ret,
                       struct insp_error *reterr);
void insp_cpu_trunk_free(struct insp_cpu_trunk *trunk); /* accepts NULL */

/* Computes features: pixels float32 NCHW [n,3,224,224] -> ret_features float32 NCHW [n,512,14,14], and ret_taps
 * float32 [n,28,28,448] (vgg16.h). Either may be NULL; without features the run ends after the third block. Fails
 * with INSP_E_NOMEM. */
int insp_cpu_trunk_run(const struct insp_cpu_trunk *trunk, struct insp_cpu_workspace *workspace,
                       const float *pixels, size_t n, float *ret_features, float *ret_taps,
                       struct insp_error *reterr);

/* Does the same for pictures, the tails of which it ignores. Transforms one at a time, into memory that stays in
 * the cache. */
struct insp_picture;
int insp_cpu_trunk_run_pictures(const struct insp_cpu_trunk *trunk, struct insp_cpu_workspace *workspace,
                                const struct insp_picture *pictures, size_t n, float *ret_features,
                                float *ret_taps, struct insp_error *reterr);

/* Copies and packs the weights of a tail. *ret is the caller's. Fails with INSP_E_NOMEM. */
int insp_cpu_tail_new(const struct insp_tail_weights *weights, struct insp_cpu_tail **ret,
                      struct insp_error *reterr);
void insp_cpu_tail_free(struct insp_cpu_tail *tail); /* accepts NULL */

/* Scores features float32 NCHW [n,512,14,14] -> ret_prob [n], 0..1, softmax of class anomaly, and ret_cam
 * [n,14,14], unscaled, or NULL. Fails with INSP_E_NOMEM. */
int insp_cpu_tail_run(const struct insp_cpu_tail *tail, struct insp_cpu_workspace *workspace,
                      const float *features, size_t n, float *ret_prob, float *ret_cam, struct insp_error *reterr);

#ifdef __cplusplus
}
#endif
#endif
