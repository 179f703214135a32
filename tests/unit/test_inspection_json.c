#include "api/inspections/inspection_json.h"

#include "core/inspect/suspect.h"
#include "core/model/heat/heat_choice.h"
#include "tests/unit/harness.h"

#include <string.h>

#define ID "019ab7a0-4f2c-7c3e-9d0a-5b1f3c2d4e6f"

static const struct insp_box box[] = {{1, 2, 3, 4, 0.8f}, {5, 6, 7, 8, 0.12345678f}};

static struct insp_record record(void) {
    return (struct insp_record){.id = ID,
                                .product = "carpet",
                                .model = "v1",
                                .camera = "line \"3\"",
                                .part = "",
                                .verdict = INSP_VERDICT_ANOMALY,
                                .probability = 0.9f,
                                .threshold = 0.5f,
                                .heat_max = 1,
                                .heat_area = 0.25f,
                                .heat_threshold = 0.7f,
                                .box = box,
                                .box_count = 2,
                                .width = 640,
                                .height = 480,
                                .sha256 = "00",
                                .media_type = "image/png",
                                .image_bytes = 6,
                                .image_kept = true,
                                .received_us = 1000,
                                .decode_us = 1500,
                                .total_us = 2000};
}

static json_t *made(const struct insp_record *r) {
    json_t *json = api_inspection_json(r);
    ck_assert_ptr_nonnull(json);
    return json;
}

static const char *text(const json_t *json, const char *name) {
    return json_string_value(json_object_get(json, name));
}

START_TEST(test_all_members) {
    static const char *const names[] = {"id",          "product",   "model", "verdict", "probability",
                                        "threshold",   "heatmap",   "image", "camera",  "part",
                                        "received_at", "timing_ms", "label", "suspect", "reasons",
                                        "decided_by",  "good_only", "late",  "takt_ms"};
    struct insp_record r = record();
    json_t *json = made(&r);
    ck_assert_uint_eq(json_object_size(json), sizeof names / sizeof *names);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_msg(json_object_get(json, names[i]) != NULL, "%s", names[i]);
    ck_assert_str_eq(text(json, "verdict"), "anomaly");
    ck_assert_str_eq(text(json, "camera"), "line \"3\"");
    ck_assert(json_is_null(json_object_get(json, "part")));
    ck_assert(json_is_null(json_object_get(json, "label")));
    ck_assert(json_is_false(json_object_get(json, "suspect")));
    ck_assert_uint_eq(json_array_size(json_object_get(json, "reasons")), 0);
    ck_assert_str_eq(text(json, "received_at"), "1970-01-01T00:00:00.001Z");
    ck_assert(json_real_value(json_object_get(json, "probability")) == 0.9);
    ck_assert(json_real_value(json_object_get(json_object_get(json, "timing_ms"), "decode")) == 1.5);
    json_decref(json);
}
END_TEST

START_TEST(test_heatmap_and_image) {
    struct insp_record r = record();
    json_t *json = made(&r), *heatmap = json_object_get(json, "heatmap"), *image = json_object_get(json, "image");
    ck_assert_str_eq(text(heatmap, "href"), "/v1/inspections/" ID "/heatmap.png");
    ck_assert_str_eq(text(heatmap, "scale"), "fixed");
    json_t *boxes = json_object_get(heatmap, "boxes"), *second = json_array_get(boxes, 1);
    ck_assert_uint_eq(json_array_size(boxes), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(second, "x")), 5);
    ck_assert_int_eq(json_integer_value(json_object_get(second, "height")), 8);
    ck_assert(json_real_value(json_object_get(second, "max")) == 0.1235); /* as the database keeps it */
    ck_assert_str_eq(text(image, "href"), "/v1/inspections/" ID "/image");
    ck_assert(json_is_true(json_object_get(image, "kept")));
    ck_assert_int_eq(json_integer_value(json_object_get(image, "width")), 640);
    json_decref(json);
    r.box = NULL;
    r.box_count = 0;
    r.heat_per_image = true;
    json = made(&r);
    heatmap = json_object_get(json, "heatmap");
    ck_assert(json_is_array(json_object_get(heatmap, "boxes")));
    ck_assert_str_eq(text(heatmap, "scale"), "per_image");
    ck_assert_str_eq(text(heatmap, "map"), "class_activation");
    json_decref(json);
    r.heat_kind = INSP_HEAT_PRODUCT;
    json = made(&r);
    ck_assert_str_eq(text(json_object_get(json, "heatmap"), "map"), "product");
    json_decref(json);
}
END_TEST

START_TEST(test_label) {
    struct insp_record r = record();
    r.label = INSP_LABEL_ANOMALY;
    r.label_defect = "hole";
    r.label_note = "";
    r.labelled_by = "anna";
    r.labelled_us = 2000;
    json_t *json = made(&r), *label = json_object_get(json, "label");
    ck_assert_str_eq(text(label, "label"), "anomaly");
    ck_assert_str_eq(text(label, "defect"), "hole");
    ck_assert(json_is_null(json_object_get(label, "note")));
    ck_assert_str_eq(text(label, "by"), "anna");
    ck_assert_str_eq(text(label, "at"), "1970-01-01T00:00:00.002Z");
    json_decref(json);
    ck_assert_str_eq(api_label_name(INSP_LABEL_GOOD), "good");
    ck_assert_ptr_null(api_label_name(INSP_LABEL_NONE));
}
END_TEST

START_TEST(test_reasons) {
    struct insp_record r = record();
    char names[API_REASONS_BYTES];
    r.suspect = 1u << INSP_SUSPECT_BLACK | 1u << INSP_SUSPECT_BIT_DEPTH;
    json_t *json = made(&r), *reasons = json_object_get(json, "reasons");
    ck_assert(json_is_true(json_object_get(json, "suspect")));
    ck_assert_uint_eq(json_array_size(reasons), 2);
    ck_assert_str_eq(json_string_value(json_array_get(reasons, 0)), "black");
    ck_assert_str_eq(json_string_value(json_array_get(reasons, 1)), "bit_depth");
    json_decref(json);
    api_suspect_text(r.suspect, ' ', names);
    ck_assert_str_eq(names, "black bit_depth");
    api_suspect_text(UINT32_MAX, ' ', names); /* all that have a name */
    ck_assert_uint_lt(strlen(names), API_REASONS_BYTES - 1);
    ck_assert_ptr_nonnull(strstr(names, insp_suspect_name(INSP_SUSPECT_COUNT - 1)));
    api_suspect_text(0, ' ', names);
    ck_assert_str_eq(names, "");
}
END_TEST

START_TEST(test_good_only) {
    struct insp_record r = record();
    json_t *json = made(&r);
    ck_assert_str_eq(text(json, "decided_by"), "supervised");
    ck_assert(json_is_null(json_object_get(json, "good_only")));
    json_decref(json);
    r.good_decided = r.good_known = true;
    r.good_score = 11.25f;
    r.good_threshold = 14;
    r.good_percentile = 62.5f;
    json = made(&r);
    const json_t *good = json_object_get(json, "good_only");
    ck_assert_str_eq(text(json, "decided_by"), "good_only");
    ck_assert_double_eq(json_number_value(json_object_get(good, "score")), 11.25);
    ck_assert_double_eq(json_number_value(json_object_get(good, "threshold")), 14);
    ck_assert_double_eq(json_number_value(json_object_get(good, "percentile")), 62.5);
    json_decref(json);
}
END_TEST

INSP_TESTS(test_good_only, test_reasons, test_all_members, test_heatmap_and_image, test_label);
