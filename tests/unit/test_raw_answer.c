#include "api/http/raw_answer.h"
#include "tests/unit/harness.h"

#include <jansson.h>
#include <string.h>

static char text[API_RAW_ANSWER_BYTES];

static json_t *body_of(const char *answer, size_t length) {
    const char *end = memmem(answer, length, "\r\n\r\n", 4), *declared = strstr(answer, "Content-Length: ");
    ck_assert_ptr_nonnull(end);
    ck_assert_ptr_nonnull(declared);
    ck_assert_uint_eq(strtoul(declared + 16, NULL, 10), (size_t)(answer + length - end - 4));
    json_t *json = json_loadb(end + 4, (size_t)(answer + length - end - 4), 0, NULL);
    ck_assert_ptr_nonnull(json);
    return json;
}

START_TEST(test_a_problem) {
    struct insp_error error;
    insp_fail(&error, INSP_E_QUEUE_FULL, "all 256 \"connections\" are taken");
    json_t *json = body_of(text, api_raw_problem(&error, text));
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 503 ", 13), 0);
    ck_assert_ptr_nonnull(strstr(text, "\r\nRetry-After: 1\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nConnection: close\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nContent-Type: application/problem+json\r\n"));
    ck_assert_str_eq(json_string_value(json_object_get(json, "code")), "queue_full");
    ck_assert_str_eq(json_string_value(json_object_get(json, "detail")), "all 256 \"connections\" are taken");
    ck_assert_int_eq(json_integer_value(json_object_get(json, "status")), 503);
    json_decref(json);
}
END_TEST

START_TEST(test_the_longest_detail_fits) {
    struct insp_error error = {.code = INSP_E_TIMEOUT};
    memset(error.detail, '"', sizeof error.detail - 1); /* each is two bytes in JSON */
    size_t length = api_raw_problem(&error, text);
    ck_assert_uint_gt(length, 0);
    json_decref(body_of(text, length));
}
END_TEST

START_TEST(test_an_answer_that_does_not_fit) {
    struct api_response response = {0};
    api_response_take(&response, 200, calloc(1, API_RAW_ANSWER_BYTES), API_RAW_ANSWER_BYTES, "image/png");
    ck_assert_uint_eq(api_raw_answer(&response, text), 0);
    api_response_clear(&response);
}
END_TEST

INSP_TESTS(test_a_problem, test_the_longest_detail_fits, test_an_answer_that_does_not_fit);
