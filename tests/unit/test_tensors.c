#include "api/kserve/tensors.h"

#include "core/base/cleanup.h"

#include "harness.h"

#include <string.h>

static struct insp_error err;
static struct api_kserve_call call;

static int read_json(const char *text, size_t images_max) {
    return api_kserve_read(text, strlen(text), strlen(text), images_max, &call, &err);
}

/* Reads a request of a JSON text and raw bytes behind it. */
static int read_binary(const char *text, const void *raw, size_t raw_bytes) {
    size_t json_bytes = strlen(text);
    _cleanup_free_ char *body = malloc(json_bytes + raw_bytes);
    memcpy(body, text, json_bytes);
    memcpy(body + json_bytes, raw, raw_bytes);
    return api_kserve_read(body, json_bytes + raw_bytes, json_bytes, 8, &call, &err);
}

static void check_image(size_t place, const char *bytes) {
    ck_assert_uint_lt(place, call.count);
    ck_assert_uint_eq(call.image[place].count, strlen(bytes));
    ck_assert_mem_eq(call.image[place].bytes, bytes, strlen(bytes));
}

START_TEST(test_binary_bytes) {
    static const char json[] =
        "{\"id\":\"42\",\"inputs\":[{\"name\":\"image\",\"shape\":[2],\"datatype\":\"BYTES\","
        "\"parameters\":{\"binary_data_size\":13}}],\"parameters\":{\"binary_data_output\":true,"
        "\"timeout\":2500000,\"camera\":\"c1\",\"part\":\"p 1\",\"priority\":3}}";
    ck_insp_ok(read_binary(json, "\3\0\0\0abc\2\0\0\0de", 13), err);
    ck_assert_uint_eq(call.count, 2);
    check_image(0, "abc");
    check_image(1, "de");
    ck_assert_int_eq(call.type.media, INSP_MEDIA_UNKNOWN);
    ck_assert_str_eq(call.id, "42");
    ck_assert_str_eq(call.camera, "c1");
    ck_assert_str_eq(call.part, "p 1");
    ck_assert_int_eq(call.timeout_us, 2500000);
    ck_assert_uint_eq(call.output_count, API_KSERVE_OUTPUTS);
    for (size_t i = 0; i < call.output_count; i++)
        ck_assert(call.output[i].which == i && call.output[i].binary);
    api_kserve_call_clear(&call);
    ck_assert_uint_eq(call.count, 0);
}
END_TEST

START_TEST(test_base64_of_json) {
    ck_insp_ok(read_json("{\"inputs\":[{\"name\":\"image\",\"shape\":[2,1],\"datatype\":\"BYTES\",\"id\":null,"
                         "\"parameters\":{\"content_type\":\"base64\"},\"data\":[[\"Zm9v\"],[\"Pz8\\/Pg==\"]]}]}",
                         2),
               err);
    ck_assert_uint_eq(call.count, 2);
    check_image(0, "foo");
    check_image(1, "\?\?\?>");
    ck_assert(!call.output[0].binary && !call.id[0] && !call.timeout_us);
    api_kserve_call_clear(&call);
}
END_TEST

START_TEST(test_pixels) {
    static const char json[] = "{\"inputs\":[{\"name\":\"image\",\"shape\":[2,1,2,3],\"datatype\":\"UINT8\",%s}]}";
    char text[256];
    snprintf(text, sizeof text, json, "\"parameters\":{\"binary_data_size\":12}");
    ck_insp_ok(read_binary(text, "abcdefghijkl", 12), err);
    check_image(0, "abcdef");
    check_image(1, "ghijkl");
    ck_assert(call.type.media == INSP_MEDIA_RAW && call.type.raw_format == INSP_RAW_RGB8);
    ck_assert(call.type.raw_width == 2 && call.type.raw_height == 1);
    api_kserve_call_clear(&call);
    snprintf(text, sizeof text, json, "\"data\":[[[[97,98,99],[100,101,102]]],[[[103,104,105],[106,107,108]]]]");
    ck_insp_ok(read_json(text, 2), err);
    check_image(0, "abcdef");
    check_image(1, "ghijkl");
    api_kserve_call_clear(&call);
}
END_TEST

#define INPUT(rest) "{\"inputs\":[{\"name\":\"image\"," rest "}]"
#define TEXTS(rest) INPUT("\"datatype\":\"BYTES\",\"parameters\":{\"content_type\":\"base64\"}," rest)
#define PIXELS(rest) INPUT("\"datatype\":\"UINT8\",\"shape\":[1,1,1,3]," rest)

