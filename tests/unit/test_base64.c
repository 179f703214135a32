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

START_TEST(a_text_of_unknown_size_is_decoded_to_its_end) {
    static const char text[] = "Zm9v\nYg==tail";
    struct insp_error error;
    uint8_t *data;
    size_t bytes;
    ck_insp_ok(insp_base64_decode_new(text, sizeof text - 5, &data, &bytes, &error), error);
    ck_assert_uint_eq(bytes, 4);
    ck_assert_mem_eq(data, "foob", 4);
    free(data);
    ck_insp_ok(insp_base64_decode_new("", 0, &data, &bytes, &error), error);
    ck_assert_uint_eq(bytes, 0);
    free(data);
    static const char *const wrong[] = {"Zm9", "Z", "Zg=", "Zg===", "Z*==", "Zg==Zg=="};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_insp_code(insp_base64_decode_new(wrong[i], strlen(wrong[i]), &data, &bytes, &error), INSP_E_PARAMETER,
                     error);
}
END_TEST

INSP_TESTS(a_text_of_unknown_size_is_decoded_to_its_end, vectors_of_the_rfc,
           other_lengths_and_letters_are_refused);
