#include "core/base/base64.h"

#include "harness.h"

#include <string.h>

/* RFC 4648, section 10 */
START_TEST(vectors_of_the_rfc) {
    static const char *const pair[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"}};
    struct insp_error error;
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        char *text, back[8] = "";
        size_t bytes = strlen(pair[i][0]);
        ck_insp_ok(insp_base64_encode(pair[i][0], bytes, &text, &error), error);
        ck_assert_str_eq(text, pair[i][1]);
        ck_assert(insp_base64_decode(text, back, bytes));
        ck_assert_str_eq(back, pair[i][0]);
        free(text);
    }
}
END_TEST

START_TEST(other_lengths_and_letters_are_refused) {
    char back[8] = "before";
    ck_assert(!insp_base64_decode("Zm9v", back, 2));
    ck_assert(!insp_base64_decode("Zm9v", back, 4));
    ck_assert(!insp_base64_decode("Zm9", back, 3));
    ck_assert(!insp_base64_decode("Zm\xc3v", back, 3));
    ck_assert(!insp_base64_decode("Z===", back, 1));
    ck_assert(!insp_base64_decode("    ", back, 3));
    ck_assert_str_eq(back, "before");
}
END_TEST

INSP_TESTS(vectors_of_the_rfc, other_lengths_and_letters_are_refused);
