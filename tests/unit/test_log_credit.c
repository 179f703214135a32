#include "api/http/log_credit.h"

#include "tests/unit/harness.h"

enum { SECOND = 1000000 };

static unsigned admitted(struct api_log_credit *credit, unsigned lines, int64_t now_us) {
    unsigned count = 0;
    for (unsigned i = 0; i < lines; i++)
        count += api_log_admit(credit, now_us);
    return count;
}

START_TEST(a_few_refusals_are_all_logged) {
    struct api_log_credit credit = {0};
    for (int i = 1; i <= 1000; i++)
        ck_assert(api_log_admit(&credit, 7 * SECOND + (int64_t)i * SECOND / API_LOG_PER_SECOND));
    ck_assert_uint_eq(credit.left_out, 0);
}
END_TEST

START_TEST(a_flood_is_bounded_and_counted) {
    struct api_log_credit credit = {0};
    int64_t now_us = 7 * SECOND;
    ck_assert_uint_eq(admitted(&credit, 5000, now_us), API_LOG_BURST);
    ck_assert_uint_eq(credit.left_out, 5000 - API_LOG_BURST);
    for (int i = 0; i < 60; i++)
        ck_assert_uint_eq(admitted(&credit, 5000, now_us += SECOND), API_LOG_PER_SECOND);
    ck_assert_uint_eq(credit.left_out, 61 * 5000 - API_LOG_BURST - 60 * API_LOG_PER_SECOND);
}
END_TEST

START_TEST(a_pause_gives_one_burst_again) {
    struct api_log_credit credit = {0};
    admitted(&credit, 5000, 7 * SECOND);
    ck_assert_uint_eq(admitted(&credit, 5000, INT64_C(1000000) * SECOND), API_LOG_BURST);
}
END_TEST

INSP_TESTS(a_few_refusals_are_all_logged, a_flood_is_bounded_and_counted, a_pause_gives_one_burst_again);
