/* core/compute/train_kernel.h - declare the vector kernels of training under train_cpu.h, for F(2x2,3x3) of
 * conv_kernel.h; like those, one source file is compiled once per instruction set.
 *
 * With Y = A^T [(G g G^T) . (B^T d B)] A the gradient of the weights is dg = G^T dU G, where dU is, point by
 * point, the matrix product over tiles of V = B^T d B and D = A dY A^T. It saves as many multiplications as
 * the forward pass.
 *
 * Layouts (float32, 64-byte aligned), besides those of conv_kernel.h:
 *   D        [point][panel][tiles][columns]
 *   weights  [panel][tap][in][columns]: the parameters and Adam's moments; tap = row * 3 + column of the 3x3
 *            kernel
 *
 * Sums over tiles have one fixed order. Pure functions of their arguments, any thread. */
#ifndef INSP_COMPUTE_TRAIN_KERNEL_H
#define INSP_COMPUTE_TRAIN_KERNEL_H

#include "core/compute/conv_kernel.h"

/* Holds the constants of one step of Adam (Kingma & Ba 2015), bias corrections folded in: m = beta1 m + (1 -
 * beta1) g; v = beta2 v + (1 - beta2) g^2; w -= rate m / (sqrt(v) root_scale + epsilon) */
struct insp_adam {
    float beta1, beta2, epsilon;
    float rate;       /* learning rate / (1 - beta1^t) */
    float root_scale; /* 1 / sqrt(1 - beta2^t) */
};

struct insp_train_kernel {
    const struct insp_conv_kernel *conv;

    /* Transforms dY of one block of 16 output channels (activations' layout, zero where the ReLU's output is)
     * to D of a run. */
    void (*spread)(const struct insp_wino *shape, const struct insp_tile_run *run, size_t block, const float *dy,
                   float *d);

    /* Computes one panel of dU [point][in][columns] from a run's V and D. add: adds to du instead of setting
     * it. */
    void (*gradient)(const struct insp_wino *shape, const struct insp_tile_run *run, size_t panel, const float *v,
                     const float *d, bool add, float *du);

    /* Updates one panel: dU -> gradient of the weights -> Adam -> new weights -> new U. All pointers are to
     * that panel. */
    void (*update)(const struct insp_adam *adam, size_t in, const float *du, float *weight, float *m, float *v,
                   float *u);
};

extern const struct insp_train_kernel insp_train_kernel_generic;
#if defined __x86_64__
extern const struct insp_train_kernel insp_train_kernel_avx2;
extern const struct insp_train_kernel insp_train_kernel_avx512;
#endif

#endif
