#include "core/good_only/good_drift.h"
#include "core/good_only/good_threshold.h"

#include "core/base/splitmix.h"
#include "tests/unit/harness.h"

#include <math.h>
#include <string.h>

static float quantile[INSP_GOOD_QUANTILES]; /* 0, 0.01, ... 1 */

static void even_quantiles(void) {
    for (size_t i = 0; i < INSP_GOOD_QUANTILES; i++)
        quantile[i] = (float)i / (INSP_GOOD_QUANTILES - 1);
}

static struct insp_drift_place place(size_t count, float limit, float score) {
    return insp_drift_place_of(quantile, INSP_GOOD_QUANTILES, count, limit, score);
}

START_TEST(a_part_is_placed_among_those_that_the_threshold_calls_good) {
    even_quantiles();
    ck_assert_uint_eq(place(200, 2, 0.501F).bin, 10);
    ck_assert_uint_eq(place(200, 2, 0.501F).reference, 200);
    ck_assert_uint_eq(place(200, 0.5F, 0.26F).bin,
                      10); /* half of the training is good, and this part in its middle */
    ck_assert_uint_eq(place(200, 0.5F, 0.26F).reference, 100);
    ck_assert_uint_eq(place(200, 2, -1).bin, 0);
    ck_assert_uint_eq(place(200, 2, 5).bin, INSP_DRIFT_BINS - 1);
    ck_assert_uint_eq(place(200, 0.5F, 0.5F).bin, INSP_DRIFT_BINS - 1);
}
END_TEST

START_TEST(too_few_or_equal_scores_say_nothing) {
    even_quantiles();
    ck_assert_uint_eq(place(INSP_DRIFT_REFERENCE_MIN - 1, 2, 0.5F).reference, 0);
    ck_assert_uint_eq(place(1000, 0.005F, 0.001F).reference, 0); /* five are below the threshold */
    for (size_t i = 0; i < INSP_GOOD_QUANTILES; i++)
        quantile[i] = 0.25F;
    ck_assert_uint_eq(place(1000, 2, 0.25F).reference, 0);
    const uint32_t bin[INSP_DRIFT_BINS] = {[0] = 100};
    ck_assert_int_eq(insp_drift_of(bin, 100, 0).state, INSP_DRIFT_UNKNOWN);
    const uint32_t none[INSP_DRIFT_BINS] = {0};
    ck_assert_int_eq(insp_drift_of(none, 100, 50).state,
                     INSP_DRIFT_UNKNOWN); /* counted by a version without scores */
}
END_TEST

START_TEST(the_chance_is_that_of_ranks) {
    /* With one of 9 scores beyond the quantile, ten more are equally likely to have 0..10 ranks: for r = 1 the
     * chance that all n lie beyond is 1 / C(n + m, n). */
    ck_assert_double_eq_tol(insp_drift_chance(2, 2, 1, 9), 2.0 / (10 * 11), 1e-9);
    ck_assert_double_eq(insp_drift_chance(0, 100, 5, 50), 1);
    ck_assert_double_eq_tol(insp_drift_chance(1, 100000, 100, 999), 1, 1e-6);
    for (uint64_t k = 1; k < 400; k++)
        ck_assert_double_le(insp_drift_chance(k + 1, 400, 3.5, 26), insp_drift_chance(k, 400, 3.5, 26));
    ck_assert_double_lt(insp_drift_chance(90000, 100000, 100, 999), 1e-100);
}
END_TEST

