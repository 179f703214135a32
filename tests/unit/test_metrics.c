#include "core/judge/metrics.h"

#include "core/base/cleanup.h"
#include "harness.h"

#include <math.h>

static struct insp_error err;

#define ck_near(a, b) ck_assert_msg(fabs((a) - (b)) < 1e-12, "%s = %.15g, not %.15g", #a, (double)(a), (double)(b))

/* 8 of 10: the textbook interval 0.4902 .. 0.9433. */
START_TEST(wilson_interval_of_8_in_10) {
    struct insp_rate rate = insp_rate(8, 10);
    ck_near(rate.value, 0.8);
    ck_assert(fabs(rate.low - 0.49016) < 1e-5);
    ck_assert(fabs(rate.high - 0.94332) < 1e-5);
}
END_TEST

START_TEST(rates_at_the_ends) {
    struct insp_rate all = insp_rate(38, 38), none = insp_rate(0, 38), nothing = insp_rate(0, 0);
    ck_assert(all.high == 1 && all.low > 0.9 && all.low < 0.92);
    ck_assert(none.low == 0 && none.high > 0.08 && none.high < 0.1);
    ck_assert(isnan(nothing.value) && isnan(nothing.low) && isnan(nothing.high));
}
END_TEST

static const float probability[] = {0.9f, 0.8f, 0.3f, 0.5f, 0.1f, 0.6f};
static const uint8_t label[] = {1, 1, 1, 0, 0, 0};
static const size_t strata[] = {1, 1, 2, 0, 0, 0};
static const char names[3][65] = {"good", "hole", "stain"};

START_TEST(confusion_counts_positive_as_anomaly) {
    struct insp_metrics m;
    ck_insp_ok(insp_metrics_compute(probability, label, strata, 6, 3, 0.5, &m, &err), err);
    ck_assert_uint_eq(m.true_anomaly, 2);
    ck_assert_uint_eq(m.false_good, 1);
    ck_assert_uint_eq(m.false_anomaly, 2); /* 0.5 is at the threshold: called an anomaly */
    ck_assert_uint_eq(m.true_good, 1);
    ck_near(m.accuracy.value, 0.5);
    ck_near(m.precision.value, 0.5);
    ck_near(m.recall.value, 2.0 / 3);
    ck_near(m.specificity.value, 1.0 / 3);
    ck_near(m.balanced_accuracy, 0.5);
    ck_near(m.f1, 4.0 / 7);
    ck_near(m.roc_auc, 7.0 / 9);
    ck_near(m.stratum[1].value, 1);
    ck_near(m.stratum[2].value, 0);
    insp_metrics_clear(&m);
}
END_TEST

START_TEST(ties_count_half) {
    const float same[] = {0.5f, 0.5f, 0.5f};
    const uint8_t mixed[] = {1, 0, 0};
    const size_t zero[] = {0, 0, 0};
    struct insp_metrics m;
    ck_insp_ok(insp_metrics_compute(same, mixed, zero, 3, 1, 0.5, &m, &err), err);
    ck_near(m.roc_auc, 0.5);
    insp_metrics_clear(&m);
}
END_TEST

START_TEST(one_class_only_gives_nan_and_null) {
    const uint8_t good[] = {0, 0, 0, 0, 0, 0};
    struct insp_metrics m;
    ck_insp_ok(insp_metrics_compute(probability, good, strata, 6, 3, 2, &m, &err), err);
    ck_assert(isnan(m.roc_auc) && isnan(m.balanced_accuracy) && isnan(m.f1) && isnan(m.precision.value));
    json_t *json = insp_metrics_json(&m, names), *roc = insp_roc_json(probability, good, 6);
    ck_assert(json_is_null(json_object_get(json, "roc_auc")));
    ck_assert(json_is_null(json_object_get(json_object_get(json, "recall"), "value")));
    ck_assert_uint_eq(json_array_size(roc), 0);
    json_decref(roc);
    json_decref(json);
    insp_metrics_clear(&m);
}
END_TEST

START_TEST(a_probability_that_is_no_number_is_refused) {
    const float bad[] = {0.1f, NAN};
    struct insp_metrics m;
    ck_insp_code(insp_metrics_compute(bad, label, strata, 2, 3, 0.5, &m, &err), INSP_E_MODEL, err);
}
END_TEST

START_TEST(json_says_it_in_words) {
    struct insp_metrics m;
    ck_insp_ok(insp_metrics_compute(probability, label, strata, 6, 3, 0.5, &m, &err), err);
    json_t *json = insp_metrics_json(&m, names);
    ck_assert_str_eq(json_string_value(json_object_get(json, "summary")),
                     "2 of 3 anomalies found, 1 missed; 1 of 3 good parts passed, 2 false alarms");
    json_t *confusion = json_object_get(json, "confusion");
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(confusion, "actual_good"), "predicted_anomaly")), 2);
    ck_near(json_real_value(json_object_get(json_object_get(json_object_get(json, "by_type"), "hole"), "value")),
            1);
    json_decref(json);
    insp_metrics_clear(&m);
}
END_TEST

