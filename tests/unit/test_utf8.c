#include "core/base/utf8.h"

#include "harness.h"

#include <string.h>

static const char *cleaned(const char *text) {
    static char buffer[64];
    snprintf(buffer, sizeof buffer, "%s", text);
    insp_utf8_clean(buffer);
    return buffer;
}

START_TEST(well_formed_texts_stay) {
    static const char *const text[] = {
        "", "abc", "gut \xc3\xbc", "\xe4\xb8\xad", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        ck_assert_str_eq(cleaned(text[i]), text[i]);
}
END_TEST

START_TEST(other_bytes_become_question_marks) {
    ck_assert_str_eq(cleaned("M\xfcller.png"), "M?ller.png"); /* ISO 8859-1 */
    ck_assert_str_eq(cleaned("\xc0\xaf."), "??.");            /* overlong */
    ck_assert_str_eq(cleaned("\xe0\x80\x80."), "???.");       /* overlong */
    ck_assert_str_eq(cleaned("\xed\xa0\x80."), "???.");       /* a surrogate */
    ck_assert_str_eq(cleaned("\xf4\x90\x80\x80."), "????.");  /* beyond the last */
    ck_assert_str_eq(cleaned("\xff\xfe."), "??.");
    ck_assert_str_eq(cleaned("a\x80z"), "a?z");
}
END_TEST

START_TEST(a_sequence_that_was_cut_goes) {
    ck_assert_str_eq(cleaned("ab\xc3"), "ab");
    ck_assert_str_eq(cleaned("ab\xf0\x9f\x98"), "ab");
    ck_assert_str_eq(cleaned("ab\xe0\x80"), "ab??"); /* not the beginning of any */
}
END_TEST

INSP_TESTS(well_formed_texts_stay, other_bytes_become_question_marks, a_sequence_that_was_cut_goes);