START_TEST(either_side_drifts_and_few_parts_are_not_judged) {
    uint32_t bin[INSP_DRIFT_BINS];
    for (size_t i = 0; i < INSP_DRIFT_BINS; i++)
        bin[i] = 10;
    struct insp_drift drift = insp_drift_of(bin, 200, 300);
    ck_assert_int_eq(drift.state, INSP_DRIFT_NONE);
    ck_assert_double_eq_tol(drift.high, 0.1, 1e-9);
    ck_assert_double_eq_tol(drift.expected, 0.1, 0.005);
    ck_assert(drift.limit > 0.15 && drift.limit < 0.25);
    bin[INSP_DRIFT_BINS - 1] = 200;
    drift = insp_drift_of(bin, 390, 300);
    ck_assert(drift.state == INSP_DRIFT_HIGHER && drift.high > drift.limit && drift.low < drift.expected);
    bin[INSP_DRIFT_BINS - 1] = 10;
    bin[1] = 200;
    ck_assert_int_eq(insp_drift_of(bin, 390, 300).state, INSP_DRIFT_LOWER);
    memset(bin, 0, sizeof bin);
    bin[INSP_DRIFT_BINS - 1] = INSP_DRIFT_PARTS_MIN - 1;
    ck_assert_int_eq(insp_drift_of(bin, INSP_DRIFT_PARTS_MIN - 1, 300).state, INSP_DRIFT_FEW);
    bin[INSP_DRIFT_BINS - 1]++;
    ck_assert_int_eq(insp_drift_of(bin, INSP_DRIFT_PARTS_MIN, 300).state, INSP_DRIFT_HIGHER);
    ck_assert_str_eq(insp_drift_state_name(INSP_DRIFT_HIGHER), "higher");
}
END_TEST

/* --- the simulation of docs/drift.md --- */

static double uniform(uint64_t *seed) {
    return (double)(insp_splitmix(seed) >> 11) * 0x1p-53;
}

static float log_normal(uint64_t *seed, double shift) {
    double u = uniform(seed) + 1e-300;
    return (float)exp(sqrt(-2 * log(u)) * cos(2 * M_PI * uniform(seed)) + shift);
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Says whether a day of `parts` good parts alarms at any of its looks, one after each 50 parts. */
static bool day_alarms(size_t training, size_t parts, double shift, uint64_t *seed) {
    static const float limit = 7.4F; /* 97.7 % of good parts are below */
    static float score[1000];
    uint32_t bin[INSP_DRIFT_BINS] = {0};
    for (size_t i = 0; i < training; i++)
        score[i] = log_normal(seed, 0);
    qsort(score, training, sizeof *score, ascending);
    for (size_t i = 0; i < INSP_GOOD_QUANTILES; i++)
        quantile[i] = insp_good_quantile(score, training, (double)i / (INSP_GOOD_QUANTILES - 1));
    for (size_t n = 0; n < parts;) {
        float part = log_normal(seed, shift);
        if (part >= limit)
            continue;
        struct insp_drift_place at = place(training, limit, part);
        bin[at.bin]++;
        if (++n % 50)
            continue;
        enum insp_drift_state state = insp_drift_of(bin, n, at.reference).state;
        if (state == INSP_DRIFT_HIGHER || state == INSP_DRIFT_LOWER)
            return true;
    }
    return false;
}

static size_t alarms(size_t days, size_t training, size_t parts, double shift) {
    uint64_t seed = 1;
    size_t found = 0;
    for (size_t i = 0; i < days; i++)
        found += day_alarms(training, parts, shift, &seed);
    return found;
}

START_TEST(a_simulation_has_one_false_alarm_in_a_thousand_days_at_most) {
    ck_assert_uint_le(alarms(1000, 20, 200, 0), 3); /* 1 is expected; 4 come by chance once in 50 */
    ck_assert_uint_le(alarms(1000, 200, 500, 0), 3);
}
END_TEST

START_TEST(a_simulation_finds_a_shift_by_a_standard_deviation) {
    ck_assert_uint_ge(alarms(100, 200, 500, 1), 95);
    ck_assert_uint_ge(alarms(100, 200, 500, -1), 95);
}
END_TEST

INSP_TESTS(a_part_is_placed_among_those_that_the_threshold_calls_good, too_few_or_equal_scores_say_nothing,
           the_chance_is_that_of_ranks, either_side_drifts_and_few_parts_are_not_judged,
           a_simulation_has_one_false_alarm_in_a_thousand_days_at_most,
           a_simulation_finds_a_shift_by_a_standard_deviation);
