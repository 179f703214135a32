/* core/compute/conv_vector.h - define the vectors of conv_kernel.c and train_kernel.c: GCC's vector types, as
 * wide as the instruction set for which the including file is compiled. Only those two files include this
 * header. */
#ifndef INSP_COMPUTE_CONV_VECTOR_H
#define INSP_COMPUTE_CONV_VECTOR_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#if defined __AVX2__
#include <immintrin.h>
#endif

/* INSP_KERNEL ends the names of the functions, INSP_KERNEL_NAME is for people: AArch64's baseline has NEON. */
#if defined INSP_KERNEL
#define INSP_KERNEL_NAME STRING(INSP_KERNEL)
#else
#define INSP_KERNEL generic
#if defined __aarch64__
#define INSP_KERNEL_NAME "neon"
#else
#define INSP_KERNEL_NAME STRING(INSP_KERNEL)
#endif
#endif

/* A vector has LANES floats. GEMM_ROWS x 2 sums, two weights and one broadcast input fill the registers.
 * GRADIENT_ROWS divides INSP_BLOCK. */
#if defined __AVX512F__
enum { LANES = 16, GEMM_ROWS = 14, FIRST_PIXELS = 14, GRADIENT_ROWS = 8 };
#elif defined __AVX2__
enum { LANES = 8, GEMM_ROWS = 6, FIRST_PIXELS = 4, GRADIENT_ROWS = 4 };
#elif defined __aarch64__
enum { LANES = 4, GEMM_ROWS = 10, FIRST_PIXELS = 8, GRADIENT_ROWS = 8 };
#else
enum { LANES = 4, GEMM_ROWS = 6, FIRST_PIXELS = 4, GRADIENT_ROWS = 4 };
#endif
enum { COLUMNS = 2 * LANES };

typedef float vec __attribute__((vector_size(LANES * sizeof(float)), may_alias));
typedef int32_t mask __attribute__((vector_size(LANES * sizeof(int32_t)))); /* of a comparison: -1 or 0 */

#define INLINE static inline __attribute__((always_inline))
#if defined __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

INLINE vec load(const float *p) {
    return *(const vec *)p;
}

INLINE void store(float *p, vec x) {
    *(vec *)p = x;
}

/* Returns a > b ? a : b for each lane; b if either is not a number. */
INLINE vec larger(vec a, vec b) {
#if defined __AVX512F__
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined __AVX2__
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
    mask greater = a > b; /* GCC makes a comparison and a selection of it, and a branch for each lane of "?:" */
    return (vec)((greater & (mask)a) | (~greater & (mask)b));
#endif
}

/* Computes a ReLU that passes values that are not numbers, so that the caller's check of the result sees them. */
INLINE vec relu_of(vec x) {
    return larger((vec){0}, x);
}

INLINE vec root(vec x) {
#if defined __AVX512F__
    return (vec)_mm512_sqrt_ps((__m512)x);
#elif defined __AVX2__
    return (vec)_mm256_sqrt_ps((__m256)x);
#else
    UNROLL
    for (size_t i = 0; i < LANES; i++)
        x[i] = sqrtf(x[i]);
    return x;
#endif
}

/* --- weights -> U of F(2x2,3x3) --- */

/* Multiplies three values by G: four results. */
INLINE void unfold_3(const vec *w, size_t stride, vec *o, size_t o_stride) {
    vec even = w[0] + w[2 * stride];
    o[0] = w[0];
    o[o_stride] = .5f * (even + w[stride]);
    o[2 * o_stride] = .5f * (even - w[stride]);
    o[3 * o_stride] = w[2 * stride];
}

/* Computes G w G^T of one 3x3 kernel; points of u are `stride` apart. */
INLINE void weights_to_u(const vec *w, float *u, size_t stride) {
    vec t[3 * 4], o[4];
    UNROLL
    for (size_t x = 0; x < 3; x++)
        unfold_3(w + x, 3, t + x, 3);
    UNROLL
    for (size_t y = 0; y < 4; y++) {
        unfold_3(t + y * 3, 1, o, 1);
        UNROLL
        for (size_t x = 0; x < 4; x++)
            store(u + (y * 4 + x) * stride, o[x]);
    }
}

#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)
#define STRING2(a) #a
#define STRING(a) STRING2(a)

#endif
