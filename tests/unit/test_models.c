#include "core/serving/models.h"

#include "harness.h"

#include <math.h>

START_TEST(an_answer_is_a_probability) {
    ck_assert(insp_models_answer_well(0, 0, 0));
    ck_assert(insp_models_answer_well(1, 1, 0));
    ck_assert(!insp_models_answer_well(-0.001f, 0, 1));
    ck_assert(!insp_models_answer_well(1.001f, 1, 1));
    ck_assert(!insp_models_answer_well(NAN, 0.5f, 1));
    ck_assert(!insp_models_answer_well(INFINITY, 0.5f, 1));
}
END_TEST

START_TEST(an_answer_stays_within_the_tolerance) {
    ck_assert(insp_models_answer_well(0.5f, 0.5f, 0));
    ck_assert(insp_models_answer_well(0.51f, 0.5f, 0.02f));
    ck_assert(!insp_models_answer_well(0.53f, 0.5f, 0.02f));
    ck_assert(!insp_models_answer_well(0.47f, 0.5f, 0.02f));
    ck_assert(!insp_models_answer_well(0.5f, NAN, 0.02f));
}
END_TEST

INSP_TESTS(an_answer_is_a_probability, an_answer_stays_within_the_tolerance);
