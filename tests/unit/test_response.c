#include "api/http/response.h"

#include "core/base/cleanup.h"

#include "harness.h"

#include <math.h>
#include <string.h>

static struct insp_error err;

static const char *header(const struct api_response *response, const char *name) {
    for (size_t i = 0; i < response->header_count; i++)
        if (!strcmp(response->header[i].name, name))
            return response->header[i].value;
    return NULL;
}

START_TEST(test_every_code_becomes_a_problem) {
    static const int codes[] = {
#define X(symbol, number, http, wire, title) symbol,
        INSP_ERROR_TABLE(X)
#undef X
    };
    for (size_t i = 0; i < INSP_COUNT(codes); i++) {
        struct api_response response = {0};
        insp_fail(&err, codes[i], "it \"is\" wrong\n");
        api_response_problem(&response, &err);
        json_t *json = json_loadb(response.body, response.bytes, 0, NULL);
        ck_assert_int_eq(json_integer_value(json_object_get(json, "status")), response.status);
        ck_assert_str_eq(json_string_value(json_object_get(json, "code")), insp_code_wire(codes[i]));
        ck_assert_str_eq(json_string_value(json_object_get(json, "detail")), err.detail);
        ck_assert_str_eq(response.content_type, "application/problem+json");
        ck_assert_int_eq(response.status == 503, header(&response, "Retry-After") != NULL);
        ck_assert_int_eq(response.status == 401, header(&response, "WWW-Authenticate") != NULL);
        json_decref(json);
        api_response_clear(&response);
    }
}
END_TEST

START_TEST(test_a_kserve_problem_has_that_form) {
    struct api_response response = {.kserve = true};
    insp_fail(&err, INSP_E_QUEUE_FULL, "all 64 are in use");
    api_response_problem(&response, &err);
    api_response_problem(&response, &err); /* the form stays */
    ck_assert_str_eq(response.body, "{\"error\":\"all 64 are in use\",\"code\":\"queue_full\"}\n");
    ck_assert_str_eq(response.content_type, "application/json");
    ck_assert_uint_eq(response.status, 503);
    ck_assert_str_eq(header(&response, "Retry-After"), "1");
    api_response_clear(&response);
}
END_TEST

START_TEST(test_floats_have_no_more_digits_than_they_need) {
    static const struct {
        float value;
        const char *text;
    } rows[] = {
        {0.1f, "[0.1]\n"}, {0.7f, "[0.7]\n"}, {1, "[1.0]\n"}, {NAN, "[null]\n"}, {0.123456789f, "[0.12345679]\n"}};
    for (size_t i = 0; i < INSP_COUNT(rows); i++) {
        struct api_response response = {0};
        ck_insp_ok(api_response_json(&response, 200, json_pack("[o]", api_json_float(rows[i].value)), &err), err);
        ck_assert_str_eq(response.body, rows[i].text);
        api_response_clear(&response);
    }
}
END_TEST

START_TEST(test_no_json_is_out_of_memory) {
    struct api_response response = {0};
    ck_insp_code(api_response_json(&response, 200, NULL, &err), INSP_E_NOMEM, err);
    ck_assert_uint_eq(response.status, 0);
}
END_TEST

/* A file name may be any bytes, JSON is UTF-8: the client still gets the code that it is about. */
START_TEST(test_a_detail_that_is_not_utf8) {
    struct api_response response = {0};
    insp_fail(&err, INSP_E_IO, "%s", "caf\xe9.png");
    api_response_problem(&response, &err);
    json_t *json = json_loadb(response.body, response.bytes, 0, NULL);
    ck_assert_uint_eq(response.status, 500);
    ck_assert_str_eq(json_string_value(json_object_get(json, "code")), "io_error");
    ck_assert_str_eq(json_string_value(json_object_get(json, "detail")), "caf?.png");
    json_decref(json);
    api_response_clear(&response);
}
END_TEST

START_TEST(test_a_problem_replaces_the_answer) {
    struct api_response response = {0};
    ck_insp_ok(api_response_json(&response, 200, json_pack("{s:i}", "a", 1), &err), err);
    api_response_header(&response, "Location", "/x");
    insp_fail(&err, INSP_E_CONFLICT, "no");
    api_response_problem(&response, &err);
    ck_assert_uint_eq(response.status, 409);
    ck_assert_str_eq(response.code, "conflict");
    ck_assert_ptr_null(header(&response, "Location"));
    api_response_clear(&response);
    ck_assert_ptr_null(response.body);
}
END_TEST

START_TEST(test_headers_have_bounds) {
    struct api_response response = {0};
    char longest[API_HEADER_BYTES + 1] = "";
    memset(longest, 'a', API_HEADER_BYTES);
    api_response_header(&response, "Long", "%s", longest);
    ck_assert_uint_eq(response.header_count, 0);
    for (int i = 0; i < API_HEADERS_MAX + 2; i++)
        api_response_header(&response, "X", "%d", i);
    ck_assert_uint_eq(response.header_count, API_HEADERS_MAX);
}
END_TEST

START_TEST(test_times_and_texts) {
    json_t *ms = api_json_ms(1234), *at = api_json_time(1000), *word = api_json_text("a");
    ck_assert_double_eq(json_real_value(ms), 1.234);
    ck_assert_str_eq(json_string_value(at), "1970-01-01T00:00:00.001Z");
    ck_assert_str_eq(json_string_value(word), "a");
    ck_assert(json_is_null(api_json_time(0)));
    ck_assert(json_is_null(api_json_text("")) && json_is_null(api_json_text(NULL)));
    json_decref(ms);
    json_decref(at);
    json_decref(word);
}
END_TEST

INSP_TESTS(test_a_kserve_problem_has_that_form, test_every_code_becomes_a_problem,
           test_floats_have_no_more_digits_than_they_need, test_no_json_is_out_of_memory,
           test_a_detail_that_is_not_utf8, test_a_problem_replaces_the_answer, test_headers_have_bounds,
           test_times_and_texts);
