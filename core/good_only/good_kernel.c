/* The kernel of good_kernel.h, compiled several times (CMakeLists.txt): without definitions for the compiler's
 * baseline, and with INSP_KERNEL = avx2 or avx512 and matching -m flags. */
#include "core/good_only/good_kernel.h"

#ifndef INSP_KERNEL
#define INSP_KERNEL generic
#endif
#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)

#if defined __AVX512F__
enum { WIDTH = 16 };
#elif defined __AVX2__
enum { WIDTH = 8 };
#else
enum { WIDTH = 4 };
#endif
enum { VECTORS = INSP_GOOD_LANES / WIDTH };

typedef float vec __attribute__((vector_size(WIDTH * sizeof(float)), aligned(4), may_alias));

void PASTE(insp_good_kernel_, INSP_KERNEL)(const float (*x)[INSP_GOOD_LANES], const float (*mean)[INSP_GOOD_LANES],
                                           const float (*whitening)[INSP_GOOD_LANES],
                                           float ret_square[INSP_GOOD_LANES]) {
    vec away[INSP_GOOD_DIMS][VECTORS], square[VECTORS] = {{0}};
    const vec *w = (const vec *)whitening;
    for (size_t i = 0; i < INSP_GOOD_DIMS; i++)
        for (size_t v = 0; v < VECTORS; v++)
            away[i][v] = ((const vec *)x[i])[v] - ((const vec *)mean[i])[v];
    for (size_t i = 0; i < INSP_GOOD_DIMS; i++) {
        vec even[VECTORS] = {{0}}, odd[VECTORS] = {{0}}; /* two sums a vector hide the latency of the additions */
        size_t j = 0;
        for (; j + 1 <= i; j += 2, w += 2 * VECTORS)
            for (size_t v = 0; v < VECTORS; v++) {
                even[v] += w[v] * away[j][v];
                odd[v] += w[VECTORS + v] * away[j + 1][v];
            }
        for (; j <= i; j++, w += VECTORS)
            for (size_t v = 0; v < VECTORS; v++)
                even[v] += w[v] * away[j][v];
        for (size_t v = 0; v < VECTORS; v++) {
            even[v] += odd[v];
            square[v] += even[v] * even[v];
        }
    }
    for (size_t v = 0; v < VECTORS; v++)
        ((vec *)ret_square)[v] = square[v];
}
