/* The vector kernels of conv_kernel.h. This file is compiled several times (CMakeLists.txt): without
 * definitions for the compiler's baseline, and with INSP_KERNEL = avx2 or avx512 and matching -m flags. GCC's
 * vector types make one source serve all. */
#include "core/compute/conv_kernel.h"
#include "core/compute/conv_vector.h"

#include <string.h>
/* --- F(4x4,3x3), points 0, +-A, +-B, infinity --- */

#define A 0.625f
#define B 1.5f
#define A2 (A * A)
#define B2 (B * B)

/* Multiplies six values, `stride` apart, by B^T. */
INLINE void input_6(const vec *d, size_t stride, vec *o, size_t o_stride) {
    vec d0 = d[0], d1 = d[stride], d2 = d[2 * stride], d3 = d[3 * stride], d4 = d[4 * stride], d5 = d[5 * stride];
    vec even_a = d4 - B2 * d2, odd_a = A * (d3 - B2 * d1);
    vec even_b = d4 - A2 * d2, odd_b = B * (d3 - A2 * d1);
    o[0] = (d4 - (A2 + B2) * d2) + (A2 * B2) * d0;
    o[o_stride] = even_a + odd_a;
    o[2 * o_stride] = even_a - odd_a;
    o[3 * o_stride] = even_b + odd_b;
    o[4 * o_stride] = even_b - odd_b;
    o[5 * o_stride] = (d5 - (A2 + B2) * d3) + (A2 * B2) * d1;
}

/* Multiplies six values by A^T: four results. */
INLINE void output_6(const vec *m, size_t stride, vec *o, size_t o_stride) {
    vec sum_a = m[stride] + m[2 * stride], dif_a = m[stride] - m[2 * stride];
    vec sum_b = m[3 * stride] + m[4 * stride], dif_b = m[3 * stride] - m[4 * stride];
    o[0] = m[0] + sum_a + sum_b;
    o[o_stride] = A * dif_a + B * dif_b;
    o[2 * o_stride] = A2 * sum_a + B2 * sum_b;
    o[3 * o_stride] = (A * A2) * dif_a + ((B * B2) * dif_b + m[5 * stride]);
}

/* --- F(2x2,3x3), points 0, +-1, infinity --- */

INLINE void input_4(const vec *d, size_t stride, vec *o, size_t o_stride) {
    vec d1 = d[stride], d2 = d[2 * stride];
    o[0] = d[0] - d2;
    o[o_stride] = d1 + d2;
    o[2 * o_stride] = d2 - d1;
    o[3 * o_stride] = d1 - d[3 * stride];
}

INLINE void output_4(const vec *m, size_t stride, vec *o, size_t o_stride) {
    o[0] = m[0] + m[stride] + m[2 * stride];
    o[o_stride] = m[stride] - m[2 * stride] - m[3 * stride];
}

/* --- activations -> V --- */

/* Transforms one tile of one vector of channels. v: the place of point 0; the others follow at point_stride. */
INLINE void input_tile(size_t step, const float *src, size_t row_floats, float *v, size_t point_stride) {
    size_t size = step + 2;
    vec d[36], t[36];
    UNROLL
    for (size_t y = 0; y < size; y++)
        UNROLL
    for (size_t x = 0; x < size; x++)
        d[y * size + x] = load(src + y * row_floats + x * INSP_BLOCK);
    UNROLL
    for (size_t x = 0; x < size; x++) {
        if (step == 4)
            input_6(d + x, size, t + x, size);
        else
            input_4(d + x, size, t + x, size);
    }
    UNROLL
    for (size_t y = 0; y < size; y++) {
        vec o[6];
        if (step == 4)
            input_6(t + y * size, 1, o, 1);
        else
            input_4(t + y * size, 1, o, 1);
        UNROLL
        for (size_t x = 0; x < size; x++)
            store(v + (y * size + x) * point_stride, o[x]);
    }
}

