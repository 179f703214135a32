#include "core/inspect/batch.h"

#include "tests/unit/harness.h"

#include <string.h>

/* fates as text: w wait, t take, x expired */
static void expect_weighted(const int64_t *deadline_us, const size_t *weight, size_t batch_max, int64_t now_us,
                            const char *fates) {
    enum insp_batch_fate fate[16];
    size_t count = strlen(fates), taken = 0;
    size_t got = insp_batch_form(deadline_us, weight, count, batch_max, now_us, fate);
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg("wtx"[fate[i]] == fates[i], "image %zu of %s: %c", i, fates, "wtx"[fate[i]]);
        taken += fates[i] == 't';
    }
    ck_assert_uint_eq(got, taken);
}

static void expect(const int64_t *deadline_us, size_t batch_max, int64_t now_us, const char *fates) {
    static const size_t weight[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    expect_weighted(deadline_us, weight, batch_max, now_us, fates);
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

/* An image of many tiles goes alone, is never left behind, and is overtaken by none. */
START_TEST(test_tiles_weigh_more) {
    const int64_t none[5] = {0}, late[5] = {0, 100, 0, 0, 0};
    expect_weighted(none, (const size_t[]){48, 1, 1}, 16, 100, "tww");
    expect_weighted(none, (const size_t[]){1, 48, 1}, 16, 100, "tww");
    expect_weighted(none, (const size_t[]){8, 8, 1, 1}, 16, 100, "ttww");
    expect_weighted(none, (const size_t[]){8, 4, 4, 4}, 16, 100, "tttw");
    expect_weighted(late, (const size_t[]){8, 48, 8, 1}, 16, 100, "txtw");
    expect_weighted(none, (const size_t[]){SIZE_MAX, SIZE_MAX}, 64, 100, "tw");
}
END_TEST

INSP_TESTS(test_tiles_weigh_more, test_takes_the_oldest_up_to_the_largest_batch, test_expired_take_no_place,
           test_all_expired);
