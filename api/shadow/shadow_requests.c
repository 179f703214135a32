/* Answers the requests about shadows. The handlers run in lane BACK; api_shadow_before, on the loop, copies what
 * the loop knows. */
#include "api/resources/handlers.h"
#include "api/server/server.h"
#include "api/shadow/shadow.h"

#include "core/base/fs.h"
#include "core/serving/shadow.h"

#include <string.h>

enum { LIMIT_DEFAULT = 50, ID_PATH_BYTES = 128 };

static const char *const no_query[] = {NULL};

/* The snapshot says whether the shadow runs, and why it does not, or why it fails. */
int api_shadow_before(struct api_request *request, struct insp_error *reterr) {
    const struct insp_served_model *item = insp_models_named(request->server->models, request->param[0]);
    if (!item)
        return insp_fail(reterr, INSP_E_UNKNOWN_PRODUCT, "no product is named \"%s\"", request->param[0]);
    const char *why = *item->shadow_failure
                          ? item->shadow_failure
                          : api_shadow_failure(request->server->shadow, item->product, item->shadow_choice.version,
                                               item->shadow_choice.since_us);
    request->snapshot =
        json_pack("{s:s?, s:s?, s:s?}", "version", item->shadow ? item->shadow_choice.version : NULL, "failure",
                  *why ? why : NULL, "active", item->model ? item->model->manifest->version : NULL);
    api_hide_json(request->response.hidden, request->snapshot);
    return request->snapshot ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the shadow");
}

static json_t *counts_json(const struct insp_shadow_counts *c) {
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "parts", (json_int_t)c->parts, "agree",
                     (json_int_t)c->agree, "disagree", (json_int_t)(c->parts - c->agree), "missed",
                     (json_int_t)c->missed, "rejected", (json_int_t)c->rejected, "skipped", (json_int_t)c->skipped,
                     "failed", (json_int_t)c->failed, "lost", (json_int_t)c->lost);
}

static int add_part(void *arg, const struct insp_shadow_part *part) {
    char href[ID_PATH_BYTES];
    snprintf(href, sizeof href, "/v1/inspections/%s", part->id);
    return json_array_append_new(arg, json_pack("{s:s, s:s, s:s, s:o, s:s}", "id", part->id, "active",
                                                insp_verdict_name(part->active), "shadow",
                                                insp_verdict_name(part->shadow), "probability",
                                                api_json_float(part->probability), "href", href)) < 0;
}

/* Makes the document of a shadow. runs: whether it is loaded; NULL: it has just begun. */
static int document(const struct api_request *request, const struct insp_shadow_choice *choice, size_t limit,
                    json_t **ret, struct insp_error *reterr) {
    static const char *const outcome[] = {NULL, "stays", "failed"};
    struct insp_store *store = request->server->config.store;
    const struct insp_shadow_run run = insp_shadow_run_of(request->param[0], choice);
    const char *loaded = json_string_value(json_object_get(request->snapshot, "version"));
    struct insp_shadow_counts counts;
    json_t *parts = json_array();
    int r = parts ? insp_store_shadow_counts(store, &run, &counts, reterr)
                  : insp_fail(reterr, INSP_E_NOMEM, "no memory for the shadow");
    if (r == 0)
        r = insp_store_shadow_list(store, &run, limit, add_part, parts, reterr);
    if (r < 0) {
        json_decref(parts);
        return r;
    }
    *ret = json_pack("{s:s, s:{s:s, s:o, s:s, s:o, s:s?, s:b, s:O, s:o, s:o}}", "product", request->param[0],
                     "shadow", "version", choice->version, "since", api_json_time(choice->since_us), "by",
                     choice->by, "rule", insp_shadow_rule_json(&choice->rule), "outcome",
                     counts.outcome < INSP_COUNT(outcome) ? outcome[counts.outcome] : NULL, "running",
                     loaded && !strcmp(loaded, choice->version), "failure",
                     json_object_get(request->snapshot, "failure"), "counts", counts_json(&counts),
                     "disagreements", parts);
    return *ret ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the shadow");
}

