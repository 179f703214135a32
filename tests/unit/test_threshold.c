#include "core/judge/threshold.h"

#include "core/base/cleanup.h"
#include "core/base/splitmix.h"
#include "harness.h"

#include <math.h>
#include <string.h>

static struct insp_threshold_advice advise(const float *probability, const uint8_t *label, size_t count,
                                           double max_missed) {
    struct insp_threshold_advice advice;
    struct insp_error err = {0};
    ck_insp_ok(insp_threshold_advise(probability, label, count, max_missed, &advice, &err), err);
    return advice;
}

enum { ANOMALIES = 200, GOODS = 300, IMAGES = ANOMALIES + GOODS };

/* Anomalies at 0.2 + i/1000, good images at i/1000: they overlap from 0.2 to 0.3. */
static void ladder(float *probability, uint8_t *label) {
    for (int i = 0; i < IMAGES; i++) {
        label[i] = i < ANOMALIES;
        probability[i] = label[i] ? 0.2f + (float)i / 1000 : (float)(i - ANOMALIES) / 1000;
    }
}

START_TEST(the_advice_is_the_highest_threshold_that_keeps_the_promise) {
    float probability[IMAGES];
    uint8_t label[IMAGES];
    ladder(probability, label);
    struct insp_threshold_advice a = advise(probability, label, IMAGES, 0.05);
    ck_assert(a.reachable && a.missed.high <= 0.05 && a.missed.of == ANOMALIES);
    ck_assert(insp_rate(a.missed.hits + 1, ANOMALIES).high > 0.05); /* one miss more would break it */
    /* brute force over every candidate: the verdict rule at the threshold and just above it */
    uint64_t below = 0, below_next = 0, alarms = 0;
    for (int i = 0; i < IMAGES; i++) {
        below += label[i] && !(probability[i] >= a.threshold);
        below_next += label[i] && !(probability[i] >= nextafterf(a.threshold, 1));
        alarms += !label[i] && probability[i] >= a.threshold;
    }
    ck_assert_uint_eq(a.missed.hits, below);
    ck_assert(insp_rate(below_next, ANOMALIES).high > 0.05);
    ck_assert_uint_eq(a.false_alarms.hits, alarms);
    ck_assert_uint_eq(a.false_alarms.of, GOODS);
    ck_assert_double_eq(a.false_alarms.high, insp_rate(alarms, GOODS).high);
}
END_TEST

START_TEST(tied_scores_are_all_missed_or_none) {
    float probability[IMAGES];
    uint8_t label[IMAGES];
    ladder(probability, label);
    uint64_t free_misses = advise(probability, label, IMAGES, 0.05).missed.hits;
    ck_assert_uint_gt(free_misses, 2);
    for (uint64_t i = 1; i <= free_misses; i++) /* a tie across the cut */
        probability[i] = probability[1];
    struct insp_threshold_advice a = advise(probability, label, IMAGES, 0.05);
    ck_assert_float_eq(a.threshold, probability[1]);
    ck_assert_uint_eq(a.missed.hits, 1);
    for (int i = 0; i < IMAGES; i++)
        probability[i] = 0.5f;
    a = advise(probability, label, IMAGES, 0.05);
    ck_assert(a.reachable && a.threshold == 0.5f && a.missed.hits == 0 && a.false_alarms.hits == GOODS);
}
END_TEST

START_TEST(too_few_anomalies_say_how_many_are_needed) {
    static const float probability[] = {0.9f, 0.8f, 0.95f, 0.1f, 0.85f};
    static const uint8_t label[] = {1, 1, 1, 0, 0};
    struct insp_threshold_advice a = advise(probability, label, 5, 0.05);
    ck_assert(!a.reachable);
    ck_assert_float_eq(a.threshold, 0.8f); /* the best that misses none */
    ck_assert(a.missed.hits == 0 && a.missed.of == 3 && a.false_alarms.hits == 1 && a.false_alarms.of == 2);
    ck_assert_uint_eq(a.anomalies_needed, 73);
    ck_assert(insp_rate(0, 73).high <= 0.05 && insp_rate(0, 72).high > 0.05);
    json_t *json = insp_threshold_json(&a);
    ck_assert(json_is_false(json_object_get(json, "reachable")));
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(json, "reason")), "73 anomalies are needed"));
    json_decref(json);
}
END_TEST

START_TEST(the_need_is_exact_over_the_whole_range) {
    static const float probability[] = {1, 0};
    static const uint8_t label[] = {1, 0};
    for (double max = 0.001; max <= 0.5; max += 0.0127) {
        struct insp_threshold_advice a = advise(probability, label, 2, max);
        ck_assert(!a.reachable && a.anomalies_needed > 1);
        ck_assert(insp_rate(0, a.anomalies_needed).high <= max && insp_rate(0, a.anomalies_needed - 1).high > max);
    }
}
END_TEST

