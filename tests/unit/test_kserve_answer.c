#include "api/kserve/kserve_answer.h"

#include "core/model/model.h"

#include "harness.h"

#include <string.h>

enum { IMAGES = 2 };

static struct insp_error err;
static struct insp_manifest manifest = {.product = "carpet", .version = "v1", .heatmap = {.low = 0, .high = 2}};
static struct insp_model model = {.references = 1, .manifest = &manifest};
static float cam[IMAGES][INSP_MAP_FLOATS] = {{2, 1}, {0, 9}};
static struct insp_inspection jobs[IMAGES] = {
    {.model = &model, .id = "id-1", .verdict = INSP_VERDICT_GOOD, .score = {.probability = 0.25f}, .cam = cam[0]},
    {.model = &model,
     .id = "id-2",
     .verdict = INSP_VERDICT_ANOMALY,
     .score = {.probability = 0.7f},
     .cam = cam[1]},
};
static struct insp_inspection *const job[IMAGES] = {&jobs[0], &jobs[1]};

static const char *header(const struct api_response *response, const char *name) {
    for (size_t i = 0; i < response->header_count; i++)
        if (!strcmp(response->header[i].name, name))
            return response->header[i].value;
    return NULL;
}

static const json_t *output(const json_t *json, size_t place, const char *member) {
    return json_object_get(json_array_get(json_object_get(json, "outputs"), place), member);
}

START_TEST(test_json) {
    const struct api_kserve_call call = {
        .id = "7",
        .output_count = 3,
        .output = {{API_KSERVE_HEATMAP, false}, {API_KSERVE_VERDICT, false}, {API_KSERVE_PROBABILITY, false}}};
    struct api_response response = {0};
    ck_insp_ok(api_kserve_answer(&call, job, IMAGES, &response, &err), err);
    ck_assert_str_eq(response.content_type, "application/json");
    ck_assert_ptr_null(header(&response, api_kserve_header));
    json_t *json = json_loadb(response.body, response.bytes, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(json, "model_name")), "carpet");
    ck_assert_str_eq(json_string_value(json_object_get(json, "model_version")), "v1");
    ck_assert_str_eq(json_string_value(json_object_get(json, "id")), "7");
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(json, "parameters"), "inspection_ids")),
                     "id-1,id-2");
    const json_t *heat = output(json, 0, "data"), *verdict = output(json, 1, "data"),
                 *probability = output(json, 2, "data");
    ck_assert_uint_eq(json_array_size(output(json, 0, "shape")), 3);
    ck_assert_int_eq(json_integer_value(json_array_get(output(json, 0, "shape"), 2)), INSP_MAP_SIDE);
    ck_assert_uint_eq(json_array_size(heat), (size_t)IMAGES * INSP_MAP_FLOATS);
    ck_assert_double_eq(json_number_value(json_array_get(heat, 0)), 1);
    ck_assert_double_eq(json_number_value(json_array_get(heat, 1)), 0.5);
    ck_assert_double_eq(json_number_value(json_array_get(heat, INSP_MAP_FLOATS + 1)), 1); /* clamped */
    ck_assert_str_eq(json_string_value(json_array_get(verdict, 1)), "anomaly");
    ck_assert_double_eq(json_number_value(json_array_get(probability, 1)), 0.7);
    json_decref(json);
    api_response_clear(&response);
}
END_TEST

START_TEST(test_binary_tensors_follow_the_json_in_the_order_of_the_outputs) {
    const struct api_kserve_call call = {
        .output_count = 3,
        .output = {{API_KSERVE_VERDICT, true}, {API_KSERVE_PROBABILITY, false}, {API_KSERVE_HEATMAP, true}}};
    static const char verdicts[] = "\4\0\0\0good\7\0\0\0anomaly";
    enum { VERDICT_BYTES = sizeof verdicts - 1, HEAT_BYTES = IMAGES * INSP_MAP_FLOATS * 4 };
    struct api_response response = {0};
    ck_insp_ok(api_kserve_answer(&call, job, IMAGES, &response, &err), err);
    ck_assert_str_eq(response.content_type, "application/octet-stream");
    size_t json_bytes = strtoul(header(&response, api_kserve_header), NULL, 10);
    ck_assert_uint_eq(response.bytes, json_bytes + VERDICT_BYTES + HEAT_BYTES);
    json_t *json = json_loadb(response.body, json_bytes, 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_ptr_null(json_object_get(json, "id"));
    ck_assert_int_eq(json_integer_value(json_object_get(output(json, 0, "parameters"), "binary_data_size")),
                     VERDICT_BYTES);
    ck_assert_int_eq(json_integer_value(json_object_get(output(json, 2, "parameters"), "binary_data_size")),
                     HEAT_BYTES);
    ck_assert(!output(json, 0, "data") && output(json, 1, "data") && !output(json, 2, "data"));
    const uint8_t *at = (const uint8_t *)response.body + json_bytes;
    ck_assert_mem_eq(at, verdicts, VERDICT_BYTES);
    static const uint8_t first[] = {0, 0, 0x80, 0x3f, 0, 0, 0, 0x3f}; /* 1.0f and 0.5f, little-endian */
    ck_assert_mem_eq(at + VERDICT_BYTES, first, sizeof first);
    json_decref(json);
    api_response_clear(&response);
}
END_TEST

INSP_TESTS(test_json, test_binary_tensors_follow_the_json_in_the_order_of_the_outputs);
