/* tests/unit/harness.h - define the main of a Check program: one suite, forked, CK_VERBOSITY from the environment.
 *     INSP_TESTS(test_one, test_two)
 * where each is a START_TEST. */
#ifndef INSP_TESTS_HARNESS_H
#define INSP_TESTS_HARNESS_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* Check writes the line of each assertion that holds into a file: a system call for each of a million numbers. */
#undef ck_assert_msg
#define ck_assert_msg(expr, ...)                                                                                  \
    ((expr) ? (void)0 : _ck_assert_failed(__FILE__, __LINE__, "Assertion '" #expr "' failed", ##__VA_ARGS__))

#define INSP_TESTS(...)                                                                                           \
    int main(void) {                                                                                              \
        const TTest *const all[] = {__VA_ARGS__};                                                                 \
        Suite *suite = suite_create(__FILE__);                                                                    \
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {                                                   \
            TCase *tc = tcase_create(all[i]->name);                                                               \
            tcase_set_timeout(tc, 240);                                                                           \
            tcase_add_test(tc, all[i]);                                                                           \
            suite_add_tcase(suite, tc);                                                                           \
        }                                                                                                         \
        SRunner *runner = srunner_create(suite);                                                                  \
        srunner_run_all(runner, CK_ENV);                                                                          \
        int failed = srunner_ntests_failed(runner);                                                               \
        srunner_free(runner);                                                                                     \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                                              \
    }                                                                                                             \
    struct insp_harness_semicolon

/* assert that an insp function answered this code, printing the detail otherwise */
#define ck_insp_code(call, code, err)                                                                             \
    do {                                                                                                          \
        int ck_insp_got = (call);                                                                                 \
        ck_assert_msg(ck_insp_got == (code), "%s: got %d, expected %d: %s", #call, ck_insp_got, (code),           \
                      ck_insp_got ? (err).detail : "");                                                           \
    } while (0)
#define ck_insp_ok(call, err) ck_insp_code(call, 0, err)

#endif
