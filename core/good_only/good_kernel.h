/* core/good_only/good_kernel.h - declare the vector kernel under good_score.h. One source file is compiled once
 * per instruction set; they differ by rounding. Pure; any thread. */
#ifndef INSP_GOOD_ONLY_GOOD_KERNEL_H
#define INSP_GOOD_ONLY_GOOD_KERNEL_H

#include "core/good_only/good_fit.h"

/* Computes the squared distances of a group's cells: | whitening (x - mean) |^2.
 *   x, mean    [INSP_GOOD_DIMS][16]
 *   whitening  [INSP_GOOD_PACKED][16], 64-byte aligned */
typedef void insp_good_kernel(const float (*x)[INSP_GOOD_LANES], const float (*mean)[INSP_GOOD_LANES],
                              const float (*whitening)[INSP_GOOD_LANES], float ret_square[INSP_GOOD_LANES]);

insp_good_kernel insp_good_kernel_generic;
#if defined __x86_64__
insp_good_kernel insp_good_kernel_avx2;   /* AVX2 and FMA */
insp_good_kernel insp_good_kernel_avx512; /* AVX-512F */
#endif

#endif
