#include "core/model/filter_bank.h"

#include "harness.h"

#include <math.h>
#include <string.h>

/* count images of a fixed pseudo-random texture; kind 0: coloured, 1: grey */
static float *texture(size_t count, int grey) {
    float *pixels = malloc(sizeof *pixels * count * INSP_INPUT_FLOATS);
    ck_assert_ptr_nonnull(pixels);
    uint32_t bits = 99;
    const size_t area = INSP_INPUT_FLOATS / 3;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < INSP_INPUT_FLOATS; k++) {
            float *image = pixels + i * INSP_INPUT_FLOATS;
            bits = bits * 1664525 + 1013904223;
            image[k] = grey && k >= area ? image[k % area] : (float)(bits >> 8) / (float)(1 << 24);
        }
    return pixels;
}

static struct insp_trunk_arrays *build(const float *pixels, size_t count, float *ret_std) {
    struct insp_error err = {0};
    struct insp_trunk_arrays *arrays = NULL;
    ck_insp_ok(insp_filter_bank_build(pixels, count, NULL, NULL, &arrays, ret_std, &err), err);
    return arrays;
}

static size_t weights_of(int conv) {
    return (size_t)insp_trunk_shape[conv].out * (size_t)insp_trunk_shape[conv].in * 9;
}

/* Checks of Check write to a pipe each: loops over millions of weights count first and check once. */
static size_t not_finite(const float *values, size_t count) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += !isfinite(values[i]);
    return n;
}

static void check_finite(const struct insp_trunk_arrays *arrays) {
    for (int conv = 0; conv < INSP_TRUNK_CONVS; conv++) {
        ck_assert_uint_eq(not_finite(arrays->weight[conv], weights_of(conv)), 0);
        ck_assert_uint_eq(not_finite(arrays->bias[conv], (size_t)insp_trunk_shape[conv].out), 0);
    }
}

/* The trunk by its weights alone, in the plainest way, skipping zero weights: [3,224,224] -> [512,14,14]. Also the
 * mean of each layer's output. */
static float *forward(const struct insp_trunk_arrays *arrays, const float *pixels, double *ret_mean) {
    float *in = malloc(sizeof *in * INSP_INPUT_FLOATS);
    memcpy(in, pixels, sizeof *in * INSP_INPUT_FLOATS);
    for (int conv = 0; conv < INSP_TRUNK_CONVS; conv++) {
        const struct insp_conv_shape *s = &insp_trunk_shape[conv];
        int side = s->side, area = side * side;
        float *out = malloc(sizeof *out * (size_t)s->out * (size_t)area);
        double sum = 0;
        for (int o = 0; o < s->out; o++) {
            float *plane = out + o * area;
            for (int i = 0; i < area; i++)
                plane[i] = arrays->bias[conv][o];
            for (int k = 0; k < s->in * 9; k++) {
                float w = arrays->weight[conv][o * s->in * 9 + k];
                int dy = k % 9 / 3 - 1, dx = k % 3 - 1;
                for (int y = 0; w != 0 && y < side; y++)
                    for (int x = 0; x < side; x++)
                        if (y + dy >= 0 && y + dy < side && x + dx >= 0 && x + dx < side)
                            plane[y * side + x] += w * in[k / 9 * area + (y + dy) * side + x + dx];
            }
            for (int i = 0; i < area; i++) {
                plane[i] = fmaxf(plane[i], 0);
                sum += (double)plane[i];
            }
        }
        ret_mean[conv] = sum / ((double)s->out * area);
        free(in);
        in = out;
        if (!s->pool_after)
            continue;
        in = malloc(sizeof *in * (size_t)s->out * (size_t)area / 4);
        for (int i = 0; i < s->out * area / 4; i++) {
            const float *p = out + i / (side / 2) * 2 * side + i % (side / 2) * 2;
            in[i] = fmaxf(fmaxf(p[0], p[1]), fmaxf(p[side], p[side + 1]));
        }
        free(out);
    }
    return in;
}

START_TEST(test_calibration_holds_in_the_network_itself) {
    _cleanup_free_ float *pixels = texture(1, 0);
    float std;
    double mean[INSP_TRUNK_CONVS], sum = 0, square = 0;
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = build(pixels, 1, &std);
    check_finite(arrays);
    _cleanup_free_ float *features = forward(arrays, pixels, mean);
    /* A third on average in every convolution before the last, but for one channel in 32: the negatives of
     * luminance and of its blur are silent where, as here, no input is negative. */
    for (int conv = 0; conv < INSP_TRUNK_CONVS - 1; conv++)
        ck_assert_double_eq_tol(mean[conv], 31 / 32.0 / 3, 1e-4);
    for (int i = 0; i < INSP_FEATURE_FLOATS; i++) {
        sum += (double)features[i];
        square += (double)features[i] * (double)features[i];
    }
    double average = sum / INSP_FEATURE_FLOATS;
    ck_assert_double_gt(average, 0);
    ck_assert_double_eq_tol(sqrt(square / INSP_FEATURE_FLOATS - average * average), (double)std,
                            1e-3 * (double)std);
}
END_TEST

