#include "core/region/field_set.h"

#include "core/base/float_text.h"
#include "core/base/utf8.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* --- reading --- */

struct reading {
    size_t points; /* so far */
};

static int read_point(const json_t *json, struct insp_polygon *polygon, struct insp_error *reterr) {
    const json_t *x = json_array_get(json, 0), *y = json_array_get(json, 1);
    if (json_array_size(json) != 2 || !json_is_number(x) || !json_is_number(y))
        return insp_fail(reterr, INSP_E_PARAMETER, "point %zu is not [x, y]", polygon->count + 1);
    polygon->x[polygon->count] = (float)json_number_value(x);
    polygon->y[polygon->count++] = (float)json_number_value(y);
    return 0;
}

static int read_polygon(struct reading *reading, const json_t *json, struct insp_polygon *polygon,
                        struct insp_error *reterr) {
    size_t count = json_array_size(json);
    if (!json_is_array(json) || count < INSP_POLYGON_POINTS_MIN || count > INSP_POLYGON_POINTS_MAX)
        return insp_fail(reterr, INSP_E_PARAMETER, "it must be a list of %d to %d points", INSP_POLYGON_POINTS_MIN,
                         INSP_POLYGON_POINTS_MAX);
    reading->points += count;
    if (reading->points > INSP_FIELD_POINTS_TOTAL)
        return insp_fail(reterr, INSP_E_PARAMETER, "all polygons together have more than %d points",
                         INSP_FIELD_POINTS_TOTAL);
    for (size_t i = 0; i < count; i++) {
        int r = read_point(json_array_get(json, i), polygon, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_polygons(struct reading *reading, const json_t *object, const char *key,
                         struct insp_polygon *polygon, size_t *ret_count, struct insp_error *reterr) {
    const json_t *list = json_object_get(object, key);
    size_t count = json_array_size(list);
    if (!list)
        return 0;
    if (!json_is_array(list) || count > INSP_FIELD_POLYGONS_MAX)
        return insp_fail(reterr, INSP_E_PARAMETER, "\"%s\" must be a list of at most %d polygons", key,
                         INSP_FIELD_POLYGONS_MAX);
    for (size_t i = 0; i < count; i++) {
        int r = read_polygon(reading, json_array_get(list, i), &polygon[i], reterr);
        if (r < 0) {
            insp_error_prefix(reterr, "%s[%zu]", key, i);
            return r;
        }
    }
    *ret_count = count;
    return 0;
}

/* *ret is NULL for a field without polygons. */
static int read_field(struct reading *reading, json_t *json, struct insp_field **ret, struct insp_error *reterr) {
    const char *key;
    json_t *value;
    *ret = NULL;
    if (!json || json_is_null(json))
        return 0;
    if (!json_is_object(json))
        return insp_fail(reterr, INSP_E_PARAMETER, "a region must be {\"look\": [...], \"ignore\": [...]}");
    json_object_foreach(json, key, value) {
        if (strcmp(key, "look") != 0 && strcmp(key, "ignore") != 0)
            return insp_fail(reterr, INSP_E_PARAMETER, "a region has \"look\" and \"ignore\", not \"%.40s\"", key);
    }
    _cleanup_free_ struct insp_field *field = calloc(1, sizeof *field);
    if (!field)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a region");
    int r = read_polygons(reading, json, "look", field->look, &field->look_count, reterr);
    if (r == 0)
        r = read_polygons(reading, json, "ignore", field->ignore, &field->ignore_count, reterr);
    if (r < 0 || (!field->look_count && !field->ignore_count))
        return r;
    r = insp_field_finish(field, reterr);
    if (r == 0)
        *ret = insp_take_ptr(field);
    return r;
}

static bool camera_valid(const char *camera) {
    size_t bytes = strlen(camera);
    uint32_t character;
    if (!bytes || bytes >= INSP_CAMERA_BYTES)
        return false;
    for (const char *p = camera; *p;) {
        size_t n = insp_utf8_step(p, &character);
        if (!n || !insp_utf8_visible(character))
            return false;
        p += n;
    }
    return true;
}

static int by_camera(const void *a, const void *b) {
    return strcmp(((const struct insp_camera_field *)a)->camera, ((const struct insp_camera_field *)b)->camera);
}

static int read_cameras(struct reading *reading, json_t *cameras, struct insp_field_set *set,
                        struct insp_error *reterr) {
    const char *name;
    json_t *value;
    if (!cameras || json_is_null(cameras))
        return 0;
    if (!json_is_object(cameras) || json_object_size(cameras) > INSP_FIELD_CAMERAS_MAX)
        return insp_fail(reterr, INSP_E_PARAMETER, "\"cameras\" must be an object of at most %d regions",
                         INSP_FIELD_CAMERAS_MAX);
    set->camera = calloc(json_object_size(cameras) + 1, sizeof *set->camera);
    if (!set->camera)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for regions");
    json_object_foreach(cameras, name, value) {
        struct insp_camera_field *own = &set->camera[set->count];
        if (!camera_valid(name))
            return insp_fail(reterr, INSP_E_PARAMETER,
                             "the name of a camera has 1 to %d bytes of text without control characters",
                             INSP_CAMERA_BYTES - 1);
        int r = read_field(reading, value, &own->field, reterr);
        if (r < 0) {
            insp_error_prefix(reterr, "camera %s", name);
            return r;
        }
        if (own->field)
            memcpy(set->camera[set->count++].camera, name, strlen(name) + 1);
    }
    qsort(set->camera, set->count, sizeof *set->camera, by_camera);
    return 0;
}

static int seal(struct insp_field_set *set, struct insp_error *reterr) {
    json_t *json = insp_field_set_json(set);
    _cleanup_free_ char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(json);
    if (!text)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for regions");
    insp_sha256_hex(text, strlen(text), set->digest);
    return 0;
}

static int read_set(json_t *json, struct insp_field_set *set, struct insp_error *reterr) {
    struct reading reading = {0};
    const char *key;
    json_t *value;
    if (!json_is_object(json))
        return insp_fail(reterr, INSP_E_PARAMETER, "regions must be {\"default\": ..., \"cameras\": {...}}");
    bool plain = json_object_get(json, "look") || json_object_get(json, "ignore");
    json_object_foreach(json, key, value) {
        if (!plain && strcmp(key, "default") != 0 && strcmp(key, "cameras") != 0)
            return insp_fail(reterr, INSP_E_PARAMETER, "regions have \"default\" and \"cameras\", not \"%.40s\"",
                             key);
    }
    int r = read_field(&reading, plain ? json : json_object_get(json, "default"), &set->general, reterr);
    if (r < 0)
        insp_error_prefix(reterr, "default");
    return r < 0 || plain ? r : read_cameras(&reading, json_object_get(json, "cameras"), set, reterr);
}

int insp_field_set_parse(json_t *json, struct insp_field_set **ret, struct insp_error *reterr) {
    *ret = NULL;
    if (!json || json_is_null(json))
        return 0;
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set = calloc(1, sizeof *set);
    if (!set)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for regions");
    atomic_init(&set->references, 1);
    int r = read_set(json, set, reterr);
    if (r < 0 || (!set->general && !set->count))
        return r;
    r = seal(set, reterr);
    if (r == 0)
        *ret = insp_take_ptr(set);
    return r;
}

/* --- writing --- */

/* Makes the number with the fewest digits that reads back as the same float. */
static json_t *number_json(float value) {
    char text[INSP_FLOAT_BYTES];
    insp_float_text(value, text);
    return json_real(strtod(text, NULL));
}

static json_t *polygons_json(const struct insp_polygon *polygon, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *points = json_array();
        for (size_t p = 0; p < polygon[i].count; p++)
            json_array_append_new(points,
                                  json_pack("[o, o]", number_json(polygon[i].x[p]), number_json(polygon[i].y[p])));
        json_array_append_new(list, points);
    }
    return list;
}

static json_t *field_json(const struct insp_field *field) {
    return field ? json_pack("{s:o, s:o}", "look", polygons_json(field->look, field->look_count), "ignore",
                             polygons_json(field->ignore, field->ignore_count))
                 : json_null();
}

json_t *insp_field_set_json(const struct insp_field_set *set) {
    if (!set)
        return json_null();
    json_t *cameras = json_object();
    for (size_t i = 0; i < set->count; i++)
        json_object_set_new(cameras, set->camera[i].camera, field_json(set->camera[i].field));
    return json_pack("{s:o, s:o}", "default", field_json(set->general), "cameras", cameras);
}

/* --- changing and finding --- */

int insp_field_set_change(const struct insp_field_set *base, const char *camera, json_t *json,
                          struct insp_field_set **ret, struct insp_error *reterr) {
    bool general = !camera || !*camera;
    if (!json && (general ? !base || !base->general : !insp_field_own(base, camera)))
        return insp_fail(reterr, INSP_E_NOT_FOUND, "%s%s has no region of its own",
                         general ? "the product" : "camera ", general ? "" : camera);
    json_t *whole = base ? insp_field_set_json(base) : json_pack("{s:n, s:{}}", "default", "cameras");
    json_t *place = general ? whole : json_object_get(whole, "cameras");
    int failed = json ? json_object_set(place, general ? "default" : camera, json)
                      : json_object_del(place, general ? "default" : camera);
    int r = failed ? insp_fail(reterr, INSP_E_NOMEM, "no memory for regions")
                   : insp_field_set_parse(whole, ret, reterr);
    json_decref(whole);
    return r;
}

static const struct insp_field *find_own(const struct insp_field_set *set, const char *camera) {
    for (size_t i = 0; set && camera && i < set->count; i++)
        if (!strcmp(set->camera[i].camera, camera))
            return set->camera[i].field;
    return NULL;
}

int insp_field_set_tile(struct insp_field_set *set, struct insp_tiles tiles, struct insp_error *reterr) {
    int r = set && set->general ? insp_field_tile(set->general, tiles, reterr) : 0;
    for (size_t i = 0; set && i < set->count && r == 0; i++)
        r = insp_field_tile(set->camera[i].field, tiles, reterr);
    return r;
}

const struct insp_field *insp_field_of(const struct insp_field_set *set, const char *camera) {
    const struct insp_field *own = find_own(set, camera);
    return own ? own : set ? set->general : NULL;
}

bool insp_field_own(const struct insp_field_set *set, const char *camera) {
    return find_own(set, camera) != NULL;
}

const char *insp_field_set_digest(const struct insp_field_set *set) {
    return set ? set->digest : "";
}

bool insp_field_set_equal(const struct insp_field_set *a, const struct insp_field_set *b) {
    return !strcmp(insp_field_set_digest(a), insp_field_set_digest(b));
}

struct insp_field_set *insp_field_set_ref(struct insp_field_set *set) {
    if (set)
        atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    return set;
}

void insp_field_set_unref(struct insp_field_set *set) {
    if (!set || atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < set->count; i++)
        free(set->camera[i].field);
    free(set->camera);
    free(set->general);
    free(set);
}
