#include "core/good_only/good_sums.h"

#include "good_fixture.h"
#include "harness.h"

#include <math.h>

static uint16_t channel[INSP_GOOD_DIMS];
static struct insp_good_sample sample;

static struct insp_good_sums *sums_of(uint64_t first, uint64_t end) {
    struct insp_good_sums *sums = insp_good_sums_new();
    ck_assert_ptr_nonnull(sums);
    insp_good_channels(42, channel);
    for (uint64_t i = first; i < end; i++) {
        good_sample(i, channel, &sample);
        insp_good_sums_add(sums, &sample);
    }
    return sums;
}

/* Equal up to the rounding of double, which is 1e-16 of the largest sum on the way. */
static size_t different(const double *a, const double *b, size_t count) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += !(fabs(a[i] - b[i]) <= 1e-12 * (fabs(b[i]) + 1));
    return found;
}

static void assert_equal(const struct insp_good_sums *a, const struct insp_good_sums *b) {
    ck_assert_uint_eq(a->count, b->count);
    ck_assert_uint_eq(different(&a->sum[0][0][0], &b->sum[0][0][0], sizeof a->sum / sizeof(double)), 0);
    ck_assert_uint_eq(different(&a->product[0][0][0], &b->product[0][0][0], sizeof a->product / sizeof(double)),
                      0);
    for (size_t t = 0; t < INSP_TAPS; t++) {
        ck_assert_double_eq_tol(a->tap_sum[t] / b->tap_sum[t], 1, 1e-12);
        ck_assert_double_eq_tol(a->tap_squares[t] / b->tap_squares[t], 1, 1e-12);
    }
}

START_TEST(products_are_those_of_the_values) {
    _cleanup_(insp_good_sums_freep) struct insp_good_sums *sums = sums_of(0, 2);
    size_t g = 17, l = 5, i = 60, j = 13;
    double want = 0;
    for (uint64_t n = 0; n < 2; n++) {
        good_sample(n, channel, &sample);
        want += (double)sample.x[g][i][l] * (double)sample.x[g][j][l];
    }
    ck_assert_double_eq(sums->product[g][i * (i + 1) / 2 + j][l], want);
    ck_assert_uint_eq(sums->count, 2);
}
END_TEST

START_TEST(parts_merge_to_the_whole) {
    _cleanup_(insp_good_sums_freep) struct insp_good_sums *whole = sums_of(0, 5), *a = sums_of(0, 2),
                                                          *b = sums_of(2, 5);
    insp_good_sums_merge(a, b);
    assert_equal(a, whole);
}
END_TEST

START_TEST(an_image_that_is_taken_out_leaves_no_trace) {
    _cleanup_(insp_good_sums_freep) struct insp_good_sums *all = sums_of(0, 4), *three = sums_of(0, 3);
    good_sample(3, channel, &sample);
    insp_good_sums_subtract(all, &sample);
    assert_equal(all, three);
    _cleanup_(insp_good_sums_freep) struct insp_good_sums *two = sums_of(0, 2), *last = sums_of(2, 3);
    insp_good_sums_split(three, last);
    assert_equal(three, two);
}
END_TEST

INSP_TESTS(products_are_those_of_the_values, parts_merge_to_the_whole, an_image_that_is_taken_out_leaves_no_trace);
