#include "core/line/backoff.h"

#include "tests/unit/harness.h"

START_TEST(waits_double_up_to_half_a_minute) {
    ck_assert_uint_eq(insp_backoff_ms(1, 0), 250);
    ck_assert_uint_eq(insp_backoff_ms(2, 0), 500);
    ck_assert_uint_eq(insp_backoff_ms(7, 0), 16000);
    ck_assert_uint_eq(insp_backoff_ms(8, 0), 30000);
    ck_assert_uint_eq(insp_backoff_ms(UINT32_MAX, 0), 30000);
}
END_TEST

START_TEST(chance_takes_away_at_most_half) {
    for (unsigned failures = 1; failures < 12; failures++) {
        unsigned whole = insp_backoff_ms(failures, 0), least = whole;
        for (uint64_t random = 0; random <= whole; random++) {
            unsigned ms = insp_backoff_ms(failures, random);
            ck_assert(ms <= whole && ms >= whole / 2);
            least = ms < least ? ms : least;
        }
        ck_assert_uint_eq(least, whole - whole / 2);
        ck_assert(insp_backoff_ms(failures, UINT64_MAX) >= whole / 2);
    }
}
END_TEST

INSP_TESTS(waits_double_up_to_half_a_minute, chance_takes_away_at_most_half);
