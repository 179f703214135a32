#include "api/kserve/kserve_json.h"

#include "core/base/cleanup.h"

#include "harness.h"

#include <string.h>

static struct insp_error err;

static int parse(const char *text, json_t **ret, struct api_span *data) {
    return api_kserve_parse(text, strlen(text), ret, data, &err);
}

START_TEST(test_data_is_cut_out_and_the_rest_is_json) {
    static const struct {
        const char *text, *data;
    } rows[] = {
        {"{\"inputs\":[{\"name\":\"image\",\"data\":[\"a]b\\\"}\",1]}],\"id\":\"7\"}", "[\"a]b\\\"}\",1]"},
        {" { \"inputs\" : [ { \"data\" : [[1,2],[3]] , \"name\":\"image\" } ] , \"id\":\"7\" } ", "[[1,2],[3]]"},
        {"{\"id\":\"7\",\"data\":[9],\"inputs\":[{\"parameters\":{\"data\":[8]},\"name\":\"image\",\"data\":\"x\"}"
         "]}",
         "\"x\""},
        {"{\"id\":\"7\",\"inputs\":[{\"name\":\"image\",\"shape\":[\"data\"]}],\"outputs\":[{\"data\":[1]}]}",
         NULL},
        {"{\"id\":\"7\",\"inputs\":[{\"name\":\"image\",\"data\":null}]}", NULL},
        {"{\"id\":\"7\",\"inputs\":[{\"name\":\"image\",\"d\\u0061ta\":[1]}]}", NULL},
    };
    for (size_t i = 0; i < INSP_COUNT(rows); i++) {
        json_t *json;
        struct api_span data;
        ck_insp_ok(parse(rows[i].text, &json, &data), err);
        ck_assert_str_eq(json_string_value(json_object_get(json, "id")), "7");
        const json_t *input = json_array_get(json_object_get(json, "inputs"), 0);
        ck_assert_str_eq(json_string_value(json_object_get(input, "name")), "image");
        ck_assert_int_eq(data.at != NULL, rows[i].data != NULL);
        if (rows[i].data) {
            ck_assert_uint_eq(data.bytes, strlen(rows[i].data));
            ck_assert_mem_eq(data.at, rows[i].data, data.bytes);
            ck_assert(json_is_null(json_object_get(input, "data")));
        }
        json_decref(json);
    }
}
END_TEST

START_TEST(test_other_texts_are_refused) {
    static const char *const texts[] = {"",
                                        "{",
                                        "{\"inputs\":[{\"data\":[1,2}]}",
                                        "{\"inputs\":[{\"data\":[\"x",
                                        "{\"inputs\":[{\"data\":\"x\\",
                                        "{\"inputs\":[{\"data\":",
                                        "{\"inputs\":[{\"data\"",
                                        "]]]]",
                                        "{\"inputs\":[{\"data\":[1]]}",
                                        "{\"id\":1,\"id\":2}"};
    for (size_t i = 0; i < INSP_COUNT(texts); i++) {
        json_t *json;
        struct api_span data;
        ck_insp_code(parse(texts[i], &json, &data), INSP_E_REQUEST, err);
    }
}
END_TEST

START_TEST(test_two_tensors_and_a_large_rest_are_refused) {
    json_t *json;
    struct api_span data;
    ck_insp_code(parse("{\"inputs\":[{\"data\":[1]},{\"data\":[2]}]}", &json, &data), INSP_E_PARAMETER, err);
    enum { BYTES = API_KSERVE_JSON_BYTES_MAX + 16 };
    _cleanup_free_ char *text = malloc(BYTES);
    memset(text, ' ', BYTES);
    ck_insp_code(api_kserve_parse(text, BYTES, &json, &data, &err), INSP_E_TOO_LARGE, err);
    /* The tensor does not count. */
    static const char head[] = "{\"inputs\":[{\"data\":\"", tail[] = "\"}]}";
    memset(text, 'x', BYTES);
    memcpy(text, head, sizeof head - 1);
    memcpy(text + BYTES - (sizeof tail - 1), tail, sizeof tail - 1);
    ck_insp_ok(api_kserve_parse(text, BYTES, &json, &data, &err), err);
    ck_assert_uint_gt(data.bytes, BYTES - 64);
    json_decref(json);
}
END_TEST

/* Joins the values with blanks; "!" at the end if the text is refused. */
static void values_of(const char *text, char *out, size_t room) {
    struct api_kserve_values values = {.rest = {text, strlen(text)}};
    struct api_span value;
    size_t used = 0;
    int more;
    out[0] = 0;
    while ((more = api_kserve_next(&values, &value, &err)) > 0)
        used += (size_t)snprintf(out + used, room - used, "%.*s ", (int)value.bytes, value.at);
    ck_assert_int_le(more, 0);
    if (more)
        snprintf(out + used, room - used, "!");
}

START_TEST(test_values_come_in_order_from_any_nesting) {
    static const char *const rows[][2] = {
        {"[1,2,3]", "1 2 3 "},
        {" [ \"a\" , \"b,]\" ] ", "\"a\" \"b,]\" "},
        {"[[[1,2],[3,4]],[[5,6]]]", "1 2 3 4 5 6 "},
        {"[]", ""},
        {"[[],[1]]", "1 "},
        {"[\"\\\"\"]", "\"\\\"\" "},
        {"", "!"},
        {"1", "!"},
        {"\"x\"", "!"},
        {"null", "!"},
        {"[", "!"},
        {"]", "!"},
        {"[1,]", "1 !"},
        {"[,1]", "!"},
        {"[1 2]", "1 !"},
        {"[1,,2]", "1 !"},
        {"[1]]", "1 !"},
        {"[1][2]", "1 !"},
        {"[1],2", "1 !"},
        {"[[1][2]]", "1 !"},
        {"[[[[[1]]]]]", "!"},
        {"[\"x]", "!"},
    };
    for (size_t i = 0; i < INSP_COUNT(rows); i++) {
        char got[128];
        values_of(rows[i][0], got, sizeof got);
        ck_assert_msg(!strcmp(got, rows[i][1]), "%s gives %s", rows[i][0], got);
    }
}
END_TEST

INSP_TESTS(test_data_is_cut_out_and_the_rest_is_json, test_other_texts_are_refused,
           test_two_tensors_and_a_large_rest_are_refused, test_values_come_in_order_from_any_nesting);
