/* api/models_admin.c - activate, roll back, adjust and delete models. The handlers run on the pool: they change
 * the registry folder, then ask the loop to read it again (request->reload_models), which loads what is new on the
 * inference thread and swaps it in; inspections under way keep the model they started with. */
#include "api/handlers.h"

#include "api/server.h"
#include "core/base/cleanup.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"

#include <string.h>

static const char *const no_query[] = {NULL};

static int answer_active(struct api_request *request, const char *product, const char *version,
                         struct insp_error *reterr) {
    request->reload_models = true;
    snprintf(request->note, sizeof request->note, "product=%s active=%s", product, version);
    return api_response_json(&request->response, 200,
                             json_pack("{s:s, s:s}", "product", product, "active", version), reterr);
}

/* The daemon holds one trunk; a model that was trained on another cannot be served beside it. */
static int check_trunk(const struct api_request *request, const char *product, const char *version,
                       struct insp_error *reterr) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    const char *loaded = insp_engine_trunk_sha256(request->server->config.engine);
    int r = insp_bundle_read(request->server->state_dir, product, version, &manifest, NULL, reterr);
    if (r < 0)
        return r;
    if (*loaded && strcmp(manifest->trunk_sha256, loaded))
        return insp_fail(reterr, INSP_E_CONFLICT,
                         "%s %s was trained on trunk %.12s, the daemon serves trunk %.12s: restart it after "
                         "`inspectd trunk list` and a change of the default, or train again",
                         product, version, manifest->trunk_sha256, loaded);
    return 0;
}

int api_model_activate(struct api_request *request, struct insp_error *reterr) {
    const char *product = request->param[0], *version = request->param[1];
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = check_trunk(request, product, version, reterr);
    if (r == 0)
        r = insp_registry_activate(request->server->state_dir, product, version, reterr);
    return r ? r : answer_active(request, product, version, reterr);
}

/* .../models/{version}/rollback names the model that is to go: it must be the one that serves. */
static int check_active(const struct api_request *request, const char *product, const char *version,
                        struct insp_error *reterr) {
    char active[INSP_NAME_BYTES];
    int r = insp_registry_active(request->server->state_dir, product, active, reterr);
    if (r < 0 || !strcmp(active, version))
        return r;
    return insp_fail(reterr, INSP_E_CONFLICT, "%s is not the active version of %s, %s is", version, product,
                     *active ? active : "none");
}

int api_model_rollback(struct api_request *request, struct insp_error *reterr) {
    const char *product = request->param[0];
    char version[INSP_NAME_BYTES];
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0 && *request->param[1])
        r = check_active(request, product, request->param[1], reterr);
    if (r == 0)
        r = insp_registry_rollback(request->server->state_dir, product, version, reterr);
    return r ? r : answer_active(request, product, version, reterr);
}

int api_model_delete(struct api_request *request, struct insp_error *reterr) {
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = insp_registry_remove(request->server->state_dir, request->param[0], request->param[1], reterr);
    if (r < 0)
        return r;
    api_response_take(&request->response, 204, NULL, 0, "");
    return 0;
}

static int take_fraction(const char *name, const json_t *value, float *ret, struct insp_error *reterr) {
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= 0 && number <= 1))
        return insp_fail(reterr, INSP_E_PARAMETER, "%s must be a number from 0 to 1", name);
    *ret = (float)number;
    return 0;
}

/* {"low", "high"}, or null for none. */
static int take_review(const json_t *value, struct insp_review *ret, struct insp_error *reterr) {
    struct insp_review review = {.on = true};
    if (json_is_null(value)) {
        *ret = (struct insp_review){0};
        return 0;
    }
    if (!json_is_object(value) || json_object_size(value) != 2)
        return insp_fail(reterr, INSP_E_PARAMETER, "review must be {\"low\": 0 to 1, \"high\": 0 to 1} or null");
    int r = take_fraction("review.low", json_object_get(value, "low"), &review.low, reterr);
    if (r == 0)
        r = take_fraction("review.high", json_object_get(value, "high"), &review.high, reterr);
    if (r == 0)
        *ret = review;
    return r;
}

static int apply_change(json_t *change, struct insp_manifest *manifest, struct insp_error *reterr) {
    const char *name;
    json_t *value;
    int r = json_is_object(change) && json_object_size(change) > 0
                ? 0
                : insp_fail(reterr, INSP_E_PARAMETER,
                            "give threshold, heatmap_threshold (each 0 to 1) or review in a JSON object");
    json_object_foreach(change, name, value) {
        if (r < 0)
            break;
        if (!strcmp(name, "threshold"))
            r = take_fraction(name, value, &manifest->threshold, reterr);
        else if (!strcmp(name, "heatmap_threshold"))
            r = take_fraction(name, value, &manifest->heatmap.threshold, reterr);
        else if (!strcmp(name, "review"))
            r = take_review(value, &manifest->review, reterr);
        else
            r = insp_fail(reterr, INSP_E_PARAMETER,
                          "\"%s\" cannot be changed; threshold, heatmap_threshold and review can", name);
    }
    return r < 0 ? r : insp_review_check(&manifest->review, manifest->threshold, INSP_E_PARAMETER, reterr);
}

int api_model_patch(struct api_request *request, struct insp_error *reterr) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    json_t *change = NULL;
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = api_request_json(request, &change, reterr);
    if (r == 0)
        r = insp_bundle_read(request->server->state_dir, request->param[0], request->param[1], &manifest, NULL,
                             reterr);
    if (r == 0)
        r = apply_change(change, manifest, reterr);
    json_decref(change);
    if (r == 0)
        r = insp_bundle_update_manifest(request->server->state_dir, manifest, reterr);
    if (r < 0)
        return r;
    request->reload_models = true;
    snprintf(request->note, sizeof request->note, "product=%s model=%s threshold=%g", manifest->product,
             manifest->version, (double)manifest->threshold);
    return api_response_json(&request->response, 200, insp_manifest_json(manifest), reterr);
}
