#include "api/response.h"

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

START_TEST(test_a_detail_that_is_not_utf8_keeps_its_code) {
    struct api_response response = {0};
    insp_fail(&err, INSP_E_IMAGE, "bad \xff byte");
    api_response_problem(&response, &err);
    json_t *json = json_loadb(response.body, response.bytes, 0, NULL);
    ck_assert_uint_eq(response.status, 422);
    ck_assert_str_eq(json_string_value(json_object_get(json, "code")), "image_undecodable");
    json_decref(json);
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

INSP_TESTS(test_every_code_becomes_a_problem, test_a_detail_that_is_not_utf8_keeps_its_code,
           test_floats_have_no_more_digits_than_they_need, test_no_json_is_out_of_memory);
