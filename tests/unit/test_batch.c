#include "core/inspect/batch.h"

#include "tests/unit/harness.h"

#include <string.h>

/* fates as text: w wait, t take, x expired */
static void expect(const int64_t *deadline_us, size_t batch_max, int64_t now_us, const char *fates) {
    enum insp_batch_fate fate[16];
    size_t count = strlen(fates), taken = 0;
    size_t got = insp_batch_form(deadline_us, count, batch_max, now_us, fate);
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg("wtx"[fate[i]] == fates[i], "image %zu of %s: %c", i, fates, "wtx"[fate[i]]);
        taken += fates[i] == 't';
    }
    ck_assert_uint_eq(got, taken);
}

START_TEST(test_takes_the_oldest_up_to_the_largest_batch) {
    const int64_t none[5] = {0};
    expect(none, 8, 100, "ttttt");
    expect(none, 3, 100, "tttww");
    expect(none, 1, 100, "twwww");
    expect(none, 1, 100, "");
}
END_TEST

START_TEST(test_expired_take_no_place) {
    const int64_t deadline_us[5] = {100, 0, 99, 101, 500};
    expect(deadline_us, 2, 100, "xtxtw");
    expect(deadline_us, 2, 99, "ttxww");
    expect(deadline_us, 8, 1000, "xtxxx");
}
END_TEST

START_TEST(test_all_expired) {
    const int64_t deadline_us[3] = {1, 1, 1};
    expect(deadline_us, 2, 1, "xxx");
}
END_TEST

INSP_TESTS(test_takes_the_oldest_up_to_the_largest_batch, test_expired_take_no_place, test_all_expired);
