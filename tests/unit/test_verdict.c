#include "core/model/verdict.h"

#include "core/model/manifest.h"
#include "harness.h"

#include <math.h>

START_TEST(without_a_band_the_threshold_decides) {
    struct insp_manifest manifest = {.threshold = 0.7f};
    ck_assert_int_eq(insp_verdict_of(&manifest, 0), INSP_VERDICT_GOOD);
    ck_assert_int_eq(insp_verdict_of(&manifest, nextafterf(0.7f, 0)), INSP_VERDICT_GOOD);
    ck_assert_int_eq(insp_verdict_of(&manifest, 0.7f), INSP_VERDICT_ANOMALY);
    ck_assert_int_eq(insp_verdict_of(&manifest, 1), INSP_VERDICT_ANOMALY);
}
END_TEST

START_TEST(a_band_answers_review_from_low_to_below_high) {
    struct insp_manifest manifest = {.threshold = 0.5f, .review = {.on = true, .low = 0.25f, .high = 0.75f}};
    ck_assert_int_eq(insp_verdict_of(&manifest, nextafterf(0.25f, 0)), INSP_VERDICT_GOOD);
    ck_assert_int_eq(insp_verdict_of(&manifest, 0.25f), INSP_VERDICT_REVIEW);
    ck_assert_int_eq(insp_verdict_of(&manifest, 0.5f), INSP_VERDICT_REVIEW);
    ck_assert_int_eq(insp_verdict_of(&manifest, nextafterf(0.75f, 0)), INSP_VERDICT_REVIEW);
    ck_assert_int_eq(insp_verdict_of(&manifest, 0.75f), INSP_VERDICT_ANOMALY);
}
END_TEST

START_TEST(names) {
    ck_assert_str_eq(insp_verdict_name(INSP_VERDICT_GOOD), "good");
    ck_assert_str_eq(insp_verdict_name(INSP_VERDICT_ANOMALY), "anomaly");
    ck_assert_str_eq(insp_verdict_name(INSP_VERDICT_REVIEW), "review");
}
END_TEST

INSP_TESTS(without_a_band_the_threshold_decides, a_band_answers_review_from_low_to_below_high, names);
