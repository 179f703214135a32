#include "daemon/grab/grab_account.h"
#include "harness.h"

#include <string.h>

START_TEST(gaps_in_the_numbers_are_lost_frames) {
    struct grab_account a = {0};
    ck_assert_uint_eq(grab_account_frame(&a, 7), 0);
    ck_assert_uint_eq(grab_account_frame(&a, 8), 0);
    ck_assert_uint_eq(grab_account_frame(&a, 11), 2);
    ck_assert_uint_eq(a.frames, 5);
    grab_account_connected(&a);
    ck_assert_uint_eq(grab_account_frame(&a, 500), 0);
    ck_assert_uint_eq(grab_account_frame(&a, 1), 0);     /* the camera was restarted */
    ck_assert_uint_eq(grab_account_frame(&a, 20000), 0); /* no gap can be so long */
    ck_assert_uint_eq(a.refused[GRAB_LOST], 2);
}
END_TEST

START_TEST(numbers_of_16_bits_wrap_to_1) {
    struct grab_account a = {0};
    grab_account_frame(&a, 65535);
    ck_assert_uint_eq(grab_account_frame(&a, 1), 0);
    grab_account_connected(&a);
    grab_account_frame(&a, 65534);
    ck_assert_uint_eq(grab_account_frame(&a, 2), 2); /* 65535 and 1 */
    grab_account_connected(&a);
    grab_account_frame(&a, 65535);
    ck_assert_uint_eq(grab_account_frame(&a, 65536), 0); /* numbers of 64 bits */
    ck_assert_uint_eq(grab_account_frame(&a, 65538), 1);
}
END_TEST

START_TEST(each_frame_has_one_end) {
    struct grab_account a = {0};
    char text[GRAB_TEXT_BYTES];
    for (uint64_t i = 1; i <= 6; i++)
        grab_account_frame(&a, i);
    ck_assert(grab_account_verdict(&a, "good"));
    ck_assert(grab_account_verdict(&a, "review"));
    ck_assert(!grab_account_verdict(&a, "fine"));
    grab_account_code(&a, "queue_full");
    grab_account_code(&a, "queue_full");
    grab_account_refuse(&a, GRAB_UNANSWERED);
    ck_assert_uint_eq(grab_account_verdicts(&a), 2);
    ck_assert_uint_eq(grab_account_refused(&a), 3);
    grab_account_text(&a, text);
    ck_assert_str_eq(text, "frames=6 good=1 anomaly=0 review=1 refused=3 in_hand=1 lost=0 incomplete=0 format=0 "
                           "untriggered=0 behind=0 daemon=2 away=0 unanswered=1 stopped=0 code.queue_full=2");
}
END_TEST

START_TEST(many_codes_end_as_other) {
    struct grab_account a = {0};
    char code[100], text[GRAB_TEXT_BYTES];
    memset(code, 'x', sizeof code);
    code[sizeof code - 1] = 0;
    for (int i = 0; i < 2 * GRAB_CODES; i++) {
        code[0] = (char)('a' + i);
        code[40] = 0;
        grab_account_code(&a, code);
    }
    ck_assert_str_eq(a.code[GRAB_CODES - 1].name, "other");
    ck_assert_uint_eq(a.code[GRAB_CODES - 1].count, GRAB_CODES + 1);
    ck_assert_uint_eq(a.refused[GRAB_REFUSED], 2 * GRAB_CODES);
    grab_account_text(&a, text);
    ck_assert(strlen(text) < sizeof text);
}
END_TEST

INSP_TESTS(gaps_in_the_numbers_are_lost_frames, numbers_of_16_bits_wrap_to_1, each_frame_has_one_end,
           many_codes_end_as_other);