START_TEST(test_identity_convolutions_are_exact) {
    static const int identity[] = {1, 3, 5, 6, 8};
    _cleanup_free_ float *pixels = texture(1, 0);
    float std;
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = build(pixels, 1, &std);
    for (size_t n = 0; n < INSP_COUNT(identity); n++) {
        int conv = identity[n], channels = insp_trunk_shape[conv].in;
        size_t wrong = 0;
        for (int o = 0; o < channels; o++) {
            wrong += arrays->bias[conv][o] != 0;
            for (int k = 0; k < channels * 9; k++)
                wrong += arrays->weight[conv][o * channels * 9 + k] != (k == o * 9 + 4 ? 1.F : 0.F);
        }
        ck_assert_uint_eq(wrong, 0);
    }
}
END_TEST

START_TEST(test_channels_of_later_blocks) {
    static const int first[] = {2, 4, 7};
    _cleanup_free_ float *pixels = texture(1, 0);
    float std;
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = build(pixels, 1, &std);
    for (size_t n = 0; n < INSP_COUNT(first); n++) {
        int in = insp_trunk_shape[first[n]].in, out = insp_trunk_shape[first[n]].out;
        for (int o = 0; o < out;
             o++) { /* reads channel o % in alone: blurred, or with a derivative, which sums to 0 */
            double sum = 0, other = 0, largest = 0;
            for (int k = 0; k < in * 9; k++) {
                double w = (double)arrays->weight[first[n]][o * in * 9 + k];
                *(k / 9 == o % in ? &sum : &other) += k / 9 == o % in ? w : fabs(w);
                largest = fmax(largest, fabs(w));
            }
            ck_assert_double_eq(other, 0);
            ck_assert_double_gt(largest, 0);
            if (o < in)
                ck_assert_double_gt(sum, largest);
            else
                ck_assert_double_le(fabs(sum), 1e-6 * largest);
        }
    }
}
END_TEST

static void count_progress(void *arg, size_t done, size_t total) {
    size_t *calls = arg;
    ck_assert_uint_eq(done, ++*calls);
    ck_assert_uint_eq(total, 4);
}

START_TEST(test_deterministic_and_with_progress) {
    _cleanup_free_ float *pixels = texture(2, 0);
    float std, std2;
    size_t calls = 0;
    struct insp_error err = {0};
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *a = build(pixels, 2, &std), *b = NULL;
    ck_insp_ok(insp_filter_bank_build(pixels, 2, count_progress, &calls, &b, &std2, &err), err);
    ck_assert_uint_eq(calls, 4);
    ck_assert_mem_eq(&std, &std2, sizeof std);
    for (int conv = 0; conv < INSP_TRUNK_CONVS; conv++) {
        ck_assert_mem_eq(a->weight[conv], b->weight[conv], sizeof(float) * weights_of(conv));
        ck_assert_mem_eq(a->bias[conv], b->bias[conv], sizeof(float) * (size_t)insp_trunk_shape[conv].out);
    }
}
END_TEST

START_TEST(test_grey_and_flat_images_stay_finite) {
    _cleanup_free_ float *grey = texture(1, 1), *flat = calloc(INSP_INPUT_FLOATS, sizeof *flat);
    float std;
    struct insp_trunk_arrays *arrays = build(grey, 1, &std);
    check_finite(arrays);
    /* Channels 20..59 are the colour differences: silent here, so they keep the size that they were written with.
     */
    for (int k = 20 * 27; k < 60 * 27; k++)
        ck_assert_float_le(fabsf(arrays->weight[0][k]), 1);
    insp_trunk_arrays_free(arrays);
    arrays = build(flat, 1, &std); /* black */
    check_finite(arrays);
    ck_assert_float_eq(std, 1);
    insp_trunk_arrays_free(arrays);
    for (size_t i = 0; i < INSP_INPUT_FLOATS; i++)
        flat[i] = 0.5F;
    arrays = build(flat, 1, &std);
    check_finite(arrays);
    ck_assert(isfinite(std) && std > 0);
    insp_trunk_arrays_free(arrays);
}
END_TEST

START_TEST(test_refusals) {
    _cleanup_free_ float *pixels = texture(1, 0);
    struct insp_trunk_arrays *none = NULL;
    struct insp_error err = {0};
    float std = 7;
    ck_insp_code(insp_filter_bank_build(pixels, 0, NULL, NULL, &none, &std, &err), INSP_E_PARAMETER, err);
    pixels[INSP_INPUT_FLOATS - 1] = NAN;
    ck_insp_code(insp_filter_bank_build(pixels, 1, NULL, NULL, &none, &std, &err), INSP_E_PARAMETER, err);
    ck_assert_float_eq(std, 7);
    ck_assert_ptr_null(none);
}
END_TEST

INSP_TESTS(test_calibration_holds_in_the_network_itself, test_identity_convolutions_are_exact,
           test_channels_of_later_blocks, test_deterministic_and_with_progress,
           test_grey_and_flat_images_stay_finite, test_refusals);
