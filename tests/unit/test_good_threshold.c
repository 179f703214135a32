#include "core/good_only/good_threshold.h"

#include "core/base/cleanup.h"
#include "core/compute/vgg16.h"
#include "harness.h"

#include <math.h>

static struct insp_error err;

START_TEST(the_binomial_distribution_is_right) {
    ck_assert_double_eq_tol(insp_good_binomial_cdf(0, 59, 0.05), pow(0.95, 59), 1e-15);
    ck_assert_double_eq_tol(insp_good_binomial_cdf(2, 4, 0.5), 11.0 / 16, 1e-15);
    ck_assert_double_eq(insp_good_binomial_cdf(4, 4, 0.5), 1);
    ck_assert_double_eq_tol(insp_good_binomial_cdf(1000, 20000, 0.05), 0.5080, 1e-3); /* the median is the mean */
    ck_assert_double_eq(insp_good_binomial_cdf(3, 10, 0), 1);
    ck_assert_double_eq(insp_good_binomial_cdf(3, 10, 1), 0);
}
END_TEST

START_TEST(a_promise_needs_the_images_that_the_literature_names) {
    ck_assert_uint_eq(insp_good_images_needed(0.05), 59);
    ck_assert_uint_eq(insp_good_images_needed(0.01), 299);
    ck_assert_uint_eq(insp_good_images_needed(0.96), 1);
    ck_assert_uint_eq(insp_good_images_needed(1e-9), 2995732273);
    ck_assert_uint_eq(insp_good_images_needed(1e-300), (size_t)1 << 40); /* not the cast of an infinite number */
    ck_assert_uint_eq(insp_good_images_needed(5e-324), (size_t)1 << 40);
}
END_TEST

static struct insp_good_promise promise_of(size_t n, double alpha) {
    float score[2000];
    struct insp_good_promise promise = {0};
    for (size_t i = 0; i < n; i++)
        score[i] = (float)(i + 1);
    ck_insp_ok(insp_good_promise_of(score, n, alpha, &promise, &err), err);
    return promise;
}

START_TEST(the_threshold_is_the_smallest_that_keeps_the_promise) {
    static const size_t count[] = {59, 92, 93, 300, 2000};
    for (size_t i = 0; i < INSP_COUNT(count); i++) {
        size_t n = count[i];
        struct insp_good_promise promise = promise_of(n, 0.05);
        ck_assert_uint_eq(promise.more_needed, 0);
        ck_assert_double_eq(promise.alpha, 0.05);
        ck_assert(promise.threshold > (float)promise.rank && promise.threshold < (float)promise.rank + 0.5F);
        ck_assert_double_le(insp_good_binomial_cdf(n - promise.rank, n, 0.05), 0.05);
        ck_assert_double_gt(insp_good_binomial_cdf(n - promise.rank + 1, n, 0.05), 0.05);
    }
    ck_assert_uint_eq(promise_of(59, 0.05).rank, 59);
    ck_assert_uint_eq(promise_of(93, 0.05).rank, 92);
}
END_TEST

START_TEST(with_too_few_images_the_reachable_promise_is_given) {
    struct insp_good_promise promise = promise_of(58, 0.05);
    ck_assert_uint_eq(promise.more_needed, 1);
    ck_assert_uint_eq(promise.rank, 58);
    ck_assert_double_eq_tol(promise.alpha, 1 - pow(0.05, 1.0 / 58), 1e-15);
    promise = promise_of(20, 0.01);
    ck_assert_uint_eq(promise.more_needed, 279);
    ck_assert_double_eq_tol(promise.alpha, 0.1391, 1e-4);
}
END_TEST

/* 400 sets of 59 uniform numbers: the share beyond the threshold is known exactly, and may exceed 5 % in 5 % of
 * them. */
START_TEST(the_promise_holds_in_a_simulation) {
    enum { SETS = 400, N = 59 };
    uint64_t state = 7;
    size_t broken = 0;
    for (size_t s = 0; s < SETS; s++) {
        float score[N];
        struct insp_good_promise promise;
        for (size_t i = 0; i < N; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            score[i] = (float)(state >> 40) * 0x1p-24F;
            for (size_t k = i; k && score[k] < score[k - 1]; k--) {
                float swap = score[k];
                score[k] = score[k - 1];
                score[k - 1] = swap;
            }
        }
        ck_insp_ok(insp_good_promise_of(score, N, 0.05, &promise, &err), err);
        broken += 1 - promise.threshold > 0.05F;
    }
    ck_assert_uint_ge(broken, 5); /* the bound is tight: 4.85 % are expected */
    ck_assert_uint_le(broken, 35);
}
END_TEST

START_TEST(nonsense_is_refused) {
    static const float unsorted[] = {2, 1}, infinite[] = {1, INFINITY}, fine[] = {1, 2};
    struct insp_good_promise promise;
    struct insp_good_scale scale;
    ck_insp_code(insp_good_promise_of(unsorted, 2, 0.05, &promise, &err), INSP_E_MODEL, err);
    ck_insp_code(insp_good_promise_of(infinite, 2, 0.05, &promise, &err), INSP_E_MODEL, err);
    ck_insp_code(insp_good_promise_of(fine, 0, 0.05, &promise, &err), INSP_E_PARAMETER, err);
    ck_insp_code(insp_good_promise_of(fine, 2, 0, &promise, &err), INSP_E_PARAMETER, err);
    ck_insp_code(insp_good_promise_of(fine, 2, NAN, &promise, &err), INSP_E_PARAMETER, err);
    ck_insp_code(insp_good_scale_of(fine, 2, infinite, 2, 3, &scale, &err), INSP_E_MODEL, err);
    ck_insp_code(insp_good_scale_of(fine, 2, fine, 2, NAN, &scale, &err), INSP_E_MODEL, err);
}
END_TEST

