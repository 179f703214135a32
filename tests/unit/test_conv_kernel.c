#include "core/compute/conv_kernel.h"
#include "core/compute/conv_layer.h"

#include "conv_reference.h"
#include "harness.h"

enum { CHANNELS = 64, TAPS = 27 };

/* The first convolution: every row of one image, each kernel, against the plain one. */
START_TEST(test_first_row) {
    struct insp_conv_shape shape = insp_trunk_shape[0];
    struct insp_conv_weights weights = random_weights(&shape, 21);
    float *pixels = random_floats(INSP_INPUT_FLOATS, .5f, .5f, 22);
    double *wide = to_double(pixels, INSP_INPUT_FLOATS), *want = reference_conv(&shape, &weights, wide);
    size_t floats = (size_t)CHANNELS * INSP_INPUT_SIDE * INSP_INPUT_SIDE;
    float *got = malloc(floats * sizeof *got), *packed = insp_conv_alloc(CHANNELS * TAPS);
    float *bias = insp_conv_alloc(CHANNELS),
          *dst = insp_conv_alloc(insp_conv_floats(CHANNELS, INSP_INPUT_SIDE, 1));
    memcpy(bias, weights.bias, CHANNELS * sizeof *bias);
    for (size_t k = 0; k < INSP_COUNT(kernel_names); k++) {
        const struct insp_conv_kernel *kernel = insp_conv_kernel_named(kernel_names[k]);
        if (!kernel)
            continue;
        size_t columns = kernel->columns;
        for (size_t c = 0; c < CHANNELS; c++)
            for (size_t tap = 0; tap < TAPS; tap++)
                packed[(c / columns * TAPS + tap) * columns + c % columns] = weights.weight[c * TAPS + tap];
        for (size_t y = 0; y < INSP_INPUT_SIDE; y++)
            kernel->first_row(CHANNELS, y, pixels, packed, bias, dst);
        insp_conv_unblock(dst, CHANNELS, INSP_INPUT_SIDE, got);
        double error = relative_error(got, want, floats);
        ck_assert_msg(error < 1e-6, "%s: relative error %g", kernel->name, error);
    }
    free(wide);
    free(want);
    free(pixels);
    free(got);
    free(packed);
    free(bias);
    free(dst);
    free_weights(&weights);
}
END_TEST

/* A run of tiles gives the same bits alone as within a longer one: every length up to two register blocks. */
START_TEST(test_runs_do_not_matter) {
    struct insp_conv_shape shape = {0, 32, 32, 24, 0};
    struct insp_conv_weights weights = random_weights(&shape, 31);
    enum { TILES = 36, FLOATS = 32 * 26 * 26 };
    float *plain = random_floats(32 * 24 * 24, 1, 0, 32), *src = insp_conv_alloc(FLOATS);
    float *whole = insp_conv_alloc(FLOATS), *cut = insp_conv_alloc(FLOATS);
    float *v = insp_conv_alloc(TILES * 36 * 32), *scratch = insp_conv_alloc(TILES * 36 * INSP_MAX_COLUMNS);
    insp_conv_block(plain, 32, 24, src);
    for (size_t k = 0; k < INSP_COUNT(kernel_names); k++) {
        const struct insp_conv_kernel *kernel = insp_conv_kernel_named(kernel_names[k]);
        struct insp_error err;
        struct insp_conv_layer layer;
        if (!kernel)
            continue;
        ck_insp_ok(insp_conv_layer_init(&layer, kernel, &shape, &weights, &err), err);
        for (size_t length = TILES; length > 0; length--) {
            float *dst = length == TILES ? whole : cut;
            memset(dst, 0, FLOATS * sizeof *dst);
            for (size_t first = 0; first < TILES; first += length) {
                size_t count = TILES - first < length ? TILES - first : length;
                struct insp_tile_run run = {.first = first, .count = count, .offset = first, .stride = TILES};
                for (size_t block = 0; block < 2; block++)
                    kernel->input(&layer.shape, &run, block, src, v);
                for (size_t panel = 0; panel < 32 / kernel->columns; panel++)
                    kernel->panel(&layer.shape, &run, panel, layer.u + panel * 36 * 32 * kernel->columns,
                                  layer.bias + panel * kernel->columns, v, scratch, dst);
            }
            ck_assert_msg(!memcmp(whole, dst, FLOATS * sizeof *dst), "%s: run of %zu tiles", kernel->name, length);
        }
        insp_conv_layer_clear(&layer);
    }
    free(plain);
    free(src);
    free(whole);
    free(cut);
    free(v);
    free(scratch);
    free_weights(&weights);
}
END_TEST

INSP_TESTS(test_first_row, test_runs_do_not_matter);