START_TEST(roc_curve_runs_from_corner_to_corner) {
    json_t *roc = insp_roc_json(probability, label, 6);
    size_t n = json_array_size(roc);
    ck_assert_uint_eq(n, 5); /* (0,0) (0,2/3) (2/3,2/3) (2/3,1) (1,1) */
    json_t *first = json_array_get(roc, 0), *corner = json_array_get(roc, 1), *last = json_array_get(roc, n - 1);
    ck_near(json_real_value(json_array_get(first, 1)), 0);
    ck_assert(json_is_null(json_array_get(first, 2)));
    ck_near(json_real_value(json_array_get(corner, 0)), 0);
    ck_near(json_real_value(json_array_get(corner, 1)), 2.0 / 3);
    ck_near(json_real_value(json_array_get(last, 0)), 1);
    ck_near(json_real_value(json_array_get(last, 1)), 1);
    json_decref(roc);
}
END_TEST

START_TEST(roc_curve_is_bounded) {
    enum { N = 5000 };
    static float p[N];
    static uint8_t l[N];
    for (size_t i = 0; i < N; i++) {
        p[i] = (float)i / N;
        l[i] = i % 2;
    }
    json_t *roc = insp_roc_json(p, l, N);
    ck_assert_uint_eq(json_array_size(roc), INSP_ROC_POINTS);
    ck_near(json_real_value(json_array_get(json_array_get(roc, INSP_ROC_POINTS - 1), 0)), 1);
    json_decref(roc);
}
END_TEST

/* Every set of up to 5 images, each of both classes and of three probabilities, by number; -> images. */
enum { TINY_IMAGES = 5, TINY_KINDS = 6 };
static void tiny_set(size_t number, size_t count, float *ret_probability, uint8_t *ret_label) {
    for (size_t i = 0; i < count; i++, number /= TINY_KINDS) {
        ret_label[i] = number % TINY_KINDS % 2;
        ret_probability[i] = (float)(number % TINY_KINDS / 2) / 2;
    }
}

static size_t tiny_sets(size_t count) {
    size_t sets = 1;
    while (count--)
        sets *= TINY_KINDS;
    return sets;
}

static void check_rate(const struct insp_rate *rate) {
    ck_assert_uint_le(rate->hits, rate->of);
    if (!rate->of) {
        ck_assert(isnan(rate->value) && isnan(rate->low) && isnan(rate->high));
        return;
    }
    ck_assert(rate->low >= 0 && rate->low <= rate->value && rate->value <= rate->high && rate->high <= 1);
}

static void check_tiny(const float *score, const uint8_t *truth, size_t count) {
    static const char name[2][65] = {"good", "hole"};
    struct insp_metrics m = {0};
    size_t kind[TINY_IMAGES + 1] = {0}, anomalies = 0;
    for (size_t i = 0; i < count; i++) {
        kind[i] = truth[i];
        anomalies += truth[i];
    }
    ck_insp_ok(insp_metrics_compute(score, truth, kind, count, 2, 0.5, &m, &err), err);
    const struct insp_rate *rate[] = {&m.accuracy,    &m.precision,  &m.recall,
                                      &m.specificity, &m.stratum[0], &m.stratum[1]};
    for (size_t i = 0; i < INSP_COUNT(rate); i++)
        check_rate(rate[i]);
    bool both = anomalies && anomalies < count;
    ck_assert(isnan(m.roc_auc) == !both && isnan(m.balanced_accuracy) == !both);
    ck_assert_uint_eq(m.true_anomaly + m.false_anomaly + m.true_good + m.false_good, count);
    json_t *json = insp_metrics_json(&m, name), *roc = insp_roc_json(score, truth, count);
    ck_assert(json && roc);
    ck_assert((json_array_size(roc) >= 2) == both);
    json_decref(json);
    json_decref(roc);
    insp_metrics_clear(&m);
}

START_TEST(every_tiny_set_has_metrics) {
    for (size_t count = 0; count <= TINY_IMAGES; count++)
        for (size_t number = 0; number < tiny_sets(count); number++) {
            float score[TINY_IMAGES + 1];
            uint8_t truth[TINY_IMAGES + 1];
            tiny_set(number, count, score, truth);
            check_tiny(score, truth, count);
        }
}
END_TEST

INSP_TESTS(every_tiny_set_has_metrics, wilson_interval_of_8_in_10, rates_at_the_ends,
           confusion_counts_positive_as_anomaly, ties_count_half, one_class_only_gives_nan_and_null,
           a_probability_that_is_no_number_is_refused, json_says_it_in_words, roc_curve_runs_from_corner_to_corner,
           roc_curve_is_bounded);
