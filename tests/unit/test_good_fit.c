#include "core/good_only/good_fit.h"

#include "good_fixture.h"
#include "harness.h"

#include <math.h>
#include <string.h>

enum { DIMS = INSP_GOOD_DIMS };

static struct insp_error err;
static uint16_t channel[DIMS];
static struct insp_good_sample sample;

static struct insp_good_sums *sums_of(size_t images, bool same) {
    struct insp_good_sums *sums = insp_good_sums_new();
    ck_assert_ptr_nonnull(sums);
    insp_good_channels(42, channel);
    for (size_t i = 0; i < images; i++) {
        good_sample(same ? 1 : i, channel, &sample);
        insp_good_sums_add(sums, &sample);
    }
    return sums;
}

static struct insp_good_gauss *fit_of(size_t images) {
    _cleanup_(insp_good_sums_freep) struct insp_good_sums *sums = sums_of(images, false);
    struct insp_good_gauss *gauss = NULL;
    ck_insp_ok(insp_good_fit(sums, channel, &gauss, &err), err);
    return gauss;
}

static size_t at(size_t i, size_t j) {
    return i * (i + 1) / 2 + j;
}

/* Covariance of one cell by the definition, scaled by the taps' standard deviations. */
static void plain_covariance(const struct insp_good_sums *sums, size_t g, size_t l, double s[DIMS][DIMS]) {
    static const double channels[INSP_TAPS] = {64, 128, 256};
    double n = (double)sums->count, scale[INSP_TAPS];
    for (size_t t = 0; t < INSP_TAPS; t++) {
        double values = n * INSP_TAP_CELLS * channels[t], mean = sums->tap_sum[t] / values;
        scale[t] = 1 / sqrt(sums->tap_squares[t] / values - mean * mean);
    }
    for (size_t i = 0; i < DIMS; i++)
        for (size_t j = 0; j < DIMS; j++) {
            double product = sums->product[g][i > j ? at(i, j) : at(j, i)][l];
            s[i][j] = (product - sums->sum[g][i][l] * sums->sum[g][j][l] / n) / (n - 1) *
                      scale[insp_good_tap_of(channel[i])] * scale[insp_good_tap_of(channel[j])];
        }
}

/* whitening * S * whitening^T is the identity when S is the regularised covariance, in units of the taps. */
static void check_whitening(size_t images) {
    static double s[DIMS][DIMS], pooled[DIMS][DIMS], w[DIMS][DIMS];
    _cleanup_(insp_good_sums_freep) struct insp_good_sums *sums = sums_of(images, false);
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = NULL;
    ck_insp_ok(insp_good_fit(sums, channel, &gauss, &err), err);
    double t = 0, unit[DIMS];
    memset(pooled, 0, sizeof pooled);
    for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++) {
        plain_covariance(sums, cell / INSP_GOOD_LANES, cell % INSP_GOOD_LANES, s);
        for (size_t i = 0; i < DIMS; i++) {
            t += s[i][i] / DIMS / INSP_TAP_CELLS;
            for (size_t j = 0; j < DIMS; j++)
                pooled[i][j] += s[i][j] / INSP_TAP_CELLS;
        }
    }
    const size_t g = 20, l = 7;
    plain_covariance(sums, g, l, s);
    for (size_t i = 0; i < DIMS; i++) {
        double raw = (sums->product[g][at(i, i)][l] - sums->sum[g][i][l] * sums->sum[g][i][l] / (double)images) /
                     ((double)images - 1);
        unit[i] = sqrt(raw / s[i][i]); /* of the channel's tap */
        ck_assert_double_eq_tol((double)gauss->mean[g][i][l], sums->sum[g][i][l] / (double)images, 1e-5);
    }
    for (size_t i = 0; i < DIMS; i++)
        for (size_t j = 0; j < DIMS; j++) {
            if (images < DIMS)
                s[i][j] = 0.7 * s[i][j] + 0.3 * pooled[i][j];
            s[i][j] += i == j ? 0.01 * t : 0;
            w[i][j] = j <= i ? (double)gauss->whitening[g][at(i, j)][l] * unit[j] : 0;
        }
    for (size_t i = 0; i < DIMS; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t p = 0; p <= i; p++)
                for (size_t q = 0; q <= j; q++)
                    sum += w[i][p] * s[p][q] * w[j][q];
            ck_assert_msg(fabs(sum - (i == j)) < 2e-4, "[%zu][%zu] is %g", i, j, sum);
        }
}

START_TEST(the_whitening_whitens_the_covariance) {
    check_whitening(120);
}
END_TEST

START_TEST(few_images_lean_on_the_pooled_covariance) {
    check_whitening(25);
}
END_TEST

START_TEST(nineteen_images_are_refused_with_the_number_needed) {
    _cleanup_(insp_good_sums_freep) struct insp_good_sums *sums = sums_of(19, false);
    struct insp_good_gauss *gauss = NULL;
    ck_insp_code(insp_good_fit(sums, channel, &gauss, &err), INSP_E_DATASET, err);
    ck_assert_ptr_null(gauss);
    ck_assert_ptr_nonnull(strstr(err.detail, "at least 20, so 1 more"));
}
END_TEST

START_TEST(copies_of_one_picture_are_refused) {
    _cleanup_(insp_good_sums_freep) struct insp_good_sums *sums = sums_of(30, true);
    struct insp_good_gauss *gauss = NULL;
    ck_insp_code(insp_good_fit(sums, channel, &gauss, &err), INSP_E_DATASET, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "same picture"));
}
END_TEST

START_TEST(pictures_of_nothing_and_sums_that_are_not_finite_are_refused) {
    _cleanup_(insp_good_sums_freep) struct insp_good_sums *sums = insp_good_sums_new();
    struct insp_good_gauss *gauss = NULL;
    insp_good_channels(42, channel);
    sums->count = 30;
    ck_insp_code(insp_good_fit(sums, channel, &gauss, &err), INSP_E_DATASET, err);
    sums->tap_squares[1] = NAN;
    sums->tap_squares[0] = 1;
    ck_insp_code(insp_good_fit(sums, channel, &gauss, &err), INSP_E_MODEL, err);
    _cleanup_(insp_good_sums_freep) struct insp_good_sums *hole = sums_of(21, false);
    hole->product[3][at(5, 5)][2] = INFINITY;
    ck_insp_code(insp_good_fit(hole, channel, &gauss, &err), INSP_E_MODEL, err);
}
END_TEST

START_TEST(equal_images_give_equal_models_bit_for_bit) {
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *a = fit_of(22), *b = fit_of(22);
    ck_assert_mem_eq(a, b, sizeof *a);
}
END_TEST

INSP_TESTS(the_whitening_whitens_the_covariance, few_images_lean_on_the_pooled_covariance,
           nineteen_images_are_refused_with_the_number_needed, copies_of_one_picture_are_refused,
           pictures_of_nothing_and_sums_that_are_not_finite_are_refused,
           equal_images_give_equal_models_bit_for_bit);