START_TEST(test_faults) {
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        {"[]", INSP_E_REQUEST},
        {"{}", INSP_E_PARAMETER},
        {"{\"inputs\":{}}", INSP_E_PARAMETER},
        {"{\"inputs\":[{\"name\":7}]}", INSP_E_PARAMETER},
        {TEXTS("\"shape\":[1]") "}", INSP_E_PARAMETER},
        {TEXTS("\"shape\":[1],\"data\":[]") "}", INSP_E_PARAMETER},
        {TEXTS("\"shape\":[1],\"data\":[\"Zm9v\",\"Zm9v\"]") "}", INSP_E_PARAMETER},
        {TEXTS("\"shape\":[1],\"data\":[7]") "}", INSP_E_PARAMETER},
        {TEXTS("\"shape\":[1],\"data\":[\"Zm9\"]") "}", INSP_E_PARAMETER},
        {TEXTS("\"shape\":[1],\"data\":[\"\"]") "}", INSP_E_IMAGE},
        {TEXTS("\"shape\":[1],\"data\":[\"Zm9v\\q\"]") "}", INSP_E_REQUEST},
        {TEXTS("\"shape\":[1],\"data\":\"Zm9v\"") "}", INSP_E_REQUEST},
        {TEXTS("\"shape\":[3],\"data\":[]") "}", INSP_E_PARAMETER}, /* above images_max */
        {TEXTS("\"shape\":[1,2],\"data\":[]") "}", INSP_E_PARAMETER},
        {TEXTS("\"shape\":[],\"data\":[]") "}", INSP_E_PARAMETER},
        {TEXTS("\"shape\":[1.5],\"data\":[]") "}", INSP_E_PARAMETER},
        {TEXTS("\"shape\":[1,1,1,1,1],\"data\":[]") "}", INSP_E_PARAMETER},
        {TEXTS("\"shape\":1,\"data\":[]") "}", INSP_E_PARAMETER},
        {INPUT("\"shape\":[1],\"data\":[\"Zm9v\"]") "}", INSP_E_PARAMETER},
        {INPUT("\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"Zm9v\"]") "}", INSP_E_PARAMETER},
        {INPUT("\"datatype\":\"BYTES\",\"shape\":[1],\"parameters\":[]") "}", INSP_E_PARAMETER},
        {INPUT("\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[],\"parameters\":{\"binary_data_size\":0}") "}",
         INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2]") "}", INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,3,4]") "}", INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,256]") "}", INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,-3]") "}", INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,3.0]") "}", INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,\"3\"]") "}", INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,0003]") "}", INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,3],\"parameters\":{\"shared_memory_region\":\"x\"}") "}", INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,3]") ",\"id\":7}", INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,3]") ",\"parameters\":7}", INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,3]") ",\"parameters\":{\"timeout\":1.5}}", INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,3]") ",\"parameters\":{\"binary_data_output\":1}}", INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,3]") ",\"parameters\":{\"part\":7}}", INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,3]") ",\"outputs\":{}}", INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,3]") ",\"outputs\":[{}]}", INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,3]") ",\"outputs\":[{\"name\":\"verdict\"},{\"name\":\"verdict\"}]}",
         INSP_E_PARAMETER},
        {PIXELS("\"data\":[1,2,3]") ",\"outputs\":[{\"name\":\"verdict\",\"parameters\":{\"classification\":2}}]}",
         INSP_E_PARAMETER},
        {INPUT("\"datatype\":\"UINT8\",\"shape\":[1,2147483647,2147483647,3],\"data\":[1,2,3]") "}",
         INSP_E_PARAMETER},
        {INPUT("\"datatype\":\"UINT8\",\"shape\":[1,1,1,4],\"data\":[1,2,3,4]") "}", INSP_E_PARAMETER},
        {INPUT("\"datatype\":\"UINT8\",\"shape\":[1,1,2147483648,3],\"data\":[1]") "}", INSP_E_PARAMETER},
    };
    for (size_t i = 0; i < INSP_COUNT(rows); i++) {
        int code = read_json(rows[i].text, 2);
        ck_assert_msg(code == rows[i].code, "%s: %d %s", rows[i].text, code, code ? err.detail : "");
    }
}
END_TEST

START_TEST(test_binary_faults) {
    static const struct {
        const char *size, *shape, *raw;
        size_t bytes;
        int code;
    } rows[] = {
        {"6", "[1]", "\1\0\0\0x", 5, INSP_E_REQUEST},       {"4", "[1]", "\1\0\0\0x", 5, INSP_E_REQUEST},
        {"-5", "[1]", "\1\0\0\0x", 5, INSP_E_REQUEST},      {"\"5\"", "[1]", "\1\0\0\0x", 5, INSP_E_REQUEST},
        {"5", "[1]", "\2\0\0\0x", 5, INSP_E_REQUEST},       {"5", "[1]", "\xff\xff\xff\xffx", 5, INSP_E_REQUEST},
        {"6", "[1]", "\1\0\0\0xy", 6, INSP_E_REQUEST},      {"3", "[1]", "\1\0\0", 3, INSP_E_PARAMETER},
        {"5", "[2]", "\1\0\0\0x", 5, INSP_E_PARAMETER},     {"0", "[1]", "", 0, INSP_E_PARAMETER},
        {"9", "[2]", "\1\0\0\0x\0\0\0\0", 9, INSP_E_IMAGE},
    };
    for (size_t i = 0; i < INSP_COUNT(rows); i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "{\"inputs\":[{\"name\":\"image\",\"shape\":%s,\"datatype\":\"BYTES\",\"parameters\":"
                 "{\"binary_data_size\":%s}}]}",
                 rows[i].shape, rows[i].size);
        int code = read_binary(text, rows[i].raw, rows[i].bytes);
        ck_assert_msg(code == rows[i].code, "row %zu: %d %s", i, code, code ? err.detail : "");
    }
    ck_insp_code(api_kserve_read("{}", 2, 3, 8, &call, &err), INSP_E_REQUEST, err);
}
END_TEST

INSP_TESTS(test_binary_bytes, test_base64_of_json, test_pixels, test_faults, test_binary_faults);
