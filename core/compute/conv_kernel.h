/* core/compute/conv_kernel.h - declare the vector kernels under conv_layer.h. One source file is compiled once
 * per instruction set.
 *
 * Winograd's minimal filtering F(m x m, 3 x 3) (Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural
 * Networks"): an output tile of m x m needs an input tile of (m+2) x (m+2); both sides are transformed, and
 * the convolution becomes (m+2)^2 independent matrix products over channels. m = 4 has the points 0, +-5/8,
 * +-3/2 and infinity: about half the rounding error of the usual 0, +-1, +-2, and every constant is exact in
 * binary. m = 2 has the usual 0, +-1, infinity; it serves sides that 4 does not divide (14 x 14).
 *
 * Layouts (float32, 64-byte aligned):
 *   activations  [image][channel / 16][side + 2][side + 2][16], a border of zeros around each plane
 *   V            [point][in / 16][tiles][16], transformed input of a run of tiles
 *   U            [panel][point][in][columns], transformed weights; a panel is `columns` output channels
 *   plain        [panel][tap][in][columns], weights as they are; tap = row * 3 + column of the 3x3 kernel
 * Points count the (m+2)^2 matrix products; tiles are in order of image, row, column.
 *
 * Every output value is summed in one fixed order, whichever run of tiles contains it, so results depend
 * neither on the partition of the work nor on the number of threads, bit for bit. Instruction sets differ by
 * rounding. Pure functions of their arguments, any thread. */
#ifndef INSP_COMPUTE_CONV_KERNEL_H
#define INSP_COMPUTE_CONV_KERNEL_H

#include "core/compute/vgg16.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    INSP_BLOCK = 16,       /* channels stored together */
    INSP_MAX_POINTS = 36,  /* of F(4x4,3x3) */
    INSP_MAX_COLUMNS = 32, /* of a panel, over all instruction sets */
};

/* One convolution's shape, derived once. */
struct insp_wino {
    size_t in, out, side;    /* channels: multiples of 16; side: a multiple of step */
    size_t step, points;     /* 4 and 36, or 2 and 16 */
    size_t row_tiles, tiles; /* side / step; its square: tiles per image */
    bool relu, pool;         /* pool: 2x2 max-pool after the ReLU, step 4 only */
};

/* Locates a run of tiles. */
struct insp_tile_run {
    size_t first; /* index of the run's first tile within the whole batch */
    size_t count;
    size_t offset; /* of the first tile in V */
    size_t stride; /* tiles that V holds */
};

struct insp_conv_kernel {
    const char *name;
    size_t columns; /* output channels per panel: 32, 16 or 8 */

    /* Transforms the weights of one panel, [columns][in][3][3], to its U. Computes in double and rounds once. */
    void (*pack)(const struct insp_wino *shape, const float *weight, float *u);

    /* Transforms one panel's plain weights to its U, step 2 only. Fast enough to be done in each pass. */
    void (*expand)(const struct insp_wino *shape, const float *plain, float *u);

    /* Transforms activations `src` to V, for one block of 16 input channels. */
    void (*input)(const struct insp_wino *shape, const struct insp_tile_run *run, size_t block, const float *src,
                  float *v);

    /* Computes activations `dst` of one panel from V: products, inverse transform, bias, ReLU, pool.
     *   u, bias  of this panel
     *   scratch  points * columns * run->count floats */
    void (*panel)(const struct insp_wino *shape, const struct insp_tile_run *run, size_t panel, const float *u,
                  const float *bias, const float *v, float *scratch, float *dst);

    /* Computes one row of the first convolution directly: pixels [3][224][224] -> activations of one image,
     * with ReLU.
     *   weight  [out / columns][27][columns]
     *   bias    [out] */
    void (*first_row)(size_t out, size_t y, const float *pixels, const float *weight, const float *bias,
                      float *dst);
};

extern const struct insp_conv_kernel insp_conv_kernel_generic; /* the baseline: "neon" on AArch64 */
#if defined __x86_64__
extern const struct insp_conv_kernel insp_conv_kernel_avx2;   /* AVX2 and FMA */
extern const struct insp_conv_kernel insp_conv_kernel_avx512; /* AVX-512F */
#endif

#endif
