#include "api/http/raw_answer.h"
#include "tests/unit/harness.h"

#include <jansson.h>
#include <string.h>

static char text[API_RAW_ANSWER_BYTES];

static json_t *body_of(const char *answer, size_t length) {
    const char *end = strstr(answer, "\r\n\r\n"), *declared = strstr(answer, "Content-Length: ");
    ck_assert_ptr_nonnull(end);
    ck_assert_ptr_nonnull(declared);
    ck_assert_uint_eq(strlen(answer), length);
    ck_assert_int_eq(atoi(declared + 16), (int)strlen(end + 4));
    json_t *json = json_loads(end + 4, 0, NULL);
    ck_assert_ptr_nonnull(json);
    return json;
}

START_TEST(test_a_problem) {
    struct insp_error error;
    insp_fail(&error, INSP_E_QUEUE_FULL, "all 256 connections are taken");
    json_t *json = body_of(text, api_raw_problem(&error, text));
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 503 ", 13), 0);
    ck_assert_ptr_nonnull(strstr(text, "\r\nRetry-After: 1\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nConnection: close\r\n"));
    ck_assert_str_eq(json_string_value(json_object_get(json, "code")), "queue_full");
    ck_assert_str_eq(json_string_value(json_object_get(json, "detail")), "all 256 connections are taken");
    ck_assert_int_eq(json_integer_value(json_object_get(json, "status")), 503);
    json_decref(json);
}
END_TEST

START_TEST(test_no_retry_after_but_for_503) {
    struct insp_error error;
    insp_fail(&error, INSP_E_TIMEOUT, "the client stopped sending");
    json_decref(body_of(text, api_raw_problem(&error, text)));
    ck_assert_ptr_null(strstr(text, "Retry-After"));
}
END_TEST

START_TEST(test_a_detail_that_would_break_the_text_is_left_out) {
    static const char *const bad[] = {"a \"quoted\" name", "back\\slash", "line\nbreak", "\xc3\xbc"};
    struct insp_error error;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        insp_fail(&error, INSP_E_NOT_FOUND, "%s", bad[i]);
        json_t *json = body_of(text, api_raw_problem(&error, text));
        ck_assert_str_eq(json_string_value(json_object_get(json, "detail")), "");
        json_decref(json);
    }
}
END_TEST

START_TEST(test_the_longest_detail_fits) {
    struct insp_error error = {.code = INSP_E_TIMEOUT};
    memset(error.detail, 'x', sizeof error.detail - 1);
    size_t length = api_raw_problem(&error, text);
    ck_assert_uint_lt(length, sizeof text);
    json_decref(body_of(text, length));
}
END_TEST

INSP_TESTS(test_a_problem, test_no_retry_after_but_for_503, test_a_detail_that_would_break_the_text_is_left_out,
           test_the_longest_detail_fits);
