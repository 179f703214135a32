/* api/resources/models_admin.c - activates, rolls back and deletes versions. The handlers run in lane BACK:
 * they prove the version on the inference thread and change the registry folder. Then the loop reads the
 * registry again (request->worked) and swaps the proved version in; running inspections keep the model they
 * started with. */
#include "api/resources/handlers.h"

#include "api/server/server.h"
#include "core/model/registry.h"
#include "core/serving/model_change.h"

#include <string.h>

static const char *const no_query[] = {NULL};

struct insp_changer api_changer(const struct api_request *request) {
    return (struct insp_changer){.state_dir = request->server->state_dir,
                                 .store = request->server->config.store,
                                 .who = request->principal[0] ? request->principal : "local"};
}

/* Answers, after the loop has read the registry again, which version serves: 503 if the active one does not. */
static void answer_serving(struct api_request *request) {
    const struct insp_served_model *item = insp_models_named(request->server->models, request->param[0]);
    const char *serving = item && item->model ? item->model->manifest->version : NULL;
    struct insp_error error;
    if (serving && item->passed && !item->reload_failure[0]) {
        json_t *json = json_pack("{s:s, s:O, s:s}", "product", request->param[0], "active", request->snapshot,
                                 "serving", serving);
        api_response_clear(&request->response);
        if (api_response_json(&request->response, 200, json, &error) == 0)
            return;
    } else {
        insp_fail(&error, INSP_E_NOT_READY,
                  "%s is now the active version of %s but does not serve: %s; serving version: %s",
                  json_string_value(request->snapshot), request->param[0],
                  !item                     ? "the product has no model"
                  : item->reload_failure[0] ? item->reload_failure
                                            : item->failure,
                  serving && item->passed ? serving : "none");
        api_response_clear(&request->response);
    }
    api_response_problem(&request->response, &error);
}

static void reread(void *arg) {
    api_server_finish(arg);
}

void api_models_reread(struct api_request *request) {
    insp_models_reload(request->server->models, reread, request);
}

static void switched(void *arg) {
    answer_serving(arg);
    api_server_finish(arg);
}

static void reread_and_say(struct api_request *request) {
    insp_models_reload(request->server->models, switched, request);
}

/* Proves the version and makes it the active one with `change`, under one lock. */
static int switch_to(struct api_request *request, const char *version, insp_models_change *change,
                     struct insp_error *reterr) {
    const char *product = request->param[0];
    const struct insp_changer changer = api_changer(request);
    int r = insp_models_switch(request->server->models, &changer, change, product, version, reterr);
    if (r < 0)
        return r;
    request->snapshot = json_string(version);
    request->worked = reread_and_say;
    snprintf(request->note, sizeof request->note, "product=%s active=%s", product, version);
    return api_response_json(&request->response, 200,
                             json_pack("{s:s, s:s}", "product", product, "active", version), reterr);
}

int api_model_activate(struct api_request *request, struct insp_error *reterr) {
    int r = api_query_allow(&request->query, no_query, reterr);
    return r < 0 ? r : switch_to(request, request->param[1], insp_change_activate, reterr);
}

int api_shadow_promote(struct api_request *request, struct insp_error *reterr) {
    struct insp_shadow_choice choice = {0};
    char active[INSP_NAME_BYTES] = "";
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = insp_shadow_read(request->server->state_dir, request->param[0], &choice, reterr);
    if (r == 0)
        r = insp_registry_active(request->server->state_dir, request->param[0], active, reterr);
    if (r == 0 && (!*choice.version || !strcmp(choice.version, active)))
        r = insp_fail(reterr, INSP_E_NOT_FOUND, "%s has no shadow", request->param[0]);
    return r < 0 ? r : switch_to(request, choice.version, insp_change_promote, reterr);
}

/* Checks that the version in .../models/{version}/rollback is the active one. */
static int check_active(const struct api_request *request, const char *product, const char *version,
                        struct insp_error *reterr) {
    char active[INSP_NAME_BYTES];
    int r = insp_registry_active(request->server->state_dir, product, active, reterr);
    if (r < 0 || !strcmp(active, version))
        return r;
    return insp_fail(reterr, INSP_E_CONFLICT, "%s is not the active version of %s; the active version is %s",
                     version, product, *active ? active : "none");
}

int api_model_rollback(struct api_request *request, struct insp_error *reterr) {
    const char *product = request->param[0];
    char version[INSP_NAME_BYTES];
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0 && *request->param[1])
        r = check_active(request, product, request->param[1], reterr);
    if (r == 0)
        r = insp_registry_rollback_target(request->server->state_dir, product, version, reterr);
    return r < 0 ? r : switch_to(request, version, insp_change_rollback, reterr);
}

int api_model_delete(struct api_request *request, struct insp_error *reterr) {
    const struct insp_changer changer = api_changer(request);
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = insp_models_remove(request->server->models, &changer, request->param[0], request->param[1], reterr);
    if (r < 0)
        return r;
    api_response_take(&request->response, 204, NULL, 0, "");
    return 0;
}
