/* Makes products, uploads images to a class, and moves, deletes and restores images of a product's dataset. The
 * handlers run in lane BACK; api_dataset_add_accept refuses on the loop whatever the headers alone rule out. */
#include "api/resources/datasets.h"
#include "api/resources/handlers.h"
#include "api/server/server.h"
#include "api/server/slots.h"

#include "core/base/uuid.h"
#include "core/dataset/cameras/camera_log.h"
#include "core/dataset/class_name.h"
#include "core/dataset/dataset_change.h"
#include "core/jobs/dataset_root.h"
#include "core/jobs/dataset_sets.h"

#include <string.h>

static const char *const no_query[] = {NULL};

static int home(const struct api_request *request, bool make, char ret_set[INSP_PATH_BYTES],
                struct insp_error *reterr) {
    return insp_dataset_home(request->server->dataset_roots, request->param[0], make, ret_set, reterr);
}

/* --- products and sets --- */

int api_product_make(struct api_request *request, struct insp_error *reterr) {
    char set[INSP_PATH_BYTES];
    const char *product = request->param[0];
    bool there = false;
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = home(request, false, set, reterr);
    there = r == 0;
    if (r == INSP_E_NOT_FOUND)
        r = home(request, true, set, reterr);
    if (r < 0)
        return r;
    snprintf(request->note, sizeof request->note, "product=%s", product);
    return api_response_json(&request->response, there ? 200 : 201,
                             json_pack("{s:s, s:s}", "product", product, "dataset", product), reterr);
}

/* Makes {"good": 24, "scratch": 6} of a set; NULL without memory. */
static json_t *count_classes(const struct insp_dataset *dataset) {
    json_t *counts = json_object();
    for (size_t i = 0; counts && i < dataset->stratum_count; i++)
        if (dataset->stratum_size[i] && api_text_clean(dataset->stratum[i]))
            json_object_set_new(counts, dataset->stratum[i], json_integer((json_int_t)dataset->stratum_size[i]));
    return counts;
}

static json_t *set_json(const struct api_request *request, const struct insp_dataset_set *found) {
    _cleanup_(insp_dataset_freep) struct insp_dataset *dataset = NULL;
    char path[INSP_PATH_BYTES];
    struct insp_error why = {0};
    int r = insp_dataset_resolve(request->server->dataset_roots, found->name, path, &why);
    if (r == 0)
        r = insp_dataset_list(path, &dataset, &why);
    bool failed = r < 0 || !dataset;
    const char *failure = api_text_clean(why.detail) ? why.detail : insp_code_wire(why.code);
    return json_pack("{s:s, s:b, s:I, s:o, s:o}", "dataset", found->name, "own", found->own, "images",
                     failed ? (json_int_t)0 : (json_int_t)dataset->count, "classes",
                     failed ? json_object() : count_classes(dataset), "failure",
                     failed ? api_json_text(failure) : json_null());
}

int api_datasets_get(struct api_request *request, struct insp_error *reterr) {
    _cleanup_(insp_dataset_sets_clear) struct insp_dataset_sets sets = {0};
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = insp_dataset_sets_find(request->server->dataset_roots, &sets, reterr);
    if (r < 0)
        return r;
    json_t *items = json_array();
    for (size_t i = 0; i < sets.count && !api_server_unwanted(request); i++)
        json_array_append_new(items, set_json(request, &sets.set[i]));
    r = api_server_check_wanted(request, reterr);
    if (r < 0) {
        json_decref(items);
        return r;
    }
    return api_response_json(&request->response, 200, json_pack("{s:o, s:b}", "items", items, "more", sets.more),
                             reterr);
}

/* --- upload --- */

