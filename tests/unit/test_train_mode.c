#include "core/train/train_mode.h"

#include "tests/unit/harness.h"

static enum insp_train_mode automatic(size_t good, size_t defective) {
    return insp_train_mode_choose(INSP_MODE_AUTO, good, defective);
}

START_TEST(ten_defects_are_enough_to_train_a_tail) {
    ck_assert_int_eq(automatic(50, 0), INSP_MODE_GOOD_ONLY);
    ck_assert_int_eq(automatic(50, 9), INSP_MODE_GOOD_ONLY);
    ck_assert_int_eq(automatic(50, 10), INSP_MODE_SUPERVISED);
    ck_assert_int_eq(automatic(0, 10), INSP_MODE_SUPERVISED); /* which refuses it with its own reason */
}
END_TEST

START_TEST(too_few_good_images_for_a_good_only_model_leave_the_tail_if_it_has_defects) {
    ck_assert_int_eq(automatic(19, 1), INSP_MODE_SUPERVISED);
    ck_assert_int_eq(automatic(0, 8), INSP_MODE_SUPERVISED); /* refused, for it has no good images */
    ck_assert_int_eq(automatic(20, 1), INSP_MODE_GOOD_ONLY);
    ck_assert_int_eq(automatic(19, 0), INSP_MODE_GOOD_ONLY); /* refused, with the number that is needed */
    ck_assert_int_eq(automatic(0, 0), INSP_MODE_GOOD_ONLY);
}
END_TEST

START_TEST(a_mode_that_was_chosen_stays) {
    ck_assert_int_eq(insp_train_mode_choose(INSP_MODE_GOOD_ONLY, 100, 100), INSP_MODE_GOOD_ONLY);
    ck_assert_int_eq(insp_train_mode_choose(INSP_MODE_SUPERVISED, 100, 0), INSP_MODE_SUPERVISED);
    ck_assert_int_eq(insp_train_mode_choose(INSP_MODE_ADD_GOOD, 100, 100), INSP_MODE_ADD_GOOD);
    ck_assert_str_eq(insp_train_mode_name(INSP_MODE_ADD_GOOD), "add_good");
    ck_assert_str_eq(insp_train_mode_name(INSP_MODE_AUTO), "auto");
    ck_assert_str_eq(insp_train_mode_name(INSP_MODE_SUPERVISED), "supervised");
    ck_assert_str_eq(insp_train_mode_name(INSP_MODE_GOOD_ONLY), "good_only");
}
END_TEST

INSP_TESTS(ten_defects_are_enough_to_train_a_tail,
           too_few_good_images_for_a_good_only_model_leave_the_tail_if_it_has_defects,
           a_mode_that_was_chosen_stays);
