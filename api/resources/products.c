#include "api/resources/handlers.h"
#include "api/server/server.h"

#include "core/model/bundle.h"
#include "core/model/registry.h"

#include <string.h>

int api_products_before(struct api_request *request, struct insp_error *reterr) {
    request->snapshot = insp_models_json(request->server->models);
    api_hide_json(request->response.hidden, request->snapshot);
    return request->snapshot ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the models");
}

static int check(const struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {NULL};
    return api_query_allow(&request->query, known, reterr);
}

/* Makes {"product", "active", "serving": {...}|null, "versions": n}. */
static int product_json(const struct api_request *request, const char *product, json_t **ret,
                        struct insp_error *reterr) {
    const char *state_dir = request->server->config.state_dir;
    char active[INSP_NAME_BYTES] = "";
    struct insp_names versions = {0};
    int code = insp_registry_versions(state_dir, product, &versions, reterr);
    if (!code)
        code = insp_registry_active(state_dir, product, active, reterr);
    if (!code) {
        *ret = json_pack("{s:s,s:o,s:O?,s:I}", "product", product, "active", api_json_text(active), "serving",
                         json_object_get(request->snapshot, product), "versions", (json_int_t)versions.count);
        if (!*ret)
            code = insp_fail(reterr, INSP_E_NOMEM, "no memory for the answer");
    }
    insp_names_clear(&versions);
    return code;
}

/* Says whether the product serves. It may, from memory, although its folder is gone. */
static bool serves(const struct api_request *request, const char *product) {
    return json_is_string(json_object_get(json_object_get(request->snapshot, product), "version"));
}

/* Fails with INSP_E_UNKNOWN_PRODUCT if the product has no folder and does not serve. */
static int known_product(const struct api_request *request, struct insp_error *reterr) {
    struct insp_names products = {0};
    int code = insp_registry_products(request->server->config.state_dir, &products, reterr);
    if (code)
        return code;
    bool found = serves(request, request->param[0]);
    for (size_t i = 0; i < products.count; i++)
        found |= !strcmp(products.name[i], request->param[0]);
    insp_names_clear(&products);
    return found ? 0 : insp_fail(reterr, INSP_E_UNKNOWN_PRODUCT, "no product is named \"%s\"", request->param[0]);
}

int api_products_list(struct api_request *request, struct insp_error *reterr) {
    struct insp_names products = {0};
    int code = check(request, reterr);
    if (!code)
        code = insp_registry_products(request->server->config.state_dir, &products, reterr);
    if (code)
        return code;
    json_t *items = json_array(), *one;
    for (size_t i = 0; !code && i < products.count; i++) {
        code = product_json(request, products.name[i], &one, reterr);
        if (!code)
            json_array_append_new(items, one);
    }
    const char *name;
    json_object_foreach(request->snapshot, name, one) {
        bool listed = false;
        for (size_t i = 0; i < products.count; i++)
            listed = listed || !strcmp(products.name[i], name);
        if (!listed && !code && serves(request, name) && !(code = product_json(request, name, &one, reterr)))
            json_array_append_new(items, one);
    }
    insp_names_clear(&products);
    if (!code)
        return api_response_json(&request->response, 200, json_pack("{s:o}", "items", items), reterr);
    json_decref(items);
    return code;
}

int api_product_get(struct api_request *request, struct insp_error *reterr) {
    json_t *json;
    int code = check(request, reterr);
    if (!code)
        code = known_product(request, reterr);
    if (!code)
        code = product_json(request, request->param[0], &json, reterr);
    return code ? code : api_response_json(&request->response, 200, json, reterr);
}

/* Makes the manifest of a version; for one that cannot be read {"product", "version", "failure", "active"}. */
static json_t *version_json(const struct api_request *request, const char *version, const char *active) {
    struct insp_manifest *manifest = NULL;
    struct insp_error error = {0};
    json_t *json;
    if (insp_bundle_read_manifest(request->server->config.state_dir, request->param[0], version, &manifest,
                                  &error)) {
        api_hide(request->response.hidden, error.detail, sizeof error.detail);
        json =
            json_pack("{s:s,s:s,s:s}", "product", request->param[0], "version", version, "failure", error.detail);
    } else {
        json = insp_manifest_json(manifest);
        insp_manifest_free(manifest);
    }
    if (json)
        json_object_set_new(json, "active", json_boolean(!strcmp(version, active)));
    return json;
}

int api_models_list(struct api_request *request, struct insp_error *reterr) {
    const char *state_dir = request->server->config.state_dir;
    char active[INSP_NAME_BYTES] = "";
    struct insp_names versions = {0};
    int code = check(request, reterr);
    if (!code)
        code = known_product(request, reterr);
    if (!code)
        code = insp_registry_active(state_dir, request->param[0], active, reterr);
    if (!code)
        code = insp_registry_versions(state_dir, request->param[0], &versions, reterr);
    if (code)
        return code;
    json_t *items = json_array();
    for (size_t i = 0; i < versions.count; i++)
        json_array_append_new(items, version_json(request, versions.name[i], active));
    insp_names_clear(&versions);
    return api_response_json(&request->response, 200, json_pack("{s:o}", "items", items), reterr);
}

int api_model_get(struct api_request *request, struct insp_error *reterr) {
    const char *state_dir = request->server->config.state_dir;
    char active[INSP_NAME_BYTES] = "";
    struct insp_manifest *manifest = NULL;
    int code = check(request, reterr);
    if (!code)
        code = known_product(request, reterr);
    if (!code)
        code = insp_registry_active(state_dir, request->param[0], active, reterr);
    if (!code)
        code = insp_bundle_read_manifest(state_dir, request->param[0], request->param[1], &manifest, reterr);
    if (code)
        return code;
    json_t *json = insp_manifest_json(manifest);
    insp_manifest_free(manifest);
    if (json)
        json_object_set_new(json, "active", json_boolean(!strcmp(request->param[1], active)));
    return api_response_json(&request->response, 200, json, reterr);
}
