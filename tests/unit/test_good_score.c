#include "core/good_only/good_score.h"

#include "core/base/clock.h"
#include "good_fixture.h"
#include "harness.h"

#include <math.h>
#include <string.h>

static uint16_t channel[INSP_GOOD_DIMS];
static struct insp_good_sample sample;

static struct insp_good_gauss *model(void) {
    struct insp_error err;
    _cleanup_(insp_good_sums_freep) struct insp_good_sums *sums = insp_good_sums_new();
    struct insp_good_gauss *gauss = NULL;
    insp_good_channels(42, channel);
    for (uint64_t i = 0; i < 110; i++) {
        good_sample(i, channel, &sample);
        insp_good_sums_add(sums, &sample);
    }
    ck_insp_ok(insp_good_fit(sums, channel, &gauss, &err), err);
    return gauss;
}

START_TEST(a_defect_is_the_largest_value_and_lies_where_it_is) {
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = model();
    float map[INSP_TAP_CELLS], good_score, score;
    good_sample(1000, channel, &sample);
    insp_good_score(gauss, &sample, NULL, map, &good_score);
    const size_t y = 9, x = 20, cell = y * INSP_TAP_SIDE + x;
    for (size_t k = 0; k < INSP_GOOD_DIMS; k++)
        sample.x[cell / INSP_GOOD_LANES][k][cell % INSP_GOOD_LANES] += 5;
    insp_good_score(gauss, &sample, NULL, map, &score);
    ck_assert_float_gt(score, 1.5F * good_score);
    ck_assert_float_eq(map[cell], score);
    ck_assert_float_lt(map[0], score / 2);
}
END_TEST

/* From the map, back to the distances: a model with a whitening of e1 gives |x0 - mean0| at each cell. */
START_TEST(the_map_is_smoothed_by_the_present_neighbours) {
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = insp_good_gauss_new();
    float map[INSP_TAP_CELLS], score;
    const double g = exp(-0.5);
    memset(&sample, 0, sizeof sample);
    for (size_t group = 0; group < INSP_GOOD_GROUPS; group++)
        for (size_t l = 0; l < INSP_GOOD_LANES; l++)
            gauss->whitening[group][0][l] = 1;
    sample.x[0][0][0] = -8; /* the corner */
    insp_good_score(gauss, &sample, NULL, map, &score);
    ck_assert_float_eq_tol(map[0], (float)(8 / (1 + g) / (1 + g)), 1e-5F);
    ck_assert_float_eq_tol(map[1], (float)(8 * g / (1 + 2 * g) / (1 + g)), 1e-5F);
    ck_assert_float_eq_tol(map[INSP_TAP_SIDE + 1], (float)(8 * g * g / (1 + 2 * g) / (1 + 2 * g)), 1e-5F);
    ck_assert_float_eq(map[2], 0);
    ck_assert_float_eq(score, map[0]);
}
END_TEST

START_TEST(a_value_that_is_not_a_number_is_not_lost) {
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = insp_good_gauss_new();
    float map[INSP_TAP_CELLS], score;
    memset(&sample, 0, sizeof sample);
    sample.x[3][4][5] = NAN;
    insp_good_score(gauss, &sample, NULL, map, &score);
    ck_assert(isnan(score));
}
END_TEST

START_TEST(cells_that_do_not_count_have_no_distance_and_no_weight) {
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = model();
    float all[INSP_TAP_CELLS], map[INSP_TAP_CELLS], again[INSP_TAP_CELLS], score, score_again, score_all;
    uint8_t keep[INSP_TAP_CELLS];
    for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++)
        keep[cell] = cell % INSP_TAP_SIDE >= 10;
    good_sample(1000, channel, &sample);
    insp_good_score(gauss, &sample, keep, map, &score);
    insp_good_score(gauss, &sample, NULL, all, &score_all);
    for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++) {
        if (!keep[cell])
            ck_assert_float_eq(map[cell], 0);
        else if (cell % INSP_TAP_SIDE >= 11) /* beyond the reach of the others */
            ck_assert_float_eq_tol(map[cell], all[cell], 1e-4F);
        else /* not drawn down by the empty side */
            ck_assert_float_gt(map[cell], all[cell] / 2);
    }
    const size_t ignored = 9 * INSP_TAP_SIDE + 9; /* beside a cell that counts */
    for (size_t k = 0; k < INSP_GOOD_DIMS; k++)
        sample.x[ignored / INSP_GOOD_LANES][k][ignored % INSP_GOOD_LANES] += 1000;
    insp_good_score(gauss, &sample, keep, again, &score_again);
    ck_assert_float_eq(score_again, score);
    for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++)
        ck_assert_float_eq(again[cell], map[cell]);
    const size_t kept = 9 * INSP_TAP_SIDE + 10;
    for (size_t k = 0; k < INSP_GOOD_DIMS; k++)
        sample.x[kept / INSP_GOOD_LANES][k][kept % INSP_GOOD_LANES] += 5;
    insp_good_score(gauss, &sample, keep, again, &score_again);
    ck_assert_float_gt(score_again, 1.5F * score);
}
END_TEST

START_TEST(a_mask_of_all_cells_is_no_mask) {
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = model();
    float map[INSP_TAP_CELLS], masked[INSP_TAP_CELLS], score, score_masked;
    uint8_t keep[INSP_TAP_CELLS];
    memset(keep, 1, sizeof keep);
    good_sample(7, channel, &sample);
    insp_good_score(gauss, &sample, NULL, map, &score);
    insp_good_score(gauss, &sample, keep, masked, &score_masked);
    ck_assert_float_eq_tol(score_masked, score, 1e-5F * score);
}
END_TEST

START_TEST(the_cost_of_an_image_is_small) {
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = model();
    float *taps = good_taps(5), map[INSP_TAP_CELLS], score;
    int64_t best_make = INT64_MAX, best_score = INT64_MAX;
    for (int i = 0; i < 50; i++) {
        int64_t begin = insp_mono_us();
        insp_good_sample_values(taps, channel, &sample);
        int64_t made = insp_mono_us();
        insp_good_score(gauss, &sample, NULL, map, &score);
        int64_t end = insp_mono_us();
        best_make = made - begin < best_make ? made - begin : best_make;
        best_score = end - made < best_score ? end - made : best_score;
    }
    free(taps);
    printf("good-only (%s): sample %lld us, score %lld us\n", insp_good_score_kernel(), (long long)best_make,
           (long long)best_score);
    ck_assert_int_lt(best_make + best_score,
                     100000); /* the figure is printed; this only fails when it is absurd */
}
END_TEST

INSP_TESTS(a_defect_is_the_largest_value_and_lies_where_it_is, the_map_is_smoothed_by_the_present_neighbours,
           a_value_that_is_not_a_number_is_not_lost, cells_that_do_not_count_have_no_distance_and_no_weight,
           a_mask_of_all_cells_is_no_mask, the_cost_of_an_image_is_small);
