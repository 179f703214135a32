#include "core/compute/conv_layer.h"

#include "conv_reference.h"
#include "harness.h"

/* One layer's output on n images, NCHW; the caller frees it. */
static float *run(const struct insp_conv_layer *layer, const struct insp_conv_shape *shape, const float *plain,
                  size_t n, unsigned threads) {
    size_t in = (size_t)shape->in, out = (size_t)shape->out, side = (size_t)shape->side;
    size_t to_side = shape->pool_after ? side / 2 : side;
    struct insp_error err;
    struct insp_conv_scratch scratch = {.threads = threads};
    float *src = insp_conv_alloc(insp_conv_floats(in, side, n));
    float *dst = insp_conv_alloc(insp_conv_floats(out, to_side, n));
    float *result = malloc(n * out * to_side * to_side * sizeof *result);
    ck_assert(src && dst && result);
    memset(dst, 0x7f, insp_conv_floats(out, to_side, n) * sizeof *dst); /* the border must be written, too */
    for (size_t i = 0; i < n; i++)
        insp_conv_block(plain + i * in * side * side, in, side, src + insp_conv_floats(in, side, i));
    ck_insp_ok(insp_conv_layer_run(layer, &scratch, src, n, dst, &err), err);
    for (size_t i = 0; i < n; i++)
        insp_conv_unblock(dst + insp_conv_floats(out, to_side, i), out, to_side,
                          result + i * out * to_side * to_side);
    for (size_t i = 0; i < INSP_BLOCK * (to_side + 2); i++)
        ck_assert(dst[i] == 0);
    ck_assert(dst[insp_conv_floats(out, to_side, n) - 1] == 0);
    insp_conv_scratch_clear(&scratch);
    free(src);
    free(dst);
    return result;
}

typedef int init_layer(struct insp_conv_layer *layer, const struct insp_conv_kernel *kernel,
                       const struct insp_conv_shape *shape, const struct insp_conv_weights *weights,
                       struct insp_error *reterr);

/* Every kernel of this processor on one shape: right for a batch of n, and the same bits for every number of
 * threads and for every image alone. */
static void check_layer(init_layer *init, struct insp_conv_shape shape, size_t n, float mean, double tolerance) {
    size_t in = (size_t)shape.in, plane = (size_t)(shape.side * shape.side);
    size_t out_floats = (size_t)shape.out * (shape.pool_after ? plane / 4 : plane);
    struct insp_conv_weights weights = random_weights(&shape, 7);
    float *src = random_floats(n * in * plane, 1, mean, 11);
    double *wide = to_double(src, in * plane), *want = reference_conv(&shape, &weights, wide);
    for (size_t k = 0; k < INSP_COUNT(kernel_names); k++) {
        const struct insp_conv_kernel *kernel = insp_conv_kernel_named(kernel_names[k]);
        struct insp_error err;
        struct insp_conv_layer layer;
        if (!kernel)
            continue;
        ck_insp_ok(init(&layer, kernel, &shape, &weights, &err), err);
        float *got = run(&layer, &shape, src, n, 1);
        double error = relative_error(got, want, out_floats);
        ck_assert_msg(error < tolerance, "%s %d->%d side %d: relative error %g", kernel->name, shape.in, shape.out,
                      shape.side, error);
        for (unsigned threads = 2; threads <= 3; threads++) {
            float *again = run(&layer, &shape, src, n, threads);
            ck_assert(!memcmp(got, again, n * out_floats * sizeof *got));
            free(again);
        }
        for (size_t i = 1; i < n; i++) {
            float *alone = run(&layer, &shape, src + i * in * plane, 1, 1);
            ck_assert(!memcmp(got + i * out_floats, alone, out_floats * sizeof *got));
            free(alone);
        }
        free(got);
        insp_conv_layer_clear(&layer);
    }
    free(wide);
    free(want);
    free(src);
    free_weights(&weights);
}

/* Checks packed weights, and plain ones where the shape allows them. */
static void check_shape(struct insp_conv_shape shape, size_t n, float mean, double tolerance) {
    check_layer(insp_conv_layer_init, shape, n, mean, tolerance);
    if (shape.side % 4)
        check_layer(insp_conv_layer_init_plain, shape, n, mean, tolerance);
}

