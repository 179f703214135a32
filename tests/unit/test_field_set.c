#include "core/region/field_set.h"

#include "field_samples.h"

#include <string.h>

static struct insp_error err;

START_TEST(a_camera_has_its_own_field_or_that_of_all) {
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set =
        sample_fields("{\"default\": {\"look\": [" SAMPLE_LEFT_HALF
                      "]}, \"cameras\": {\"top\": {\"ignore\": [" SAMPLE_LEFT_HALF "]}, \"none\": null}}");
    ck_assert_ptr_eq(insp_field_of(set, "side"), set->general);
    ck_assert_ptr_eq(insp_field_of(set, NULL), set->general);
    ck_assert_ptr_eq(insp_field_of(set, "none"), set->general);
    ck_assert_uint_eq(insp_field_of(set, "top")->ignore_count, 1);
    ck_assert(insp_field_own(set, "top") && !insp_field_own(set, "side") && !insp_field_own(set, NULL));
    ck_assert_ptr_null(insp_field_of(NULL, "top"));
}
END_TEST

START_TEST(a_set_survives_its_json) {
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set =
        sample_fields("{\"default\": {\"look\": [[[0.1,0.2],[0.7,0.2],[0.3333333,0.9]]]}, \"cameras\": {\"caméra "
                      "1\": {\"ignore\": "
                      "[" SAMPLE_LEFT_HALF "]}}}");
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *again = NULL;
    json_t *json = insp_field_set_json(set);
    _cleanup_free_ char *text = json_dumps(json, JSON_SORT_KEYS);
    ck_assert_msg(strstr(text, "[0.1, 0.2]") != NULL || strstr(text, "[0.10000000000000001") != NULL, "%s", text);
    ck_insp_ok(insp_field_set_parse(json, &again, &err), err);
    json_decref(json);
    ck_assert(insp_field_set_equal(set, again) && *set->digest);
    ck_assert_mem_eq(again->general->keep, set->general->keep, sizeof set->general->keep);
    ck_assert_str_eq(again->general->digest, set->general->digest);
    ck_assert_str_eq(again->camera[0].camera, "caméra 1");
    ck_assert_str_ne(again->camera[0].field->digest, set->general->digest);
}
END_TEST

START_TEST(a_region_alone_is_that_of_all_cameras) {
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set =
        sample_fields("{\"ignore\": [" SAMPLE_LEFT_HALF "]}");
    ck_assert_ptr_nonnull(set->general);
    ck_assert_ptr_null(sample_fields("null"));
    ck_assert_ptr_null(sample_fields("{}"));
    ck_assert_ptr_null(sample_fields("{\"look\": [], \"ignore\": []}"));
    ck_assert_str_eq(insp_field_set_digest(NULL), "");
    ck_assert(insp_field_set_equal(NULL, NULL) && !insp_field_set_equal(NULL, set));
}
END_TEST

START_TEST(fields_are_set_and_removed_one_by_one) {
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *one = NULL, *two = NULL, *three = NULL, *none = NULL;
    json_t *left = json_loads("{\"look\": [" SAMPLE_LEFT_HALF "]}", 0, NULL),
           *right = json_loads("{\"look\": [" SAMPLE_RIGHT_HALF "]}", 0, NULL);
    ck_insp_ok(insp_field_set_change(NULL, NULL, left, &one, &err), err);
    ck_insp_ok(insp_field_set_change(one, "top", right, &two, &err), err);
    ck_assert(insp_field_own(two, "top") && two->general && !insp_field_own(one, "top"));
    ck_insp_ok(insp_field_set_change(two, "", NULL, &three, &err), err);
    ck_assert(!three->general && insp_field_own(three, "top"));
    ck_insp_ok(insp_field_set_change(three, "top", NULL, &none, &err), err);
    ck_assert_ptr_null(none);
    ck_insp_code(insp_field_set_change(three, "side", NULL, &none, &err), INSP_E_NOT_FOUND, err);
    ck_insp_code(insp_field_set_change(NULL, NULL, NULL, &none, &err), INSP_E_NOT_FOUND, err);
    json_decref(left);
    json_decref(right);
}
END_TEST

static void refuse(const char *text, const char *part) {
    struct insp_field_set *set = NULL;
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_msg(json != NULL, "%s", text);
    ck_insp_code(insp_field_set_parse(json, &set, &err), INSP_E_PARAMETER, err);
    ck_assert_msg(strstr(err.detail, part) != NULL, "%s: %s", text, err.detail);
    json_decref(json);
}

START_TEST(bad_documents_are_refused) {
    refuse("[]", "regions must be");
    refuse("1", "regions must be");
    refuse("{\"defaults\": null}", "not \"defaults\"");
    refuse("{\"default\": []}", "default: a region must be");
    refuse("{\"default\": {\"look\": 3}}", "\"look\" must be a list");
    refuse("{\"default\": {\"lok\": []}}", "not \"lok\"");
    refuse("{\"look\": [[[0,0],[1,0]]]}", "look[0]: it must be a list of 3 to 64");
    refuse("{\"look\": [[[0,0],[1,0],[1]]]}", "look[0]: point 3 is not [x, y]");
    refuse("{\"look\": [[[0,0],[1,0],[1,\"1\"]]]}", "look[0]: point 3 is not [x, y]");
    refuse("{\"look\": [[[0,0],[1,0],[1,1e300]]]}", "look[0]: point 3 is [1, inf]");
    refuse("{\"cameras\": []}", "\"cameras\" must be an object");
    refuse("{\"cameras\": {\"\": {\"look\": []}}}", "the name of a camera");
    refuse("{\"cameras\": {\"a\\nb\": {\"look\": []}}}", "the name of a camera");
    refuse("{\"cameras\": {\"top\": {\"ignore\": [[[0,0],[1,0],[1,1],[0,1]]]}}}",
           "camera top: the region covers nothing");
}
END_TEST

START_TEST(numbers_of_polygons_cameras_and_points_are_bounded) {
    json_t *polygons = json_array(), *cameras = json_object(), *json;
    struct insp_field_set *set = NULL;
    for (size_t i = 0; i < INSP_FIELD_POLYGONS_MAX + 1; i++)
        json_array_append_new(polygons, json_loads(SAMPLE_LEFT_HALF, 0, NULL));
    json = json_pack("{s:O}", "look", polygons);
    ck_insp_code(insp_field_set_parse(json, &set, &err), INSP_E_PARAMETER, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "at most 16 polygons"));
    json_decref(json);
    for (size_t i = 0; i < INSP_FIELD_CAMERAS_MAX + 1; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%zu", i);
        json_object_set_new(cameras, name, json_loads("{\"look\": [" SAMPLE_LEFT_HALF "]}", 0, NULL));
    }
    json = json_pack("{s:O}", "cameras", cameras);
    ck_insp_code(insp_field_set_parse(json, &set, &err), INSP_E_PARAMETER, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "at most 32 regions"));
    json_object_del(cameras, "c0");
    ck_insp_ok(insp_field_set_parse(json, &set, &err), err);
    ck_assert_uint_eq(set->count, 32);
    insp_field_set_unref(insp_field_set_ref(set));
    insp_field_set_unref(set);
    json_decref(json);
    json_decref(polygons);
    json_decref(cameras);
}
END_TEST

INSP_TESTS(a_camera_has_its_own_field_or_that_of_all, a_set_survives_its_json,
           a_region_alone_is_that_of_all_cameras, fields_are_set_and_removed_one_by_one, bad_documents_are_refused,
           numbers_of_polygons_cameras_and_points_are_bounded);