static int read_add(const struct api_request *request, const char **ret_class, const char **ret_name,
                    const char **ret_camera, struct insp_error *reterr) {
    static const char *const known[] = {"class", "name", "camera", NULL};
    int r = api_query_allow(&request->query, known, reterr);
    const char *class = api_query_get(&request->query, "class"), *name = api_query_get(&request->query, "name");
    if (r == 0 && (!class || !insp_class_name_valid(class)))
        r = insp_fail(reterr, INSP_E_QUERY,
                      "query parameter \"class\" must be \"good\" or the name of a defect: " INSP_CLASS_NAME_RULE);
    if (r == 0 && name && !api_text_clean(name))
        r = insp_fail(reterr, INSP_E_QUERY, "query parameter \"name\" must be text without control characters");
    const char *camera = api_query_get(&request->query, "camera");
    if (r == 0 && camera && (!*camera || strlen(camera) >= INSP_CAMERA_BYTES || !api_text_clean(camera)))
        r = insp_fail(reterr, INSP_E_QUERY,
                      "query parameter \"camera\" must be 1 to %d bytes of text without control characters",
                      INSP_CAMERA_BYTES - 1);
    *ret_class = class;
    *ret_name = name ? name : "";
    *ret_camera = camera;
    return r;
}

int api_dataset_add_accept(struct api_request *request, struct insp_error *reterr) {
    const char *class, *name, *camera;
    int r = read_add(request, &class, &name, &camera, reterr);
    if (r < 0)
        return r;
    r = api_dataset_check_media(request, reterr);
    return r < 0 ? r : api_upload_take(request, reterr);
}

int api_dataset_add(struct api_request *request, struct insp_error *reterr) {
    struct insp_dataset_limits limits = api_dataset_limits(request);
    struct insp_dataset_added added = {0};
    struct insp_dataset_place_text at;
    char set[INSP_PATH_BYTES];
    const char *class, *name, *camera;
    int r = read_add(request, &class, &name, &camera, reterr);
    if (r == 0)
        r = api_dataset_check_bytes(request, reterr);
    if (r == 0)
        r = home(request, true, set, reterr);
    if (r == 0)
        r = insp_dataset_add(set, class, name, request->body, request->body_bytes, &limits, &added, reterr);
    if (r == 0 && camera)
        r = insp_camera_log_add(set, added.sha256, camera, reterr);
    if (r == 0)
        r = insp_dataset_place_split(added.at, &at, reterr);
    if (r < 0)
        return r;
    json_t *image = api_text_clean(added.at)
                        ? api_dataset_image_json(request, &at.place, NULL, added.sha256, request->body_bytes)
                        : json_null();
    return api_response_json(
        &request->response, added.added ? 201 : 200,
        json_pack("{s:s, s:o}", "outcome", added.added ? "added" : "duplicate", "image", image), reterr);
}

/* --- changes --- */

static int read_images(const json_t *images, struct insp_dataset_step **ret, size_t *ret_count,
                       struct insp_error *reterr) {
    size_t count = json_array_size(images);
    if (!count || count > INSP_CHANGE_IMAGES_MAX)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "\"images\" must be a list of 1 to %d places, \"split/class/name\"",
                         INSP_CHANGE_IMAGES_MAX);
    _cleanup_free_ struct insp_dataset_step *step = calloc(count, sizeof *step);
    if (!step)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a change of %zu images", count);
    for (size_t i = 0; i < count; i++) {
        const char *place = json_string_value(json_array_get(images, i));
        if (!place || strlen(place) >= sizeof step->from || !api_text_clean(place))
            return insp_fail(reterr, INSP_E_PARAMETER, "\"images\"[%zu] must be a place, \"split/class/name\"", i);
        snprintf(step[i].from, sizeof step[i].from, "%s", place);
    }
    *ret = insp_take_ptr(step);
    *ret_count = count;
    return 0;
}

/* Makes {"change", "done", "items": [{"from", "to", "outcome", "detail"}]}. */
static int answer_steps(struct api_request *request, const char *change, const struct insp_dataset_step *step,
                        size_t count, struct insp_error *reterr) {
    json_t *items = json_array();
    json_int_t done = 0;
    for (size_t i = 0; i < count; i++) {
        done += step[i].outcome == INSP_STEP_DONE;
        json_array_append_new(items,
                              json_pack("{s:o, s:o, s:s, s:o}", "from", api_json_text(step[i].from), "to",
                                        api_json_text(step[i].to), "outcome", insp_step_name(step[i].outcome),
                                        "detail", api_json_text(step[i].why)));
    }
    snprintf(request->note, sizeof request->note, "product=%s change=%.36s images=%lld", request->param[0], change,
             (long long)done);
    return api_response_json(
        &request->response, 200,
        json_pack("{s:o, s:I, s:o}", "change", api_json_text(change), "done", done, "items", items), reterr);
}