INLINE void input_run(size_t step, const struct insp_wino *shape, const struct insp_tile_run *run, size_t block,
                      const float *src, float *v) {
    size_t row_floats = (shape->side + 2) * INSP_BLOCK, plane_floats = (shape->side + 2) * row_floats;
    size_t blocks = shape->in / INSP_BLOCK, point_stride = blocks * run->stride * INSP_BLOCK;
    v += (block * run->stride + run->offset) * INSP_BLOCK;
    for (size_t i = 0; i < run->count; i++) {
        size_t tile = run->first + i, image = tile / shape->tiles, place = tile % shape->tiles;
        size_t y = place / shape->row_tiles * step, x = place % shape->row_tiles * step;
        const float *from = src + (image * blocks + block) * plane_floats + y * row_floats + x * INSP_BLOCK;
        for (size_t lane = 0; lane < INSP_BLOCK; lane += LANES)
            input_tile(step, from + lane, row_floats, v + i * INSP_BLOCK + lane, point_stride);
    }
}

static void input(const struct insp_wino *shape, const struct insp_tile_run *run, size_t block, const float *src,
                  float *v) {
    if (shape->step == 4)
        input_run(4, shape, run, block, src, v);
    else
        input_run(2, shape, run, block, src, v);
}

/* --- weights -> U --- */

static const double weights_4[6][3] = {
/* The row of point p is (1, p, p^2) / product of (p - q) over the other finite points q. */
#define PA 0.625
#define PB 1.5
#define NA (2 * PA * PA * (PA * PA - PB * PB))
#define NB (2 * PB * PB * (PB * PB - PA * PA))
    {1 / (PA * PA * PB * PB), 0, 0}, {1 / NA, PA / NA, PA *PA / NA},  {1 / NA, -PA / NA, PA *PA / NA},
    {1 / NB, PB / NB, PB *PB / NB},  {1 / NB, -PB / NB, PB *PB / NB}, {0, 0, 1},
#undef PA
#undef PB
#undef NA
#undef NB
};
static const double weights_2[4][3] = {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}};

/* Computes G g G^T of 3x3 kernels in double, so that U is rounded once. */
INLINE void pack_step(size_t step, const double (*g)[3], size_t in, const float *weight, float *u) {
    const size_t size = step + 2;
    for (size_t i = 0; i < in; i++) {
        double w[9][COLUMNS], half[6][3][COLUMNS];
        for (size_t c = 0; c < COLUMNS; c++)
            for (size_t tap = 0; tap < 9; tap++)
                w[tap][c] = (double)weight[(c * in + i) * 9 + tap];
        for (size_t y = 0; y < size; y++)
            for (size_t x = 0; x < 3; x++)
                for (size_t c = 0; c < COLUMNS; c++)
                    half[y][x][c] = g[y][0] * w[x][c] + g[y][1] * w[3 + x][c] + g[y][2] * w[6 + x][c];
        for (size_t y = 0; y < size; y++)
            for (size_t x = 0; x < size; x++)
                for (size_t c = 0; c < COLUMNS; c++)
                    u[((y * size + x) * in + i) * COLUMNS + c] =
                        (float)(half[y][0][c] * g[x][0] + half[y][1][c] * g[x][1] + half[y][2][c] * g[x][2]);
    }
}

static void pack(const struct insp_wino *shape, const float *weight, float *u) {
    if (shape->step == 4)
        pack_step(4, weights_4, shape->in, weight, u);
    else
        pack_step(2, weights_2, shape->in, weight, u);
}

static void expand(const struct insp_wino *shape, const float *plain, float *u) {
    const size_t floats = shape->in * COLUMNS; /* of one tap, and of one point */
    for (size_t i = 0; i < floats; i += LANES) {
        vec w[9];
        UNROLL
        for (size_t tap = 0; tap < 9; tap++)
            w[tap] = load(plain + tap * floats + i);
        weights_to_u(w, u + i, floats);
    }
}

/* --- products --- */

/* Computes out[row][COLUMNS] = V[rows] x U. `rows` is constant at each inlined call, so the sums stay in
 * registers. */
INLINE void multiply(size_t rows, const float *v, size_t v_stride, size_t blocks, const float *u, float *out,
                     size_t out_stride) {
    vec sum[GEMM_ROWS][2];
    UNROLL
    for (size_t r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = (vec){0};
    for (size_t block = 0; block < blocks; block++, v += v_stride)
        for (size_t k = 0; k < INSP_BLOCK; k++, u += COLUMNS) {
            vec u0 = load(u), u1 = load(u + LANES);
            UNROLL
            for (size_t r = 0; r < rows; r++) {
                sum[r][0] += v[r * INSP_BLOCK + k] * u0;
                sum[r][1] += v[r * INSP_BLOCK + k] * u1;
            }
        }
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        store(out + r * out_stride, sum[r][0]);
        store(out + r * out_stride + LANES, sum[r][1]);
    }
}