START_TEST(a_probability_is_half_exactly_from_the_threshold_on) {
    const struct insp_good_scale scale = {.threshold = 14.3F, .spread = 0.8F};
    float below = nextafterf(scale.threshold, 0), before = -1;
    ck_assert_float_ge(insp_good_probability(&scale, scale.threshold), 0.5F);
    ck_assert_float_lt(insp_good_probability(&scale, below), 0.5F);
    for (float score = 0; score < 30; score += 0.25F) {
        float probability = insp_good_probability(&scale, score);
        ck_assert(probability >= before && probability >= 0 && probability <= 1);
        before = probability;
    }
    ck_assert_float_eq_tol(insp_good_probability(&scale, 15.1F), 0.7310586F, 1e-5F);
}
END_TEST

START_TEST(heat_is_absolute_and_has_its_three_marks) {
    const struct insp_good_scale scale = {.threshold = 20, .cold = 8, .warm = 12};
    ck_assert_float_eq(insp_good_heat(&scale, 0.7F, 3), 0);
    ck_assert_float_eq(insp_good_heat(&scale, 0.7F, 8), 0);
    ck_assert_float_eq_tol(insp_good_heat(&scale, 0.7F, 12), 0.1F, 1e-6F);
    ck_assert_float_eq_tol(insp_good_heat(&scale, 0.7F, 16), 0.4F, 1e-6F);
    ck_assert_float_eq_tol(insp_good_heat(&scale, 0.7F, 20), 0.7F, 1e-6F);
    ck_assert_float_eq_tol(insp_good_heat(&scale, 0.7F, 24), 1, 1e-6F); /* and on, without an end */
    ck_assert_float_gt(insp_good_heat(&scale, 0.05F, 20), 0.1F);
    ck_assert_float_eq(insp_good_heat(&scale, 0.7F, NAN), 0);
}
END_TEST

START_TEST(a_scale_is_strictly_ordered_even_where_all_scores_are_equal) {
    static const float score[] = {5, 5, 5}, cell[] = {5, 5, 5, 5};
    struct insp_good_scale scale;
    ck_insp_ok(insp_good_scale_of(score, 3, cell, 4, 5, &scale, &err), err);
    ck_assert(scale.cold < scale.warm && scale.warm < scale.threshold && scale.spread > 0);
    float many[1001];
    for (int i = 0; i <= 1000; i++)
        many[i] = (float)i * 0.001F;
    ck_insp_ok(insp_good_scale_of(score, 3, many, 1001, 5, &scale, &err), err);
    ck_assert_float_eq_tol(scale.cold, 0.9F, 1e-6F);
    ck_assert_float_eq_tol(scale.warm, 0.995F, 1e-6F);
}
END_TEST

START_TEST(a_percentile_counts_the_good_parts_below) {
    static const float quantile[] = {1, 2, 4, 4, 10};
    ck_assert_float_eq(insp_good_percentile(quantile, 5, 0), 0);
    ck_assert_float_eq_tol(insp_good_percentile(quantile, 5, 1.5F), 12.5F, 1e-4F);
    ck_assert_float_eq_tol(insp_good_percentile(quantile, 5, 4), 50, 1e-4F);
    ck_assert_float_eq_tol(insp_good_percentile(quantile, 5, 7), 87.5F, 1e-4F);
    ck_assert_float_eq(insp_good_percentile(quantile, 5, 11), 100);
}
END_TEST

START_TEST(a_map_keeps_the_hottest_of_four_cells) {
    const struct insp_good_scale scale = {.threshold = 20, .cold = 8, .warm = 12};
    float distance[INSP_TAP_CELLS] = {0}, map[INSP_MAP_FLOATS];
    distance[3 * INSP_TAP_SIDE + 5] = 20; /* the lower right one of row 1, column 2 */
    distance[2 * INSP_TAP_SIDE + 4] = 12;
    insp_good_heat_map(&scale, 0.7F, distance, map);
    for (size_t cell = 0; cell < INSP_MAP_FLOATS; cell++)
        ck_assert_float_eq_tol(map[cell], cell == INSP_MAP_SIDE + 2 ? 0.7F : 0, 1e-6F);
}
END_TEST

START_TEST(unlike_lies_beyond_all_that_was_seen_until_a_thousand_scores_show_it) {
    static float few[50], many[2000];
    for (size_t i = 0; i < 50; i++)
        few[i] = 10 + (float)i / 50;
    ck_assert_float_gt(insp_good_unlike(few, 50), few[49]);
    ck_assert_float_lt(insp_good_unlike(few, 50), 13);
    few[49] = 100; /* seen among good parts: no longer unlike them */
    ck_assert_float_ge(insp_good_unlike(few, 50), 100);
    ck_assert_float_eq(insp_good_unlike(few, 1), few[0]);
    for (size_t i = 0; i < 2000; i++)
        many[i] = (float)i;
    ck_assert_float_eq_tol(insp_good_unlike(many, 2000), 1997, 0.1F);
}
END_TEST

INSP_TESTS(a_map_keeps_the_hottest_of_four_cells,
           unlike_lies_beyond_all_that_was_seen_until_a_thousand_scores_show_it,
           the_binomial_distribution_is_right, a_promise_needs_the_images_that_the_literature_names,
           the_threshold_is_the_smallest_that_keeps_the_promise,
           with_too_few_images_the_reachable_promise_is_given, the_promise_holds_in_a_simulation,
           nonsense_is_refused, a_probability_is_half_exactly_from_the_threshold_on,
           heat_is_absolute_and_has_its_three_marks, a_scale_is_strictly_ordered_even_where_all_scores_are_equal,
           a_percentile_counts_the_good_parts_below);
