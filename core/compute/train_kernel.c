/* The vector kernels of train_kernel.h, compiled several times as conv_kernel.c is. */
#include "core/compute/train_kernel.h"
#include "core/compute/conv_vector.h"

enum { POINTS = 16, SIZE = 4, TAPS = 9 };

/* --- dY -> D --- */

/* Multiplies two values by A: four results. */
INLINE void spread_2(vec y0, vec y1, vec *o, size_t stride) {
    o[0] = y0;
    o[stride] = y0 + y1;
    o[2 * stride] = y0 - y1;
    o[3 * stride] = -y1;
}

INLINE void spread_tile(const float *dy, size_t row_floats, float *d, size_t point_stride) {
    vec t[2 * SIZE], o[SIZE];
    for (size_t x = 0; x < 2; x++)
        spread_2(load(dy + x * INSP_BLOCK), load(dy + row_floats + x * INSP_BLOCK), t + x, 2);
    UNROLL
    for (size_t y = 0; y < SIZE; y++) {
        spread_2(t[2 * y], t[2 * y + 1], o, 1);
        UNROLL
        for (size_t x = 0; x < SIZE; x++)
            store(d + (y * SIZE + x) * point_stride, o[x]);
    }
}

static void spread(const struct insp_wino *shape, const struct insp_tile_run *run, size_t block, const float *dy,
                   float *d) {
    size_t row_floats = (shape->side + 2) * INSP_BLOCK, plane_floats = (shape->side + 2) * row_floats;
    size_t point_stride = shape->out * run->stride;
    for (size_t i = 0; i < run->count; i++) {
        size_t tile = run->first + i, image = tile / shape->tiles, place = tile % shape->tiles;
        size_t y = place / shape->row_tiles * 2 + 1, x = place % shape->row_tiles * 2 + 1;
        const float *from =
            dy + (image * shape->out / INSP_BLOCK + block) * plane_floats + y * row_floats + x * INSP_BLOCK;
        for (size_t lane = 0; lane < INSP_BLOCK; lane += LANES) {
            size_t channel = block * INSP_BLOCK + lane, panel = channel / COLUMNS, column = channel % COLUMNS;
            spread_tile(from + lane, row_floats, d + (panel * run->stride + run->offset + i) * COLUMNS + column,
                        point_stride);
        }
    }
}

/* --- V, D -> dU --- */

/* Sums GRADIENT_ROWS input channels times one panel over the tiles. */
INLINE void gradient_rows(size_t tiles, const float *v, const float *d, bool add, float *du) {
    vec sum[GRADIENT_ROWS][2];
    UNROLL
    for (size_t r = 0; r < GRADIENT_ROWS; r++) {
        sum[r][0] = add ? load(du + r * COLUMNS) : (vec){0};
        sum[r][1] = add ? load(du + r * COLUMNS + LANES) : (vec){0};
    }
    for (size_t tile = 0; tile < tiles; tile++, v += INSP_BLOCK, d += COLUMNS) {
        vec d0 = load(d), d1 = load(d + LANES);
        UNROLL
        for (size_t r = 0; r < GRADIENT_ROWS; r++) {
            sum[r][0] += v[r] * d0;
            sum[r][1] += v[r] * d1;
        }
    }
    UNROLL
    for (size_t r = 0; r < GRADIENT_ROWS; r++) {
        store(du + r * COLUMNS, sum[r][0]);
        store(du + r * COLUMNS + LANES, sum[r][1]);
    }
}

static void gradient(const struct insp_wino *shape, const struct insp_tile_run *run, size_t panel, const float *v,
                     const float *d, bool add, float *du) {
    size_t blocks = shape->in / INSP_BLOCK, panels = shape->out / COLUMNS;
    for (size_t point = 0; point < shape->points; point++) {
        const float *from = d + ((point * panels + panel) * run->stride + run->offset) * COLUMNS;
        for (size_t block = 0; block < blocks; block++) {
            const float *with = v + ((point * blocks + block) * run->stride + run->offset) * INSP_BLOCK;
            float *to = du + (point * shape->in + block * INSP_BLOCK) * COLUMNS;
            for (size_t row = 0; row < INSP_BLOCK; row += GRADIENT_ROWS)
                gradient_rows(run->count, with + row, from, add, to + row * COLUMNS);
        }
    }
}

/* --- dU -> weights -> U --- */

/* Multiplies four values by G^T: three results. */
INLINE void fold_4(const vec *d, size_t stride, vec *o, size_t o_stride) {
    vec sum = .5f * (d[stride] + d[2 * stride]);
    o[0] = d[0] + sum;
    o[o_stride] = .5f * (d[stride] - d[2 * stride]);
    o[2 * o_stride] = sum + d[3 * stride];
}

INLINE void weight_gradient(const float *du, size_t stride, vec *g) {
    vec d[POINTS], t[3 * SIZE];
    UNROLL
    for (size_t i = 0; i < POINTS; i++)
        d[i] = load(du + i * stride);
    UNROLL
    for (size_t x = 0; x < SIZE; x++)
        fold_4(d + x, SIZE, t + x, SIZE);
    UNROLL
    for (size_t y = 0; y < 3; y++)
        fold_4(t + y * SIZE, 1, g + y * 3, 1);
}

static void update(const struct insp_adam *adam, size_t in, const float *du, float *weight, float *m, float *v,
                   float *u) {
    size_t stride = in * COLUMNS;
    for (size_t i = 0; i < stride; i += LANES) {
        vec g[TAPS], w[TAPS];
        weight_gradient(du + i, stride, g);
        UNROLL
        for (size_t tap = 0; tap < TAPS; tap++) {
            size_t at = tap * stride + i;
            vec m1 = adam->beta1 * load(m + at) + (1 - adam->beta1) * g[tap];
            vec v1 = adam->beta2 * load(v + at) + (1 - adam->beta2) * (g[tap] * g[tap]);
            w[tap] = load(weight + at) - adam->rate * m1 / (root(v1) * adam->root_scale + adam->epsilon);
            store(m + at, m1);
            store(v + at, v1);
            store(weight + at, w[tap]);
        }
        weights_to_u(w, u + i, stride);
    }
}

const struct insp_train_kernel PASTE(insp_train_kernel_, INSP_KERNEL) = {
    .conv = &PASTE(insp_conv_kernel_, INSP_KERNEL),
    .spread = spread,
    .gradient = gradient,
    .update = update,
};
