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

START_TEST(test_characters) {
    static const struct {
        const char *text;
        uint32_t character;
    } good[] = {{"A", 'A'},
                {"\xc3\xa4", 0xe4},
                {"\xe2\x82\xac", 0x20ac},
                {"\xf0\x9f\x98\x80", 0x1f600},
                {"\x7f", 0x7f},
                {"\xf4\x8f\xbf\xbf", 0x10ffff},
                {"", 0}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint32_t character = 1;
        size_t bytes = strlen(good[i].text);
        ck_assert_uint_eq(insp_utf8_step(good[i].text, &character), bytes ? bytes : 1);
        ck_assert_uint_eq(character, good[i].character);
    }
}
END_TEST

START_TEST(test_malformed) {
    static const char *const bad[] = {"\x80",
                                      "\xff",
                                      "\xc3",
                                      "\xc3(",
                                      "\xc0\x80",
                                      "\xe0\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xe2\x82",
                                      "\xf4\x90\x80\x80",
                                      "\xf0\x9f\x98",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xc1\xbf"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint32_t character = 7;
        ck_assert_uint_eq(insp_utf8_step(bad[i], &character), 0);
        ck_assert_uint_eq(character, 7);
    }
}
END_TEST

START_TEST(test_visible) {
    static const uint32_t yes[] = {' ',   'A',    0xa0,   0xe4,   0x20ac,  0x2010,  0x1f600,
                                   0x5d0, 0xfdcf, 0xfdf0, 0xfffd, 0x10000, 0x10fffd},
                          no[] = {0,    '\n',   0x7f,    0x85,   0x202e, 0x2028, 0x2066, 0x200b,  0xfeff,
                                  0x9b, 0x200f, 0xe0041, 0xfffe, 0xffff, 0xfdd0, 0xfdef, 0x1fffe, 0x10ffff};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        ck_assert_msg(insp_utf8_visible(yes[i]), "%x", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        ck_assert_msg(!insp_utf8_visible(no[i]), "%x", no[i]);
}
END_TEST

INSP_TESTS(test_characters, test_malformed, test_visible, well_formed_texts_stay,
           other_bytes_become_question_marks, a_sequence_that_was_cut_goes);