/* Reads the body with its one or two members, and makes the change. class_wanted: it moves. */
static int make_change(struct api_request *request, bool class_wanted, struct insp_error *reterr) {
    _cleanup_free_ struct insp_dataset_step *step = NULL;
    char set[INSP_PATH_BYTES], id[INSP_UUID_BYTES];
    const char *class = NULL;
    json_t *object = NULL, *images = NULL;
    json_error_t why;
    size_t count;
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = api_request_json(request, NULL, &object, reterr);
    if (r < 0)
        return r;
    if (json_unpack_ex(object, &why, JSON_STRICT, class_wanted ? "{s:o, s:s}" : "{s:o}", "images", &images,
                       "class", &class))
        r = insp_fail(reterr, INSP_E_PARAMETER, "the body must be {\"images\": [\"split/class/name\"...]%s}: %s",
                      class_wanted ? ", \"class\": \"good\" or a defect" : "", why.text);
    if (r == 0 && class_wanted && !insp_class_name_valid(class))
        r = insp_fail(reterr, INSP_E_PARAMETER, "\"class\" must be " INSP_CLASS_NAME_RULE);
    if (r == 0)
        r = read_images(images, &step, &count, reterr);
    if (r == 0)
        r = home(request, false, set, reterr);
    if (r == 0)
        r = insp_dataset_change_make(set, step, count, class, id, reterr);
    json_decref(object);
    return r < 0 ? r : answer_steps(request, id, step, count, reterr);
}

int api_dataset_move(struct api_request *request, struct insp_error *reterr) {
    return make_change(request, true, reterr);
}

int api_dataset_trash(struct api_request *request, struct insp_error *reterr) {
    return make_change(request, false, reterr);
}

int api_dataset_undo(struct api_request *request, struct insp_error *reterr) {
    _cleanup_free_ struct insp_dataset_step *step = NULL;
    char set[INSP_PATH_BYTES], change[INSP_UUID_BYTES] = "";
    const char *id = NULL;
    json_t *object = NULL;
    size_t count;
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = api_request_json(request, NULL, &object, reterr);
    if (r < 0)
        return r;
    if (json_unpack_ex(object, NULL, JSON_STRICT, "{s:s}", "change", &id) || !insp_uuid_valid(id))
        r = insp_fail(reterr, INSP_E_PARAMETER, "the body must be {\"change\": the id of a change}");
    else
        snprintf(change, sizeof change, "%s", id);
    json_decref(object);
    if (r == 0)
        r = home(request, false, set, reterr);
    if (r == 0)
        r = insp_dataset_change_undo(set, change, &step, &count, reterr);
    return r < 0 ? r : answer_steps(request, change, step, count, reterr);
}

int api_dataset_changes(struct api_request *request, struct insp_error *reterr) {
    char set[INSP_PATH_BYTES];
    json_t *items = NULL;
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = home(request, false, set, reterr);
    if (r == 0)
        r = insp_dataset_changes_list(set, &items, reterr);
    if (r == INSP_E_NOT_FOUND) {
        items = json_array();
        r = 0;
    }
    return r < 0 ? r : api_response_json(&request->response, 200, json_pack("{s:o}", "items", items), reterr);
}

int api_dataset_forget(struct api_request *request, struct insp_error *reterr) {
    char set[INSP_PATH_BYTES];
    size_t count = 0;
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = home(request, false, set, reterr);
    if (r == 0)
        r = insp_dataset_changes_forget(set, INT64_MAX, &count, reterr);
    if (r < 0)
        return r;
    snprintf(request->note, sizeof request->note, "product=%s changes=%zu", request->param[0], count);
    return api_response_json(&request->response, 200, json_pack("{s:I}", "forgotten", (json_int_t)count), reterr);
}