/* A shadow that has become active is none. */
static int read_shadow(const struct api_request *request, struct insp_shadow_choice *ret,
                       struct insp_error *reterr) {
    const char *active = json_string_value(json_object_get(request->snapshot, "active"));
    int r = insp_shadow_read(request->server->state_dir, request->param[0], ret, reterr);
    if (r == 0 && active && !strcmp(active, ret->version))
        *ret = (struct insp_shadow_choice){0};
    return r;
}

int api_shadow_get(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {"limit", NULL};
    struct insp_shadow_choice choice;
    uint64_t limit = LIMIT_DEFAULT;
    json_t *json = NULL;
    int r = api_query_allow(&request->query, known, reterr);
    if (r == 0)
        r = api_query_number(&request->query, "limit", 1, INSP_SHADOW_KEPT, &limit, reterr);
    if (r == 0)
        r = read_shadow(request, &choice, reterr);
    if (r == 0 && !*choice.version)
        return api_response_json(&request->response, 200,
                                 json_pack("{s:s, s:n}", "product", request->param[0], "shadow"), reterr);
    if (r == 0)
        r = document(request, &choice, (size_t)limit, &json, reterr);
    return r < 0 ? r : api_response_json(&request->response, 200, json, reterr);
}

static int read_body(const struct api_request *request, struct insp_shadow_choice *ret,
                     struct insp_error *reterr) {
    json_error_t syntax;
    json_t *body = json_loadb((const char *)request->body, request->body_bytes, JSON_REJECT_DUPLICATES, &syntax);
    const char *version = json_string_value(json_object_get(body, "version")), *key;
    json_t *value;
    int r =
        body ? 0
             : insp_fail(reterr, INSP_E_PARAMETER, "the body is not JSON: line %d: %s", syntax.line, syntax.text);
    if (r == 0 && !json_is_object(body))
        r = insp_fail(reterr, INSP_E_PARAMETER, "the body must be {\"version\": ..., \"rule\": {...} or null}");
    json_object_foreach(body, key, value) {
        if (r == 0 && strcmp(key, "version") != 0 && strcmp(key, "rule") != 0)
            r = insp_fail(reterr, INSP_E_PARAMETER, "%.40s is unknown: a shadow has version and rule", key);
    }
    if (r == 0 && (!version || !insp_name_valid(version)))
        r = insp_fail(reterr, INSP_E_PARAMETER, "version must be the name of a version");
    if (r == 0)
        r = insp_shadow_rule_parse(json_object_get(body, "rule"), INSP_E_PARAMETER, &ret->rule, reterr);
    if (r == 0)
        snprintf(ret->version, sizeof ret->version, "%s", version);
    json_decref(body);
    return r;
}

int api_shadow_put(struct api_request *request, struct insp_error *reterr) {
    const struct insp_changer changer = api_changer(request);
    struct insp_shadow_choice choice = {0};
    json_t *json = NULL;
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = read_body(request, &choice, reterr);
    if (r == 0)
        r = insp_models_shadow(request->server->models, &changer, request->param[0], &choice, reterr);
    if (r == 0)
        r = insp_shadow_read(request->server->state_dir, request->param[0], &choice, reterr);
    if (r == 0) { /* it has been proved, and runs when the loop has read the models again: before the answer */
        request->snapshot = json_pack("{s:s, s:n}", "version", choice.version, "failure");
        r = document(request, &choice, LIMIT_DEFAULT, &json, reterr);
    }
    if (r < 0)
        return r;
    request->worked = api_models_reread;
    snprintf(request->note, sizeof request->note, "product=%s shadow=%s", request->param[0], choice.version);
    return api_response_json(&request->response, 200, json, reterr);
}

int api_shadow_delete(struct api_request *request, struct insp_error *reterr) {
    const struct insp_changer changer = api_changer(request);
    const struct insp_shadow_choice none = {0};
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = insp_models_shadow(request->server->models, &changer, request->param[0], &none, reterr);
    if (r < 0)
        return r;
    request->worked = api_models_reread;
    api_response_take(&request->response, 204, NULL, 0, "");
    return 0;
}
