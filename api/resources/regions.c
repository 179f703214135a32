/* Shows and changes the regions of a product that its next training uses, and says whether the version that serves
 * was trained with them. */
#include "api/resources/handlers.h"
#include "api/server/server.h"

#include "core/base/fs.h"
#include "core/jobs/dataset_root.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"
#include "core/region/field_file.h"

#include <string.h>

/* Reads the camera of the query, NULL if it names none. */
static int read_camera(const struct api_request *request, const char **ret, struct insp_error *reterr) {
    static const char *const known[] = {"camera", NULL};
    int r = api_query_allow(&request->query, known, reterr);
    *ret = api_query_get(&request->query, "camera");
    if (r == 0 && *ret && (!**ret || strlen(*ret) >= INSP_CAMERA_BYTES || !api_text_clean(*ret)))
        r = insp_fail(reterr, INSP_E_QUERY,
                      "query parameter \"camera\" must be 1 to %d bytes of text without control characters",
                      INSP_CAMERA_BYTES - 1);
    return r;
}

/* Writes the version that serves the product, "" if none does. */
static void serving_version(const struct api_request *request, char ret_version[INSP_NAME_BYTES]) {
    const json_t *state = json_object_get(request->snapshot, request->param[0]);
    const char *version = json_string_value(json_object_get(state, "version"));
    snprintf(ret_version, INSP_NAME_BYTES, "%s", version ? version : "");
}

static int check_name(const struct api_request *request, struct insp_error *reterr) {
    return insp_name_valid(request->param[0])
               ? 0
               : insp_fail(reterr, INSP_E_UNKNOWN_PRODUCT, "no product can have this name");
}

/* A product exists if it has a version, serves, has a folder for its images, or has regions. */
static int check_product(const struct api_request *request, const struct insp_field_set *set,
                         struct insp_error *reterr) {
    char version[INSP_NAME_BYTES], home[INSP_PATH_BYTES];
    struct insp_names versions = {0};
    struct insp_error why;
    serving_version(request, version);
    if (set || *version ||
        insp_dataset_home(request->server->dataset_roots, request->param[0], false, home, &why) == 0)
        return 0;
    int r = insp_registry_versions(request->server->config.state_dir, request->param[0], &versions, reterr);
    bool none = !versions.count;
    insp_names_clear(&versions);
    return r < 0 || !none
               ? r
               : insp_fail(reterr, INSP_E_UNKNOWN_PRODUCT, "no product is named \"%s\"", request->param[0]);
}

/* Makes {"version", "same"} of the version that serves, null if none does. */
static int serving_json(const struct api_request *request, const struct insp_field_set *set, json_t **ret,
                        struct insp_error *reterr) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    char version[INSP_NAME_BYTES];
    serving_version(request, version);
    *ret = NULL;
    if (!*version)
        return 0;
    int r = insp_bundle_read_manifest(request->server->config.state_dir, request->param[0], version, &manifest,
                                      reterr);
    if (r == INSP_E_NOT_FOUND) /* it serves from memory although its folder is gone */
        return 0;
    if (r < 0 &&
        r != INSP_E_MODEL) /* a damaged manifest tells no regions; those of the product stand all the same */
        return r;
    *ret =
        json_pack("{s:s, s:b}", "version", version, "same", r == 0 && insp_field_set_equal(manifest->fields, set));
    return *ret ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the answer");
}

static int answer(struct api_request *request, const struct insp_field_set *set, struct insp_error *reterr) {
    json_t *serving = NULL;
    int r = serving_json(request, set, &serving, reterr);
    if (r < 0)
        return r;
    bool retrain = serving && json_is_false(json_object_get(serving, "same"));
    json_t *regions = set ? insp_field_set_json(set) : json_pack("{s:n, s:{}}", "default", "cameras");
    json_t *json = json_pack("{s:s, s:o, s:o, s:b}", "product", request->param[0], "regions", regions, "serving",
                             serving ? serving : json_null(), "retrain", retrain);
    return api_response_json(&request->response, 200, json, reterr);
}

int api_regions_get(struct api_request *request, struct insp_error *reterr) {
    static const char *const none[] = {NULL};
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set = NULL;
    int r = api_query_allow(&request->query, none, reterr);
    if (r == 0)
        r = check_name(request, reterr);
    if (r == 0)
        r = insp_field_file_read(request->server->config.state_dir, request->param[0], &set, reterr);
    if (r == 0)
        r = check_product(request, set, reterr);
    return r < 0 ? r : answer(request, set, reterr);
}

static int change(struct api_request *request, const char *camera, json_t *region, struct insp_error *reterr) {
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set = NULL;
    int r = check_name(request, reterr);
    if (r == 0)
        r = insp_field_file_change(request->server->config.state_dir, request->param[0], camera, region, &set,
                                   reterr);
    if (r < 0)
        return r;
    snprintf(request->note, sizeof request->note, "product=%s regions=%.12s", request->param[0],
             set ? set->digest : "none");
    return answer(request, set, reterr);
}

int api_regions_put(struct api_request *request, struct insp_error *reterr) {
    const char *camera;
    json_t *region = NULL;
    int r = read_camera(request, &camera, reterr);
    if (r == 0)
        r = api_request_json(request, NULL, &region, reterr);
    if (r == 0 && !json_array_size(json_object_get(region, "look")) &&
        !json_array_size(json_object_get(region, "ignore")))
        r = insp_fail(reterr, INSP_E_PARAMETER,
                      "the body must have a polygon in \"look\" or in \"ignore\"; DELETE removes a region");
    if (r == 0)
        r = change(request, camera, region, reterr);
    json_decref(region);
    return r;
}

int api_regions_delete(struct api_request *request, struct insp_error *reterr) {
    const char *camera;
    int r = read_camera(request, &camera, reterr);
    return r < 0 ? r : change(request, camera, NULL, reterr);
}
