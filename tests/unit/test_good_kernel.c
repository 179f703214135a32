#include "core/good_only/good_kernel.h"

#include "core/base/cleanup.h"
#include "good_fixture.h"
#include "harness.h"

#include <math.h>

enum { DIMS = INSP_GOOD_DIMS, LANES = INSP_GOOD_LANES };

static float x[DIMS][LANES], mean[DIMS][LANES];
static _Alignas(64) float whitening[INSP_GOOD_PACKED][LANES];

static void check(const char *name, insp_good_kernel *kernel) {
    uint64_t state = 3;
    float square[LANES];
    for (size_t i = 0; i < DIMS; i++)
        for (size_t l = 0; l < LANES; l++) {
            x[i][l] = good_noise(&state);
            mean[i][l] = good_noise(&state);
        }
    for (size_t i = 0; i < INSP_GOOD_PACKED; i++)
        for (size_t l = 0; l < LANES; l++)
            whitening[i][l] = good_noise(&state);
    kernel((const float(*)[LANES])x, (const float(*)[LANES])mean, (const float(*)[LANES])whitening, square);
    for (size_t l = 0; l < LANES; l++) {
        double want = 0;
        for (size_t i = 0, at = 0; i < DIMS; i++) {
            double y = 0;
            for (size_t j = 0; j <= i; j++, at++)
                y += (double)whitening[at][l] * ((double)x[j][l] - (double)mean[j][l]);
            want += y * y;
        }
        ck_assert_msg(fabs((double)square[l] / want - 1) < 1e-5, "%s, cell %zu: %g, expected %g", name, l,
                      (double)square[l], want);
    }
}

START_TEST(every_instruction_set_computes_the_definition) {
    check("generic", insp_good_kernel_generic);
#if defined __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        check("avx2", insp_good_kernel_avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma"))
        check("avx512", insp_good_kernel_avx512);
#endif
}
END_TEST

INSP_TESTS(every_instruction_set_computes_the_definition);
