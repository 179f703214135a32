#include "core/base/error.h"
#include "harness.h"

#include <errno.h>
#include <string.h>

START_TEST(every_code_has_its_own_number_and_wire_name) {
    static const int codes[] = {
#define X(symbol, number, http, wire, title) symbol,
        INSP_ERROR_TABLE(X)
#undef X
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        ck_assert_int_lt(codes[i], 0);
        ck_assert_int_ge(insp_code_http(codes[i]), 400);
        for (size_t j = 0; j < i; j++) {
            ck_assert_int_ne(codes[i], codes[j]);
            ck_assert_str_ne(insp_code_wire(codes[i]), insp_code_wire(codes[j]));
        }
    }
    ck_assert_str_eq(insp_code_wire(INSP_E_QUEUE_FULL), "queue_full");
    ck_assert_int_eq(insp_code_http(INSP_E_DEADLINE), 504);
    ck_assert_str_eq(insp_code_wire(-9999), "internal");
}
END_TEST

START_TEST(fail_fills_and_returns) {
    struct insp_error err = {0};
    ck_assert_int_eq(insp_fail(&err, INSP_E_IMAGE, "row %d", 7), INSP_E_IMAGE);
    ck_assert_int_eq(err.code, INSP_E_IMAGE);
    ck_assert_str_eq(err.detail, "row 7");
    ck_assert_int_eq(insp_fail(NULL, INSP_E_IO, "nobody listens"), INSP_E_IO);
}
END_TEST

START_TEST(errno_picks_the_code_and_the_text) {
    struct insp_error err = {0};
    ck_assert_int_eq(insp_fail_errno(&err, ENOSPC, "cannot write %s", "x"), INSP_E_NOSPACE);
    ck_assert_str_eq(err.detail, "cannot write x: No space left on device");
    ck_assert_int_eq(insp_fail_errno(&err, EACCES, "x"), INSP_E_PERMISSION);
    ck_assert_int_eq(insp_fail_errno(&err, ENOMEM, "x"), INSP_E_NOMEM);
    ck_assert_int_eq(insp_fail_errno(&err, EIO, "x"), INSP_E_IO);
}
END_TEST

START_TEST(prefix_keeps_code_and_old_text) {
    struct insp_error err = {0};
    insp_fail(&err, INSP_E_MODEL, "wrong shape");
    insp_error_prefix(&err, "product %s", "carpet");
    ck_assert_str_eq(err.detail, "product carpet: wrong shape");
    ck_assert_int_eq(err.code, INSP_E_MODEL);
}
END_TEST

/* A cut in the middle of a character would make the JSON encoder refuse the whole answer. */
START_TEST(a_cut_detail_ends_on_a_whole_character) {
    char text[2 * INSP_ERROR_DETAIL_BYTES];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', sizeof text);
        for (size_t i = shift; i + 3 < sizeof text - 1; i += 3)
            memcpy(text + i, "\xe2\x82\xac", 3);
        text[sizeof text - 1] = '\0';
        struct insp_error err = {0};
        insp_fail(&err, INSP_E_IO, "%s", text);
        size_t n = strlen(err.detail);
        ck_assert_uint_ge(n, INSP_ERROR_DETAIL_BYTES - 4);
        ck_assert_uint_eq((n - shift) % 3, 0);
    }
}
END_TEST

INSP_TESTS(every_code_has_its_own_number_and_wire_name, fail_fills_and_returns, errno_picks_the_code_and_the_text,
           prefix_keeps_code_and_old_text, a_cut_detail_ends_on_a_whole_character);
