#include "core/line/pairs.h"

#include "core/base/cleanup.h"

#include "harness.h"

#include <string.h>

static void ck_pair(const char **text, const char *key, const char *value) {
    struct insp_pair pair;
    struct insp_error err;
    ck_assert(insp_pair_next(text, &pair, &err));
    ck_assert_str_eq(pair.key, key);
    ck_assert_str_eq(pair.value, value);
}

START_TEST(test_pairs_come_in_their_order_without_blanks) {
    const char *text = " 1 = cam1,2=camera two ,\t3=a=b";
    struct insp_pair pair;
    struct insp_error err;
    ck_pair(&text, "1", "cam1");
    ck_pair(&text, "2", "camera two");
    ck_pair(&text, "3", "a=b");
    ck_assert(!insp_pair_next(&text, &pair, &err));
    ck_assert_int_eq(err.code, 0);
}
END_TEST

START_TEST(test_a_fault_names_the_entry) {
    static const char *const wrong[] = {"cam1", "1=", "=cam1", " = ", ",1=a", "1=a,,2=b"};
    for (size_t i = 0; i < INSP_COUNT(wrong); i++) {
        const char *text = wrong[i];
        struct insp_pair pair;
        struct insp_error err;
        while (insp_pair_next(&text, &pair, &err))
            ;
        ck_insp_code(err.code, INSP_E_CONFIG, err);
        ck_assert_ptr_nonnull(strstr(err.detail, "has the entry \""));
    }
}
END_TEST

START_TEST(test_a_side_that_is_too_long_is_refused) {
    char text[2 * INSP_PAIR_BYTES];
    struct insp_pair pair;
    struct insp_error err;
    memset(text, 'x', sizeof text);
    memcpy(text, "1=", 2);
    text[2 + INSP_PAIR_BYTES - 1] = 0;
    const char *at = text;
    ck_pair(&at, "1", text + 2);
    text[2 + INSP_PAIR_BYTES - 1] = 'x';
    text[2 + INSP_PAIR_BYTES] = 0;
    at = text;
    ck_assert(!insp_pair_next(&at, &pair, &err));
    ck_insp_code(err.code, INSP_E_CONFIG, err);
}
END_TEST

START_TEST(test_numbers_stay_within_their_range) {
    unsigned value = 7;
    ck_assert(insp_pair_number("247", 1, 247, &value) && value == 247);
    static const char *const wrong[] = {"", "0", "248", "-1", "+1", "1x", " 1", "1.0", "4294967297", "0x1"};
    for (size_t i = 0; i < INSP_COUNT(wrong); i++)
        ck_assert(!insp_pair_number(wrong[i], 1, 247, &value));
    ck_assert_uint_eq(value, 247);
}
END_TEST

INSP_TESTS(test_pairs_come_in_their_order_without_blanks, test_a_fault_names_the_entry,
           test_a_side_that_is_too_long_is_refused, test_numbers_stay_within_their_range);
