#include "core/good_only/good_score.h"

#include "core/good_only/good_kernel.h"

#include <math.h>
#include <string.h>

enum { SIDE = INSP_TAP_SIDE };

struct choice {
    const char *name;
    insp_good_kernel *kernel;
};

static struct choice best(void) {
#if defined __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma"))
        return (struct choice){"avx512", insp_good_kernel_avx512};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (struct choice){"avx2", insp_good_kernel_avx2};
#endif
    return (struct choice){"generic", insp_good_kernel_generic};
}

const char *insp_good_score_kernel(void) {
    return best().name;
}

/* Weights a line of SIDE values, `stride` apart, with their neighbours: 1 for a value, exp(-1/2) for a neighbour.
 */
static void smooth_line(float *line, size_t stride) {
    static const float side_weight = 0.60653066F;
    float from[SIDE];
    for (size_t i = 0; i < SIDE; i++)
        from[i] = line[i * stride];
    for (size_t i = 0; i < SIDE; i++) {
        float sum = from[i], weight = 1;
        if (i > 0) {
            sum += side_weight * from[i - 1];
            weight += side_weight;
        }
        if (i + 1 < SIDE) {
            sum += side_weight * from[i + 1];
            weight += side_weight;
        }
        line[i * stride] = sum / weight;
    }
}

/* Smooths in both directions, each by smooth_line. */
static void smooth(float *map) {
    for (size_t i = 0; i < SIDE; i++)
        smooth_line(map + i * SIDE, 1);
    for (size_t i = 0; i < SIDE; i++)
        smooth_line(map + i, SIDE);
}

/* Smooths the cells that count as if the others were beyond the border: the weights of the neighbours that count
 * are scaled up to 1. */
static void smooth_kept(const uint8_t *keep, float *map) {
    float weight[INSP_TAP_CELLS];
    for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++) {
        weight[cell] = keep[cell];
        map[cell] = keep[cell] ? map[cell] : 0;
    }
    smooth(map);
    smooth(weight);
    for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++)
        map[cell] = keep[cell] ? map[cell] / weight[cell] : 0;
}

void insp_good_score(const struct insp_good_gauss *gauss, const struct insp_good_sample *sample,
                     const uint8_t *keep, float *ret_map, float *ret_score) {
    insp_good_kernel *kernel = best().kernel;
    for (size_t g = 0; g < INSP_GOOD_GROUPS; g++)
        kernel(sample->x[g], gauss->mean[g], gauss->whitening[g], ret_map + g * INSP_GOOD_LANES);
    for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++)
        ret_map[cell] = sqrtf(ret_map[cell]);
    if (keep)
        smooth_kept(keep, ret_map);
    else
        smooth(ret_map);
    float largest = 0;
    for (size_t cell = 0; cell < INSP_TAP_CELLS && !isnan(largest); cell++)
        if (!(ret_map[cell] <= largest)) /* also a value that is not a number */
            largest = ret_map[cell];
    *ret_score = largest;
}
