#include "core/train/promote.h"
#include "harness.h"

#include <math.h>
#include <string.h>

static char reason[INSP_REASON_BYTES];

START_TEST(the_first_model_is_activated_unless_forbidden) {
    ck_assert(insp_train_should_activate(INSP_ACTIVATE_IF_BETTER, false, 0.5, NAN, reason));
    ck_assert_ptr_nonnull(strstr(reason, "no active model"));
    ck_assert(insp_train_should_activate(INSP_ACTIVATE_ALWAYS, false, 0.5, NAN, reason));
    ck_assert(!insp_train_should_activate(INSP_ACTIVATE_NEVER, false, 0.5, NAN, reason));
    ck_assert_ptr_nonnull(strstr(reason, "never"));
}
END_TEST

START_TEST(if_better_means_strictly_better) {
    ck_assert(insp_train_should_activate(INSP_ACTIVATE_IF_BETTER, true, 0.91, 0.9, reason));
    ck_assert_ptr_nonnull(strstr(reason, "0.9100"));
    ck_assert_ptr_nonnull(strstr(reason, "0.9000"));
    ck_assert(!insp_train_should_activate(INSP_ACTIVATE_IF_BETTER, true, 0.9, 0.9, reason));
    ck_assert(!strncmp(reason, "not activated", 13));
    ck_assert(!insp_train_should_activate(INSP_ACTIVATE_IF_BETTER, true, 0.89, 0.9, reason));
    ck_assert(!insp_train_should_activate(INSP_ACTIVATE_IF_BETTER, true, NAN, 0.9, reason));
}
END_TEST

START_TEST(always_and_never_do_not_compare) {
    ck_assert(insp_train_should_activate(INSP_ACTIVATE_ALWAYS, true, 0.1, 0.9, reason));
    ck_assert(!insp_train_should_activate(INSP_ACTIVATE_NEVER, true, 0.9, 0.1, reason));
}
END_TEST

START_TEST(policies_have_the_names_of_the_wire) {
    ck_assert_str_eq(insp_activate_name(INSP_ACTIVATE_NEVER), "never");
    ck_assert_str_eq(insp_activate_name(INSP_ACTIVATE_IF_BETTER), "if_better");
    ck_assert_str_eq(insp_activate_name(INSP_ACTIVATE_ALWAYS), "always");
}
END_TEST

INSP_TESTS(the_first_model_is_activated_unless_forbidden, if_better_means_strictly_better,
           always_and_never_do_not_compare, policies_have_the_names_of_the_wire);
