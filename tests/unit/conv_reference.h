/* tests/unit/conv_reference.h - plain 3x3 convolutions in double, to hold the packed kernels against, and the
 * random numbers they are fed with. */
#ifndef INSP_TESTS_CONV_REFERENCE_H
#define INSP_TESTS_CONV_REFERENCE_H

#include "core/base/splitmix.h"
#include "core/compute/vgg16.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const kernel_names[] = {"generic", "neon", "avx2", "avx512"};

/* Draws uniformly from -1..1. */
static inline float random_value(uint64_t *state) {
    return (float)((int64_t)insp_splitmix(state) >> 40) / 0x1p23f;
}

static inline float *random_floats(size_t count, float scale, float mean, uint64_t seed) {
    float *values = malloc(count * sizeof *values);
    if (!values)
        abort();
    for (size_t i = 0; i < count; i++)
        values[i] = random_value(&seed) * scale + mean;
    return values;
}

/* He-like scale, so that ten layers neither vanish nor explode. */
static inline struct insp_conv_weights random_weights(const struct insp_conv_shape *shape, uint64_t seed) {
    size_t count = (size_t)shape->in * (size_t)shape->out * 9;
    return (struct insp_conv_weights){.weight =
                                          random_floats(count, sqrtf(6.0f / (float)(shape->in * 9)), 0, seed),
                                      .bias = random_floats((size_t)shape->out, .1f, 0, seed + 1)};
}

static inline void free_weights(const struct insp_conv_weights *weights) {
    free((void *)(uintptr_t)weights->weight);
    free((void *)(uintptr_t)weights->bias);
}

/* Adds w * src shifted by (dy, dx) to sum, both [side][side]. */
static inline void add_shifted(double *restrict sum, const double *restrict src, int side, int dy, int dx,
                               double w) {
    int y0 = dy < 0 ? 1 : 0, y1 = dy > 0 ? side - 1 : side, x0 = dx < 0 ? 1 : 0, x1 = dx > 0 ? side - 1 : side;
    for (int y = y0; y < y1; y++) {
        double *to = sum + y * side;
        const double *from = src + (y + dy) * side + dx;
        for (int x = x0; x < x1; x++)
            to[x] += w * from[x];
    }
}

/* [in][side][side] -> a new [out][side (/2)][side (/2)]: convolution, bias, ReLU, pool; the caller frees it. */
static inline double *reference_conv(const struct insp_conv_shape *shape, const struct insp_conv_weights *weights,
                                     const double *src) {
    int side = shape->side, to_side = shape->pool_after ? side / 2 : side;
    size_t plane = (size_t)(side * side), to_plane = (size_t)(to_side * to_side);
    double *dst = malloc((size_t)shape->out * to_plane * sizeof *dst), *sum = malloc(plane * sizeof *sum);
    if (!dst || !sum)
        abort();
    for (int o = 0; o < shape->out; o++) {
        for (size_t i = 0; i < plane; i++)
            sum[i] = weights->bias[o];
        for (int i = 0; i < shape->in; i++)
            for (int tap = 0; tap < 9; tap++)
                add_shifted(sum, src + (size_t)i * plane, side, tap / 3 - 1, tap % 3 - 1,
                            weights->weight[(o * shape->in + i) * 9 + tap]);
        for (int y = 0; y < to_side; y++)
            for (int x = 0; x < to_side; x++) {
                double *to = dst + (size_t)o * to_plane + y * to_side + x;
                const double *q = shape->pool_after ? sum + 2 * y * side + 2 * x : sum + y * side + x;
                double best = shape->pool_after ? fmax(fmax(q[0], q[1]), fmax(q[side], q[side + 1])) : q[0];
                *to = fmax(best, 0);
            }
    }
    free(sum);
    return dst;
}

static inline double *to_double(const float *values, size_t count) {
    double *d = malloc(count * sizeof *d);
    if (!d)
        abort();
    for (size_t i = 0; i < count; i++)
        d[i] = values[i];
    return d;
}

/* Largest difference relative to the largest value of the reference. */
static inline double relative_error(const float *got, const double *want, size_t count) {
    double worst = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs(got[i] - want[i]);
        worst = difference <= worst ? worst : difference; /* a NaN becomes worst */
        largest = fmax(largest, fabs(want[i]));
    }
    return worst / largest;
}

#endif
