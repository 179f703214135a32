#include "core/judge/heat_range.h"

#include "core/base/cleanup.h"
#include "harness.h"

#include <math.h>

static struct insp_error err;
static const float threshold = 0.7f;

static float heat(float map, float low, float high) {
    return fminf(fmaxf((map - low) / (high - low), 0), 1);
}

START_TEST(good_parts_stay_cold_and_the_typical_anomaly_is_hot) {
    static const float good[] = {0.1f, 0.2f, 0.15f, 0.3f}, anomaly[] = {2, 3, 5};
    float low, high;
    ck_insp_ok(insp_heat_range(good, 4, anomaly, 3, threshold, &low, &high, &err), err);
    for (int i = 0; i < 4; i++)
        ck_assert_float_lt(heat(good[i], low, high), threshold);
    for (int i = 0; i < 3; i++)
        ck_assert_float_ge(heat(anomaly[i], low, high), threshold);
    ck_assert_float_eq_tol(heat(3, low, high), 1, 1e-5f);
    /* the cut lies a third of the way from the ceiling (0.3) to the median anomaly (3) */
    ck_assert_float_eq_tol(heat(1.2f, low, high), threshold, 1e-4f);
}
END_TEST

START_TEST(one_odd_good_image_does_not_blind_the_map) {
    float good[100], low, high;
    static const float anomaly[] = {2, 3, 4};
    for (int i = 0; i < 100; i++)
        good[i] = 0.001f * (float)i;
    good[99] = 50;
    ck_insp_ok(insp_heat_range(good, 100, anomaly, 3, threshold, &low, &high, &err), err);
    ck_assert_float_eq_tol(heat(3, low, high), 1, 1e-5f);
    size_t hot = 0;
    for (int i = 0; i < 100; i++)
        hot += heat(good[i], low, high) >= threshold;
    ck_assert_uint_eq(hot, 1);
}
END_TEST

START_TEST(where_classes_overlap_good_parts_come_first) {
    static const float good[] = {1, 2, 3, 4}, anomaly[] = {0.5f, 1, 1.5f};
    float low, high;
    ck_insp_ok(insp_heat_range(good, 4, anomaly, 3, threshold, &low, &high, &err), err);
    for (int i = 0; i < 4; i++)
        ck_assert_float_lt(heat(good[i], low, high), threshold);
}
END_TEST

START_TEST(flat_maps_give_a_usable_range) {
    static const float zero[] = {0, 0, 0};
    float low, high;
    ck_insp_ok(insp_heat_range(zero, 3, zero, 3, threshold, &low, &high, &err), err);
    ck_assert_float_lt(low, high);
    ck_assert_float_lt(heat(0, low, high), threshold);
    ck_insp_ok(insp_heat_range(zero, 3, zero, 3, 0, &low, &high, &err), err);
    ck_assert_float_lt(low, high);
    ck_insp_ok(insp_heat_range(zero, 3, zero, 3, 1, &low, &high, &err), err);
    ck_assert_float_lt(low, high);
}
END_TEST

START_TEST(nonsense_is_refused) {
    static const float good[] = {1, NAN}, anomaly[] = {2, INFINITY};
    float low, high;
    ck_insp_code(insp_heat_range(good, 2, anomaly, 1, threshold, &low, &high, &err), INSP_E_MODEL, err);
    ck_insp_code(insp_heat_range(good, 1, anomaly, 2, threshold, &low, &high, &err), INSP_E_MODEL, err);
    ck_insp_code(insp_heat_range(good, 0, anomaly, 1, threshold, &low, &high, &err), INSP_E_DATASET, err);
}
END_TEST

START_TEST(normalised_maps_keep_what_is_beyond_the_range) {
    float map[] = {2, 4, 3, 8, 0};
    insp_heat_normalise(map, 5, 2, 4);
    ck_assert_float_eq(map[0], 0);
    ck_assert_float_eq(map[1], 1);
    ck_assert_float_eq(map[2], 0.5f);
    ck_assert_float_eq(map[3], 3);
    ck_assert_float_eq(map[4], -1);
}
END_TEST

/* Up to 4 good and 4 anomalous values of four levels each, thresholds from end to end. */
enum { TINY_VALUES = 4, TINY_LEVELS = 4 };
static size_t tiny_values(size_t number, float *ret_values) {
    static const float level[TINY_LEVELS] = {-1, 0, 1e-9f, 3};
    size_t count = number % (TINY_VALUES + 1);
    number /= TINY_VALUES + 1;
    for (size_t i = 0; i < count; i++, number /= TINY_LEVELS)
        ret_values[i] = level[number % TINY_LEVELS];
    return count;
}

static void check_tiny(size_t good_number, size_t anomaly_number) {
    static const float asked[] = {0, 0.05f, 0.7f, 1};
    float good[TINY_VALUES + 1], anomaly[TINY_VALUES + 1], low = 0, high = 0;
    size_t goods = tiny_values(good_number, good), anomalies = tiny_values(anomaly_number, anomaly);
    for (size_t t = 0; t < INSP_COUNT(asked); t++) {
        int r = insp_heat_range(good, goods, anomaly, anomalies, asked[t], &low, &high, &err);
        if (!goods || !anomalies) {
            ck_assert_int_eq(r, INSP_E_DATASET);
            continue;
        }
        ck_insp_ok(r, err);
        ck_assert(isfinite(low) && isfinite(high) && low < high);
    }
}

START_TEST(every_tiny_set_has_a_range_or_is_refused) {
    enum { NUMBERS = 5 * 4 * 4 * 4 * 4 };
    for (size_t good = 0; good < NUMBERS; good += 3)
        for (size_t anomaly = 0; anomaly < NUMBERS; anomaly += 7)
            check_tiny(good, anomaly);
}
END_TEST

INSP_TESTS(every_tiny_set_has_a_range_or_is_refused, good_parts_stay_cold_and_the_typical_anomaly_is_hot,
           one_odd_good_image_does_not_blind_the_map, where_classes_overlap_good_parts_come_first,
           flat_maps_give_a_usable_range, nonsense_is_refused, normalised_maps_keep_what_is_beyond_the_range);