typedef void multiply_rows(const float *v, size_t v_stride, size_t blocks, const float *u, float *out,
                           size_t out_stride);

#define MULTIPLY(n)                                                                                               \
    static void multiply_##n(const float *v, size_t v_stride, size_t blocks, const float *u, float *out,          \
                             size_t out_stride) {                                                                 \
        multiply(n, v, v_stride, blocks, u, out, out_stride);                                                     \
    }
MULTIPLY(1)
MULTIPLY(2)
MULTIPLY(3)
MULTIPLY(4)
MULTIPLY(5)
MULTIPLY(6)
#if defined __AVX512F__ || defined __aarch64__
MULTIPLY(7)
MULTIPLY(8)
MULTIPLY(9)
MULTIPLY(10)
#endif
#if defined __AVX512F__
MULTIPLY(11)
MULTIPLY(12)
MULTIPLY(13)
MULTIPLY(14)
#endif

static multiply_rows *const multiplies[GEMM_ROWS + 1] = {
    NULL,        multiply_1,  multiply_2,  multiply_3,  multiply_4, multiply_5, multiply_6,
#if defined __AVX512F__ || defined __aarch64__
    multiply_7,  multiply_8,  multiply_9,  multiply_10,
#endif
#if defined __AVX512F__
    multiply_11, multiply_12, multiply_13, multiply_14,
#endif
};

/* Writes scratch[tile][point][COLUMNS], so that the inverse transform reads each tile as one stream. Cuts the
 * rows into parts of nearly equal size: a part of one or two rows would wait for its loads. */
static void multiply_points(const struct insp_wino *shape, const struct insp_tile_run *run, const float *u,
                            const float *v, float *scratch) {
    size_t blocks = shape->in / INSP_BLOCK, v_stride = run->stride * INSP_BLOCK;
    size_t out_stride = shape->points * COLUMNS;
    size_t parts = (run->count + GEMM_ROWS - 1) / GEMM_ROWS;
    v += run->offset * INSP_BLOCK;
    for (size_t point = 0; point < shape->points; point++) {
        for (size_t part = 0, row = 0; part < parts; part++) {
            size_t rows = run->count * (part + 1) / parts - row;
            multiplies[rows](v + row * INSP_BLOCK, v_stride, blocks, u,
                             scratch + row * out_stride + point * COLUMNS, out_stride);
            row += rows;
        }
        u += shape->in * COLUMNS;
        v += blocks * v_stride;
    }
}

/* --- products -> activations --- */

INLINE void output_tile(size_t step, bool relu, bool pool, const float *m, vec bias, float *dst,
                        size_t row_floats) {
    size_t size = step + 2;
    vec d[36], t[24], o[16];
    UNROLL
    for (size_t i = 0; i < size * size; i++)
        d[i] = load(m + i * COLUMNS);
    UNROLL
    for (size_t x = 0; x < size; x++) {
        if (step == 4)
            output_6(d + x, size, t + x, size);
        else
            output_4(d + x, size, t + x, size);
    }
    UNROLL
    for (size_t y = 0; y < step; y++) {
        if (step == 4)
            output_6(t + y * size, 1, o + y * step, 1);
        else
            output_4(t + y * size, 1, o + y * step, 1);
    }
    size_t side = pool ? step / 2 : step;
    UNROLL
    for (size_t y = 0; y < side; y++)
        UNROLL
    for (size_t x = 0; x < side; x++) {
        vec value;
        if (pool) {
            const vec *q = o + 2 * y * step + 2 * x;
            value = larger(larger(q[0], q[1]), larger(q[step], q[step + 1]));
        } else {
            value = o[y * step + x];
        }
        value += bias; /* addition is monotonic even with rounding, so bias and ReLU may follow the pool */
        store(dst + y * row_floats + x * INSP_BLOCK, relu ? relu_of(value) : value);
    }
}