START_TEST(the_float_survives_json) {
    struct insp_threshold_advice a = {
        .max_missed = 0.05, .reachable = true, .missed = insp_rate(0, 80), .false_alarms = insp_rate(1, 80)};
    for (a.threshold = 0.3f; a.threshold < 0.301f; a.threshold = nextafterf(a.threshold, 1) + 1e-5f) {
        json_t *json = insp_threshold_json(&a);
        char *text = json_dumps(json, 0);
        json_t *back = json_loads(text, 0, NULL);
        ck_assert((float)json_number_value(json_object_get(back, "threshold")) == a.threshold);
        ck_assert_ptr_null(json_object_get(back, "reason"));
        json_decref(back);
        json_decref(json);
        free(text);
    }
}
END_TEST

START_TEST(needs_both_classes_and_numbers) {
    static const float probability[] = {0.5f, NAN};
    static const uint8_t one[] = {1, 1}, both[] = {1, 0};
    struct insp_threshold_advice a;
    struct insp_error err = {0};
    ck_insp_code(insp_threshold_advise(probability, both, 2, 0.05, &a, &err), INSP_E_MODEL, err);
    ck_insp_code(insp_threshold_advise(probability, one, 1, 0.05, &a, &err), INSP_E_DATASET, err);
    ck_insp_code(insp_threshold_advise(probability, one + 1, 0, 0.05, &a, &err), INSP_E_DATASET, err);
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

static void check_tiny(const float *probability, const uint8_t *label, size_t count, double max_missed) {
    struct insp_threshold_advice advice;
    struct insp_error error;
    size_t anomalies = 0, missed = 0, alarms = 0;
    for (size_t i = 0; i < count; i++)
        anomalies += label[i];
    int r = insp_threshold_advise(probability, label, count, max_missed, &advice, &error);
    if (!anomalies || anomalies == count) {
        ck_assert_int_eq(r, INSP_E_DATASET);
        return;
    }
    ck_insp_ok(r, error);
    for (size_t i = 0; i < count; i++) {
        missed += label[i] && probability[i] < advice.threshold;
        alarms += !label[i] && probability[i] >= advice.threshold;
    }
    ck_assert_uint_eq(advice.missed.hits, missed);
    ck_assert_uint_eq(advice.missed.of, anomalies);
    ck_assert_uint_eq(advice.false_alarms.hits, alarms);
    ck_assert(advice.reachable == (advice.missed.high <= max_missed));
    ck_assert(advice.reachable || advice.anomalies_needed > anomalies);
    json_t *json = insp_threshold_json(&advice);
    ck_assert_ptr_nonnull(json);
    json_decref(json);
}

START_TEST(every_tiny_set_has_an_advice_or_is_refused) {
    for (size_t count = 0; count <= TINY_IMAGES; count++)
        for (size_t number = 0; number < tiny_sets(count); number++) {
            float probability[TINY_IMAGES + 1];
            uint8_t label[TINY_IMAGES + 1];
            tiny_set(number, count, probability, label);
            check_tiny(probability, label, count, 0.05);
            check_tiny(probability, label, count, 0.5);
        }
}
END_TEST

/* --- two promises --- */

static struct insp_threshold_promise promise(const float *probability, const uint8_t *label, size_t count,
                                             double missed, double rejected) {
    struct insp_threshold_promise ret;
    struct insp_error err = {0};
    ck_insp_ok(insp_threshold_promise_of(probability, label, count, missed, rejected, &ret, &err), err);
    return ret;
}

START_TEST(with_a_gap_both_promises_are_kept_half_way) {
    float probability[IMAGES];
    uint8_t label[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
        label[i] = i < ANOMALIES;
        probability[i] = label[i] ? 0.8f : 0.2f;
    }
    struct insp_threshold_promise p = promise(probability, label, IMAGES, 0.05, 0.05);
    ck_assert(p.missed.kept && p.rejected.kept && !p.overlap);
    ck_assert_float_eq_tol(p.threshold, 0.5f, 1e-4f);
    ck_assert_double_eq_tol(p.missed.at_most, 1 - pow(0.05, 1.0 / ANOMALIES), 1e-9); /* none of 200 */
    ck_assert(p.missed.needed == 0 && p.rejected.needed == 0);
    p = promise(probability, label, IMAGES, 0.01, 0.05); /* needs 299 anomalies */
    ck_assert(!p.missed.kept && p.rejected.kept && !p.overlap);
    ck_assert_uint_eq(p.missed.needed, 99);
    json_t *json = insp_threshold_promise_json(&p);
    ck_assert(json_is_false(json_object_get(json, "kept")));
    ck_assert_str_eq(json_string_value(json_object_get(json, "reason")),
                     "99 more anomalies are needed, with no larger share of them on the wrong side");
    json_decref(json);
}
END_TEST

/* 12 of 300 good parts look like anomalies: 4 % of them are seen, but 5 % cannot be promised from so few. */
START_TEST(an_overlap_says_how_many_more_images_help) {
    float probability[IMAGES];
    uint8_t label[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
        label[i] = i < ANOMALIES;
        probability[i] = label[i] ? 0.8f : i < ANOMALIES + 12 ? 0.9f : 0.1f;
    }
    struct insp_threshold_promise p = promise(probability, label, IMAGES, 0.05, 0.05);
    ck_assert(p.overlap && p.missed.kept && !p.rejected.kept);
    ck_assert_float_eq(p.threshold, 0.8f);
    ck_assert_uint_eq(p.rejected.hits, 12);
    ck_assert(p.rejected.needed > 500 && p.rejected.needed < 2000);
    for (int i = ANOMALIES; i < ANOMALIES + 18; i++) /* 6 %: more than may be rejected, whatever their number */
        probability[i] = 0.9f;
    p = promise(probability, label, IMAGES, 0.05, 0.05);
    ck_assert(p.rejected.needed == INSP_NO_NUMBER);
    json_t *json = insp_threshold_promise_json(&p);
    ck_assert(json_is_null(json_object_get(json_object_get(json, "rejected"), "more_needed")));
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(json, "reason")), "18 of 300 good images"));
    json_decref(json);
}
END_TEST

