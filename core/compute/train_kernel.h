/* core/compute/train_kernel.h - the vector kernels of training under train_cpu.h, for F(2x2,3x3) of conv_kernel.h,
 * compiled once per instruction set like those.
 *
 * With Y = A^T [(G g G^T) . (B^T d B)] A the gradient of the weights is dg = G^T dU G, where dU is, point by
 * point, the matrix product over tiles of V = B^T d B and D = A dY A^T: as many multiplications saved as in the
 * forward pass.
 *
 * Layouts (float32, 64-byte aligned), beside those of conv_kernel.h:
 *   D        [point][panel][tiles][columns]
 *   weights  [panel][tap][in][columns]: the parameters and Adam's moments; tap = row * 3 + column of the 3x3
 * kernel Sums run over tiles in one fixed order. Pure functions of their arguments, any thread. */
#ifndef INSP_COMPUTE_TRAIN_KERNEL_H
#define INSP_COMPUTE_TRAIN_KERNEL_H

#include "core/compute/conv_kernel.h"

/* One step of Adam (Kingma & Ba 2015), bias corrections folded in:
 * m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; w -= rate m / (sqrt(v) root_scale + epsilon) */
struct insp_adam {
    float beta1, beta2, epsilon;
    float rate;       /* learning rate / (1 - beta1^t) */
    float root_scale; /* 1 / sqrt(1 - beta2^t) */
};

struct insp_train_kernel {
    const struct insp_conv_kernel *conv;

    /* dY of one block of 16 output channels (activations' layout, zero where the ReLU was shut) -> D of a run */
    void (*spread)(const struct insp_wino *shape, const struct insp_tile_run *run, size_t block, const float *dy,
                   float *d);

    /* One panel of dU [point][in][columns], set, or added to, from a run's V and D. */
    void (*gradient)(const struct insp_wino *shape, const struct insp_tile_run *run, size_t panel, const float *v,
                     const float *d, bool add, float *du);

    /* One panel: dU -> gradient of the weights -> Adam -> new weights -> new U. All of that panel. */
    void (*update)(const struct insp_adam *adam, size_t in, const float *du, float *weight, float *m, float *v,
                   float *u);
};

extern const struct insp_train_kernel insp_train_kernel_generic;
#if defined __x86_64__
extern const struct insp_train_kernel insp_train_kernel_avx2;
extern const struct insp_train_kernel insp_train_kernel_avx512;
#endif

#endif