INLINE void output_run(size_t step, bool relu, bool pool, const struct insp_wino *shape,
                       const struct insp_tile_run *run, size_t panel, const float *bias, const float *scratch,
                       float *dst) {
    size_t out_step = pool ? step / 2 : step, side = shape->row_tiles * out_step;
    size_t row_floats = (side + 2) * INSP_BLOCK, plane_floats = (side + 2) * row_floats;
    size_t blocks = shape->out / INSP_BLOCK;
    for (size_t i = 0; i < run->count; i++) {
        size_t tile = run->first + i, image = tile / shape->tiles, place = tile % shape->tiles;
        size_t y = place / shape->row_tiles * out_step + 1, x = place % shape->row_tiles * out_step + 1;
        float *to = dst + image * blocks * plane_floats + y * row_floats + x * INSP_BLOCK;
        for (size_t lane = 0; lane < COLUMNS; lane += LANES) {
            size_t channel = panel * COLUMNS + lane;
            output_tile(step, relu, pool, scratch + i * shape->points * COLUMNS + lane, load(bias + lane),
                        to + channel / INSP_BLOCK * plane_floats + channel % INSP_BLOCK, row_floats);
        }
    }
}

static void panel(const struct insp_wino *shape, const struct insp_tile_run *run, size_t number, const float *u,
                  const float *bias, const float *v, float *scratch, float *dst) {
    multiply_points(shape, run, u, v, scratch);
    if (shape->step == 4 && shape->pool)
        output_run(4, true, true, shape, run, number, bias, scratch, dst);
    else if (shape->step == 4 && shape->relu)
        output_run(4, true, false, shape, run, number, bias, scratch, dst);
    else if (shape->step == 4)
        output_run(4, false, false, shape, run, number, bias, scratch, dst);
    else if (shape->relu)
        output_run(2, true, false, shape, run, number, bias, scratch, dst);
    else
        output_run(2, false, false, shape, run, number, bias, scratch, dst);
}

/* --- the first convolution: three channels are too few for Winograd's products --- */

enum { FIRST_TAPS = 27 };

INLINE void first_pixels(const float rows[3][3][INSP_INPUT_SIDE + 2], size_t x, const float *weight,
                         const float *bias, float *dst, size_t next) {
    vec sum[FIRST_PIXELS][2];
    UNROLL
    for (size_t p = 0; p < FIRST_PIXELS; p++) {
        sum[p][0] = load(bias);
        sum[p][1] = load(bias + LANES);
    }
    for (size_t channel = 0; channel < 3; channel++)
        for (size_t dy = 0; dy < 3; dy++)
            for (size_t dx = 0; dx < 3; dx++, weight += COLUMNS) {
                const float *pixel = rows[channel][dy] + x + dx;
                vec w0 = load(weight), w1 = load(weight + LANES);
                UNROLL
                for (size_t p = 0; p < FIRST_PIXELS; p++) {
                    sum[p][0] += pixel[p] * w0;
                    sum[p][1] += pixel[p] * w1;
                }
            }
    UNROLL
    for (size_t p = 0; p < FIRST_PIXELS; p++) {
        store(dst + p * INSP_BLOCK, relu_of(sum[p][0]));
        store(dst + p * INSP_BLOCK + next, relu_of(sum[p][1]));
    }
}

static void first_row(size_t out, size_t y, const float *pixels, const float *weight, const float *bias,
                      float *dst) {
    const size_t side = INSP_INPUT_SIDE;
    float rows[3][3][INSP_INPUT_SIDE + 2] = {0};
    for (size_t channel = 0; channel < 3; channel++)
        for (size_t dy = 0; dy < 3; dy++)
            if (y + dy >= 1 && y + dy <= side)
                memcpy(rows[channel][dy] + 1, pixels + (channel * side + y + dy - 1) * side,
                       side * sizeof *pixels);
    size_t row_floats = (side + 2) * INSP_BLOCK, plane_floats = (side + 2) * row_floats;
    dst += (y + 1) * row_floats + INSP_BLOCK;
    size_t next = (int)LANES == (int)INSP_BLOCK ? plane_floats : LANES;
    for (size_t x = 0; x < side; x += FIRST_PIXELS)
        for (size_t channel = 0; channel < out; channel += COLUMNS)
            first_pixels(rows, x, weight + channel * FIRST_TAPS, bias + channel,
                         dst + channel / INSP_BLOCK * plane_floats + channel % INSP_BLOCK + x * INSP_BLOCK, next);
}

const struct insp_conv_kernel PASTE(insp_conv_kernel_, INSP_KERNEL) = {
    .name = INSP_KERNEL_NAME,
    .columns = COLUMNS,
    .pack = pack,
    .expand = expand,
    .input = input,
    .panel = panel,
    .first_row = first_row,
};
