#include "core/good_only/good_sample.h"

#include "core/base/cleanup.h"
#include "good_fixture.h"
#include "harness.h"

#include <math.h>

START_TEST(equal_seeds_choose_equal_channels_all_distinct) {
    uint16_t a[INSP_GOOD_DIMS], b[INSP_GOOD_DIMS], other[INSP_GOOD_DIMS];
    size_t of_tap[INSP_TAPS] = {0}, differ = 0;
    insp_good_channels(42, a);
    insp_good_channels(42, b);
    insp_good_channels(43, other);
    ck_assert_mem_eq(a, b, sizeof a);
    for (size_t k = 0; k < INSP_GOOD_DIMS; k++) {
        ck_assert_uint_lt(a[k], INSP_TAP_CHANNELS);
        ck_assert(k == 0 || a[k] > a[k - 1]);
        of_tap[insp_good_tap_of(a[k])]++;
        differ += a[k] != other[k];
    }
    for (size_t t = 0; t < INSP_TAPS; t++)
        ck_assert_uint_ge(of_tap[t], 5);
    ck_assert_uint_gt(differ, 50);
}
END_TEST

START_TEST(every_channel_belongs_to_its_tap) {
    static const unsigned first[] = {0, 64, 192}, last[] = {63, 191, 447};
    for (unsigned t = 0; t < INSP_TAPS; t++) {
        ck_assert_uint_eq(insp_good_tap_of(first[t]), t);
        ck_assert_uint_eq(insp_good_tap_of(last[t]), t);
    }
}
END_TEST

/* The definition: the mean of the present neighbours. */
static double plain(const float *taps, size_t y, size_t x, size_t channel) {
    double sum = 0;
    int count = 0;
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++) {
            int at_y = (int)y + dy, at_x = (int)x + dx;
            if (at_y < 0 || at_x < 0 || at_y >= INSP_TAP_SIDE || at_x >= INSP_TAP_SIDE)
                continue;
            sum += (double)taps[(size_t)(at_y * INSP_TAP_SIDE + at_x) * INSP_TAP_CHANNELS + channel];
            count++;
        }
    return sum / count;
}

START_TEST(a_sample_is_the_mean_of_present_neighbours) {
    _cleanup_free_ float *taps = good_taps(1);
    _cleanup_free_ struct insp_good_sample *sample = malloc(sizeof *sample);
    uint16_t channel[INSP_GOOD_DIMS];
    insp_good_channels(42, channel);
    insp_good_sample_make(taps, channel, sample);
    for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++)
        for (size_t k = 0; k < INSP_GOOD_DIMS; k++) {
            double want = plain(taps, cell / INSP_TAP_SIDE, cell % INSP_TAP_SIDE, channel[k]);
            double have = (double)sample->x[cell / INSP_GOOD_LANES][k][cell % INSP_GOOD_LANES];
            ck_assert_msg(fabs(have - want) < 1e-5, "cell %zu, channel %u: %g, expected %g", cell, channel[k],
                          have, want);
        }
    double squares = 0;
    for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++)
        for (size_t c = 64; c < 192; c++)
            squares += (double)taps[cell * INSP_TAP_CHANNELS + c] * (double)taps[cell * INSP_TAP_CHANNELS + c];
    ck_assert_double_eq_tol(sample->tap_squares[1] / squares, 1, 1e-12);
}
END_TEST

INSP_TESTS(equal_seeds_choose_equal_channels_all_distinct, every_channel_belongs_to_its_tap,
           a_sample_is_the_mean_of_present_neighbours);
