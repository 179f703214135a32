/* core/compute/conv_layer.h - one 3x3 convolution on the CPU: weights transformed and packed once, then run over a
 * batch of blocked activations (layouts: conv_kernel.h). Behind conv_cpu.h and train_cpu.h. */
#ifndef INSP_COMPUTE_CONV_LAYER_H
#define INSP_COMPUTE_CONV_LAYER_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/compute/conv_kernel.h"
#include "core/compute/vgg16.h"

/* NULL where the name is unknown or the processor lacks the instructions. */
const struct insp_conv_kernel *insp_conv_kernel_named(const char *name);

/* 64-byte aligned (2 MiB and huge pages asked for where it is large), not zeroed; free(). NULL without memory or
 * where the size overflows. */
float *insp_conv_alloc(size_t floats);

/* Scratch memory that grows to what the largest layer asked for. One caller at a time. */
struct insp_conv_scratch {
    unsigned threads; /* 1 or more */
    float *floats;
    size_t capacity;
};
void insp_conv_scratch_clear(struct insp_conv_scratch *scratch);
int insp_conv_scratch_reserve(struct insp_conv_scratch *scratch, size_t floats, struct insp_error *reterr);

/* Denormal numbers are taken as zero while a kernel runs (x86; elsewhere the processor's way stands): they cost a
 * hundred cycles each and carry nothing. Returns what insp_float_mode_leave wants. Per thread. */
unsigned insp_float_mode_enter(void);
void insp_float_mode_leave(unsigned mode);

struct insp_conv_layer {
    struct insp_wino shape;
    const struct insp_conv_kernel *kernel;
    float *u, *bias; /* owned */
};

/* shape: in and out multiples of 32, side a multiple of 2. weights are copied. Takes about 16 (F(2x2)) or 36
 * (F(4x4)) floats of memory per pair of channels. INSP_E_NOMEM. */
int insp_conv_layer_init(struct insp_conv_layer *layer, const struct insp_conv_kernel *kernel,
                         const struct insp_conv_shape *shape, const struct insp_conv_weights *weights,
                         struct insp_error *reterr);
/* The same without weights: u is left unset, the bias zero. */
int insp_conv_layer_alloc(struct insp_conv_layer *layer, const struct insp_conv_kernel *kernel,
                          const struct insp_conv_shape *shape, struct insp_error *reterr);
void insp_conv_layer_clear(struct insp_conv_layer *layer); /* also of a zeroed or half-built one */

/* Floats of n images' activations with the zero border, as input of a layer with this many channels and this side.
 */
size_t insp_conv_floats(size_t channels, size_t side, size_t n);

/* src [n] activations with the layer's channels and side -> dst [n], bordered by zeros, after ReLU and pool.
 * The same result, bit for bit, for every number of threads and every way to cut a batch. INSP_E_NOMEM. */
int insp_conv_layer_run(const struct insp_conv_layer *layer, struct insp_conv_scratch *scratch, const float *src,
                        size_t n, float *dst, struct insp_error *reterr);

/* NCHW [channels][side][side] of one image <-> blocked and bordered. */
void insp_conv_block(const float *plain, size_t channels, size_t side, float *blocked);
void insp_conv_unblock(const float *blocked, size_t channels, size_t side, float *plain);

/* Zeroes the borders of n images' activations. */
void insp_conv_border(float *blocked, size_t channels, size_t side, size_t n);

#endif