/* Ten anomalies promise nothing about misses. One of them among the good parts must not cost half of those. */
START_TEST(too_few_anomalies_do_not_cost_the_good_parts) {
    float probability[110];
    uint8_t label[110];
    for (int i = 0; i < 110; i++) {
        label[i] = i < 10;
        probability[i] = label[i] ? 0.8f : 0.2f + 0.001f * (float)i;
    }
    probability[0] = 0.26f;
    probability[109] = 0.9f;
    struct insp_threshold_promise p = promise(probability, label, 110, 0.05, 0.05);
    ck_assert(p.overlap && !p.missed.kept && p.rejected.kept);
    ck_assert_float_eq(p.threshold, 0.8f);
    ck_assert(p.missed.hits == 1 && p.rejected.hits == 1);
    p = promise(probability, label, 110, 0.01, 0.5); /* rejections that hardly count */
    ck_assert_float_eq(p.threshold, 0.26f);
    ck_assert(p.missed.hits == 0 && p.rejected.hits == 50);
}
END_TEST

static double uniform(uint64_t *state) {
    return (double)(insp_splitmix(state) >> 11) * 0x1p-53;
}

/* Scores whose true distributions are known: a logistic one around 0.5 +- `apart`. */
static float score(uint64_t *state, double apart, bool anomaly) {
    double u = uniform(state);
    return (float)(1 / (1 + exp(-(log(u / (1 - u)) + (anomaly ? apart : -apart)))));
}

/* Share of anomalies below, or of good parts at and above, a threshold. */
static double below(double threshold, double apart, bool anomaly) {
    double x = log(threshold / (1 - threshold)) - (anomaly ? apart : -apart), share = 1 / (1 + exp(-x));
    return anomaly ? share : 1 - share;
}

/* Random sets of images: the promise that is said to be kept is kept for all parts in 95 % of them. By chance some
 * 1 % fewer of 2,000 sets may keep it. */
START_TEST(promises_hold_for_parts_that_were_not_seen) {
    enum { SETS = 2000, CLASS = 120 };
    static const double apart[] = {3.2, 4.5, 6}; /* overlapping, hardly, well apart */
    uint64_t state = 5;
    for (size_t a = 0; a < INSP_COUNT(apart); a++) {
        size_t said[2] = {0}, held[2] = {0}, histogram[2][10] = {{0}};
        for (size_t set = 0; set < SETS; set++) {
            float probability[2 * CLASS];
            uint8_t label[2 * CLASS];
            for (size_t i = 0; i < INSP_COUNT(label); i++) {
                label[i] = i % 2;
                probability[i] = score(&state, apart[a], label[i]);
            }
            struct insp_threshold_promise p = promise(probability, label, INSP_COUNT(label), 0.05, 0.05);
            const struct insp_error_promise *of[] = {&p.missed, &p.rejected};
            for (size_t k = 0; k < 2; k++) {
                double share = below((double)p.threshold, apart[a], k == 0);
                said[k] += of[k]->kept;
                held[k] += of[k]->kept && share <= 0.05;
                histogram[k][share < 0.09 ? (size_t)(share * 100) : 9] += of[k]->kept;
            }
        }
        for (size_t k = 0; k < 2; k++) {
            printf("%s, classes %.1f apart: promised in %zu of %d sets, held in %zu; by percent:",
                   k ? "rejected" : "missed", 2 * apart[a], said[k], SETS, held[k]);
            for (size_t i = 0; i < 10; i++)
                printf(" %zu", histogram[k][i]);
            putchar('\n');
            ck_assert_uint_le(said[k] - held[k], SETS * 5 / 100 + SETS * 15 / 1000);
        }
    }
}
END_TEST

INSP_TESTS(with_a_gap_both_promises_are_kept_half_way, an_overlap_says_how_many_more_images_help,
           too_few_anomalies_do_not_cost_the_good_parts, promises_hold_for_parts_that_were_not_seen,
           every_tiny_set_has_an_advice_or_is_refused, the_advice_is_the_highest_threshold_that_keeps_the_promise,
           tied_scores_are_all_missed_or_none, too_few_anomalies_say_how_many_are_needed,
           the_need_is_exact_over_the_whole_range, the_float_survives_json, needs_both_classes_and_numbers);
