/* core/compute/conv_layer.h - run one 3x3 convolution on the CPU: transform and pack its weights once, then
 * run it over batches of blocked activations (layouts: conv_kernel.h). Only conv_cpu.c and train_cpu.c use
 * this header, besides tests. Any thread; one thread at a time per layer that changes and per scratch. */
#ifndef INSP_COMPUTE_CONV_LAYER_H
#define INSP_COMPUTE_CONV_LAYER_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/compute/conv_kernel.h"
#include "core/compute/vgg16.h"

/* Returns the kernels of a name, "avx512", "avx2", "neon" or "generic"; NULL if the name is unknown or the
 * processor lacks the instructions. */
const struct insp_conv_kernel *insp_conv_kernel_named(const char *name);

/* Allocates floats, 64-byte aligned, not zeroed; from 2 MiB on aligned to 2 MiB, with huge pages requested.
 * The caller frees them with free(). Returns NULL without memory or if the size overflows. */
float *insp_conv_alloc(size_t floats);

/* Holds scratch memory that grows to the needs of the largest layer. One caller at a time. */
struct insp_conv_scratch {
    unsigned threads; /* 1 or more */
    float *floats;
    size_t capacity;
};
void insp_conv_scratch_clear(struct insp_conv_scratch *scratch);
/* Grows the scratch memory to `floats`; its content is lost. Fails with INSP_E_NOMEM. */
int insp_conv_scratch_reserve(struct insp_conv_scratch *scratch, size_t floats, struct insp_error *reterr);

struct insp_conv_layer {
    struct insp_wino shape;
    const struct insp_conv_kernel *kernel;
    float *u, *bias; /* owned */
    float *plain;    /* owned; plain weights, from which each pass makes U; then u is NULL. Else NULL */
};

/* Makes a layer. shape: in and out multiples of 32, side a multiple of 2. Copies the weights. Takes about 16
 * (F(2x2)) or 36 (F(4x4)) floats of memory per pair of channels. Fails with INSP_E_NOMEM. */
int insp_conv_layer_init(struct insp_conv_layer *layer, const struct insp_conv_kernel *kernel,
                         const struct insp_conv_shape *shape, const struct insp_conv_weights *weights,
                         struct insp_error *reterr);
/* Makes a layer as above, with a side that 4 does not divide, that keeps its weights plain: 9 floats of memory per
 * pair of channels. Its passes compute U, a panel at a time. The result differs by rounding from that of
 * insp_conv_layer_init. Fails with INSP_E_NOMEM. */
int insp_conv_layer_init_plain(struct insp_conv_layer *layer, const struct insp_conv_kernel *kernel,
                               const struct insp_conv_shape *shape, const struct insp_conv_weights *weights,
                               struct insp_error *reterr);
/* Makes a layer without weights: u unset, bias zero. Fails with INSP_E_NOMEM. */
int insp_conv_layer_alloc(struct insp_conv_layer *layer, const struct insp_conv_kernel *kernel,
                          const struct insp_conv_shape *shape, struct insp_error *reterr);
void insp_conv_layer_clear(struct insp_conv_layer *layer); /* accepts a zeroed or half-built one */

/* Returns the floats of n images' activations with their zero border, for so many channels and this side. */
size_t insp_conv_floats(size_t channels, size_t side, size_t n);

/* Runs the layer: src, activations of n images with the layer's channels and side -> dst, the same of its
 * output after ReLU and pool, bordered by zeros. Calls insp_pace first. The result is the same, bit for bit,
 * for every number of threads and every partition of a batch. Fails with INSP_E_NOMEM. */
int insp_conv_layer_run(const struct insp_conv_layer *layer, struct insp_conv_scratch *scratch, const float *src,
                        size_t n, float *dst, struct insp_error *reterr);

/* Convert one image between [channels][side][side] and the blocked, bordered layout. */
void insp_conv_block(const float *plain, size_t channels, size_t side, float *blocked);
void insp_conv_unblock(const float *blocked, size_t channels, size_t side, float *plain);

/* Zeroes the borders of n images' activations. */
void insp_conv_border(float *blocked, size_t channels, size_t side, size_t n);

#endif
