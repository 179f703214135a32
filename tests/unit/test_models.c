#include "api/models.h"
#include "tests/unit/harness.h"

#include <math.h>

START_TEST(test_a_first_answer_is_a_probability) {
    ck_assert(api_models_answer_well(0, false, 0, 0));
    ck_assert(api_models_answer_well(1, false, 0, 0));
    ck_assert(api_models_answer_well(0.5f, false, 0.9f, 0)); /* golden does not count yet */
    ck_assert(!api_models_answer_well(-0.001f, false, 0, 0));
    ck_assert(!api_models_answer_well(1.001f, false, 0, 0));
    ck_assert(!api_models_answer_well(NAN, false, 0, 0));
    ck_assert(!api_models_answer_well(INFINITY, false, 0, 0));
}
END_TEST

START_TEST(test_later_answers_are_held_against_it) {
    ck_assert(api_models_answer_well(0.5f, true, 0.5f, 0));
    ck_assert(api_models_answer_well(0.51f, true, 0.5f, 0.02f));
    ck_assert(!api_models_answer_well(0.53f, true, 0.5f, 0.02f));
    ck_assert(!api_models_answer_well(0.47f, true, 0.5f, 0.02f));
    ck_assert(!api_models_answer_well(NAN, true, 0.5f, 1));
    ck_assert(!api_models_answer_well(0.5f, true, NAN, 1));
}
END_TEST

INSP_TESTS(test_a_first_answer_is_a_probability, test_later_answers_are_held_against_it);