START_TEST(test_small_shapes_and_batches) {
    for (size_t n = 1; n <= 5; n++) {
        check_shape((struct insp_conv_shape){0, 32, 32, 4, 0}, n, 0, 3e-6);
        check_shape((struct insp_conv_shape){0, 32, 64, 8, 1}, n, 0, 3e-6);
        check_shape((struct insp_conv_shape){0, 64, 32, 12, 0}, n, 0, 3e-6);
        check_shape((struct insp_conv_shape){0, 32, 32, 6, 0}, n, 0, 3e-6);
        check_shape((struct insp_conv_shape){0, 64, 96, 14, 0}, n, 0, 3e-6);
    }
}
END_TEST

START_TEST(test_real_shapes) {
    for (size_t i = 1; i < INSP_TRUNK_CONVS; i++)
        check_shape(insp_trunk_shape[i], 1, 0, 1e-5);
    check_shape(insp_tail_shape[0], 2, 0, 1e-5);
}
END_TEST

/* Activations after a ReLU have a mean; the filter bank's are far from zero. */
START_TEST(test_large_mean) {
    check_shape((struct insp_conv_shape){0, 64, 64, 28, 1}, 1, 10, 1e-5);
    check_shape((struct insp_conv_shape){0, 64, 64, 14, 0}, 1, 10, 1e-5);
}
END_TEST

/* A NaN must not vanish in the ReLU: the caller's check of the scores relies on it. */
START_TEST(test_nan_passes) {
    struct insp_conv_shape shape = {0, 32, 32, 8, 1};
    struct insp_conv_weights weights = random_weights(&shape, 3);
    float *src = random_floats(32 * 64, 1, 0, 5);
    src[9] = NAN;
    for (size_t k = 0; k < INSP_COUNT(kernel_names); k++) {
        struct insp_error err;
        struct insp_conv_layer layer;
        const struct insp_conv_kernel *kernel = insp_conv_kernel_named(kernel_names[k]);
        if (!kernel)
            continue;
        ck_insp_ok(insp_conv_layer_init(&layer, kernel, &shape, &weights, &err), err);
        float *got = run(&layer, &shape, src, 1, 1);
        for (size_t c = 0; c < 32; c++)
            ck_assert(isnan(got[c * 16]));
        free(got);
        insp_conv_layer_clear(&layer);
    }
    free(src);
    free_weights(&weights);
}
END_TEST

START_TEST(test_block_round_trip) {
    float *plain = random_floats(32 * 6 * 6, 1, 0, 1), *back = calloc(32 * 6 * 6, sizeof *back);
    float *blocked = insp_conv_alloc(insp_conv_floats(32, 6, 1));
    insp_conv_block(plain, 32, 6, blocked);
    insp_conv_unblock(blocked, 32, 6, back);
    ck_assert(!memcmp(plain, back, 32 * 6 * 6 * sizeof *back));
    size_t zeros = 0;
    for (size_t i = 0; i < insp_conv_floats(32, 6, 1); i++)
        zeros += blocked[i] == 0;
    ck_assert_uint_eq(zeros, 32 * (8 * 8 - 6 * 6));
    free(plain);
    free(back);
    free(blocked);
}
END_TEST

START_TEST(test_alloc_and_names) {
    ck_assert_ptr_null(insp_conv_alloc(SIZE_MAX / 2));
    ck_assert_ptr_null(insp_conv_alloc(SIZE_MAX / 8 + 1));
    ck_assert((insp_conv_kernel_named("generic") == NULL) != (insp_conv_kernel_named("neon") == NULL));
    ck_assert_ptr_null(insp_conv_kernel_named("mmx"));
    struct insp_error err;
    struct insp_conv_scratch scratch = {.threads = 1};
    ck_insp_code(insp_conv_scratch_reserve(&scratch, SIZE_MAX / 8 + 1, &err), INSP_E_NOMEM, err);
    ck_insp_ok(insp_conv_scratch_reserve(&scratch, 16, &err), err);
    insp_conv_scratch_clear(&scratch);
}
END_TEST

INSP_TESTS(test_small_shapes_and_batches, test_real_shapes, test_large_mean, test_nan_passes,
           test_block_round_trip, test_alloc_and_names);
