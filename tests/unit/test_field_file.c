#include "core/region/field_file.h"

#include "core/base/fs.h"
#include "field_samples.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char dir[64];
static struct insp_error err;

static void setup(void) {
    strcpy(dir, "/tmp/insp-field-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static struct insp_field_set *read_back(void) {
    struct insp_field_set *set = NULL;
    ck_insp_ok(insp_field_file_read(dir, "p", &set, &err), err);
    return set;
}

START_TEST(a_product_keeps_its_fields_until_they_are_removed) {
    setup();
    ck_assert_ptr_null(read_back());
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set =
                                                               sample_fields("{\"look\": [" SAMPLE_LEFT_HALF "]}"),
                                                           *changed = NULL, *none = NULL;
    ck_insp_ok(insp_field_file_write(dir, "p", set, &err), err);
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *again = read_back();
    ck_assert(insp_field_set_equal(set, again));
    json_t *region = json_loads("{\"ignore\": [" SAMPLE_RIGHT_HALF "]}", 0, NULL);
    ck_insp_ok(insp_field_file_change(dir, "p", "top", region, &changed, &err), err);
    json_decref(region);
    ck_assert(insp_field_own(changed, "top") && changed->general);
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *both = read_back();
    ck_assert(insp_field_set_equal(both, changed));
    insp_field_set_unref(changed);
    changed = NULL;
    ck_insp_ok(insp_field_file_change(dir, "p", NULL, NULL, &changed, &err), err);
    ck_insp_ok(insp_field_file_change(dir, "p", "top", NULL, &none, &err), err);
    ck_assert_ptr_null(none);
    ck_assert_ptr_null(read_back());
    ck_insp_code(insp_field_file_change(dir, "p", "top", NULL, &none, &err), INSP_E_NOT_FOUND, err);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

/* Adds polygons with as many points as one may have, none of them with a short number. */
static void add_circles(json_t *field, const char *kind) {
    json_t *polygons = json_array();
    for (int i = 0; i < INSP_FIELD_POLYGONS_MAX; i++) {
        json_t *polygon = json_array();
        for (int k = 0; k < INSP_POLYGON_POINTS_MAX; k++) {
            double angle = 2 * 3.14159265358979 * k / INSP_POLYGON_POINTS_MAX;
            json_array_append_new(polygon,
                                  json_pack("[ff]", 0.3 + i * 0.017 + 0.1 * cos(angle), 0.4 + 0.3 * sin(angle)));
        }
        json_array_append_new(polygons, polygon);
    }
    json_object_set_new(field, kind, polygons);
}

START_TEST(the_largest_set_is_read_back) {
    setup();
    json_t *json = json_object(), *cameras = json_object();
    json_object_set_new(json, "cameras", cameras);
    for (int i = 0; i < 4; i++) {
        char name[8];
        json_t *field = json_object();
        snprintf(name, sizeof name, "camera%d", i);
        add_circles(field, "look");
        json_object_set_new(cameras, name, field);
    }
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set = NULL;
    ck_insp_ok(insp_field_set_parse(json, &set, &err), err);
    json_decref(json);
    ck_insp_ok(insp_field_file_write(dir, "p", set, &err), err);
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *again = read_back();
    ck_assert(insp_field_set_equal(set, again));
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

START_TEST(a_refused_change_leaves_the_old_fields) {
    setup();
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set =
                                                               sample_fields("{\"look\": [" SAMPLE_LEFT_HALF "]}"),
                                                           *none = NULL;
    ck_insp_ok(insp_field_file_write(dir, "p", set, &err), err);
    json_t *nothing = json_loads("{\"ignore\": [[[0,0],[1,0],[1,1],[0,1]]]}", 0, NULL);
    ck_insp_code(insp_field_file_change(dir, "p", NULL, nothing, &none, &err), INSP_E_PARAMETER, err);
    json_decref(nothing);
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *again = read_back();
    ck_assert(insp_field_set_equal(set, again));
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

START_TEST(a_damaged_file_is_named) {
    char path[INSP_PATH_BYTES];
    struct insp_field_set *set = NULL;
    setup();
    ck_insp_ok(insp_path(path, &err, "%s/regions", dir), err);
    ck_insp_ok(insp_mkdir_all(path, 0700, &err), err);
    ck_insp_ok(insp_path(path, &err, "%s/regions/p.json", dir), err);
    ck_insp_ok(insp_write_file(path, "{\"look\":", 8, 0600, false, &err), err);
    ck_insp_code(insp_field_file_read(dir, "p", &set, &err), INSP_E_PARAMETER, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "p.json is not JSON"));
    ck_insp_ok(insp_write_file(path, "{\"look\": [1]}", 13, 0600, false, &err), err);
    ck_insp_code(insp_field_file_read(dir, "p", &set, &err), INSP_E_PARAMETER, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "p.json: default: look[0]"));
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}
END_TEST

INSP_TESTS(the_largest_set_is_read_back, a_product_keeps_its_fields_until_they_are_removed,
           a_refused_change_leaves_the_old_fields, a_damaged_file_is_named);
