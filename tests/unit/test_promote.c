#include "core/judge/promote.h"

#include "harness.h"

#include <math.h>
#include <string.h>

START_TEST(every_case) {
    static const struct {
        enum insp_activate policy;
        bool has_active;
        double candidate, active;
        bool activates;
        const char *says;
    } row[] = {
        {INSP_ACTIVATE_NEVER, false, 1, NAN, false, "the policy is never"},
        {INSP_ACTIVATE_NEVER, true, 1, 0.5, false, "the policy is never"},
        {INSP_ACTIVATE_NEVER, true, 1, NAN, false, "the policy is never"},
        {INSP_ACTIVATE_ALWAYS, false, 0.1, NAN, true, "the policy is always"},
        {INSP_ACTIVATE_ALWAYS, true, 0.1, 0.9, true, "the policy is always"},
        {INSP_ACTIVATE_IF_BETTER, false, 0.1, NAN, true, "had no active model"},
        {INSP_ACTIVATE_IF_BETTER, true, 0.91, 0.9, true, "activated: balanced accuracy"},
        {INSP_ACTIVATE_IF_BETTER, true, 0.9, 0.9, false, "not activated: balanced accuracy"}, /* a tie */
        {INSP_ACTIVATE_IF_BETTER, true, 0.89, 0.9, false, "0.8900, the active model's is 0.9000"},
        {INSP_ACTIVATE_IF_BETTER, true, 0.5, NAN, true, "could not be evaluated"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char reason[INSP_REASON_BYTES];
        bool activates =
            insp_train_should_activate(row[i].policy, row[i].has_active, row[i].candidate, row[i].active, reason);
        ck_assert_msg(activates == row[i].activates, "row %zu: %s", i, reason);
        ck_assert_msg(strstr(reason, row[i].says) != NULL, "row %zu: %s", i, reason);
        ck_assert_msg(strncmp(reason, activates ? "activated" : "not activated", activates ? 9 : 13) == 0,
                      "row %zu: %s", i, reason);
    }
}
END_TEST

START_TEST(names_of_the_policies) {
    ck_assert_str_eq(insp_activate_name(INSP_ACTIVATE_NEVER), "never");
    ck_assert_str_eq(insp_activate_name(INSP_ACTIVATE_IF_BETTER), "if_better");
    ck_assert_str_eq(insp_activate_name(INSP_ACTIVATE_ALWAYS), "always");
}
END_TEST

INSP_TESTS(every_case, names_of_the_policies);
