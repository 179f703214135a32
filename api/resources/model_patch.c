/* api/resources/model_patch.c - changes the thresholds and the review band of a version and lists its changes. The
 * handlers run in lane BACK. */
#include "api/resources/handlers.h"

#include "api/http/cursor.h"
#include "api/server/server.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/judge/candidates.h"
#include "core/model/bundle.h"
#include "core/serving/model_change.h"
#include "core/store/changes.h"

#include <string.h>

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 500 };

static const char *const no_query[] = {NULL};

struct patch {
    struct api_request *request;
    json_t *body;
    json_t *advice; /* owned: the result of the job that threshold_job names, or NULL */
};

/* --- a threshold from a cross-validation --- */

static int refuse_job(const char *id, int code, const char *why, struct insp_error *reterr) {
    return insp_fail(reterr, code, "threshold_job %.64s: %s", id, why);
}

static bool says(const json_t *object, const char *key, const char *text) {
    const char *value = json_string_value(json_object_get(object, key));
    return value && !strcmp(value, text);
}

/* Checks that the job is a cross-validation of this product with advice that can be used. */
static int check_job(const struct api_request *request, const char *id, const json_t *job,
                     struct insp_error *reterr) {
    const json_t *advice = json_object_get(json_object_get(job, "result"), "threshold_advice");
    if (!says(job, "kind", "cross-validate"))
        return refuse_job(id, INSP_E_PARAMETER, "this job is not a cross-validation", reterr);
    if (!says(job, "product", request->param[0]))
        return refuse_job(id, INSP_E_PARAMETER, "this job is of another product", reterr);
    if (!says(job, "state", "succeeded"))
        return refuse_job(id, INSP_E_CONFLICT, "this job has not succeeded", reterr);
    if (!json_is_object(advice))
        return refuse_job(id, INSP_E_CONFLICT,
                          "this job has no threshold advice: it judged a good-only model, or an older version of "
                          "inspectd ran it",
                          reterr);
    return 0;
}

/* Finds the job's advice for versions that decide as this one does. A version of an older inspectd does not say
 * whether its tail has averaged weights; it counts as one without. */
static int advice_for(const char *id, const json_t *result, const struct insp_manifest *manifest,
                      const json_t **ret, struct insp_error *reterr) {
    const char *name = json_string_value(json_object_get(manifest->training, "candidate"));
    const json_t *list = json_object_get(json_object_get(result, "candidates"), "list"), *candidate;
    const json_t *advice = NULL;
    size_t i;
    if (!name && manifest->logistic.use == INSP_LOGISTIC_NONE)
        name = insp_candidate_name(INSP_CANDIDATE_TAIL);
    if (!manifest->weights_sha256[0] || !insp_candidate_named(name, manifest->logistic.use))
        return refuse_job(id, INSP_E_CONFLICT,
                          "this version does not decide by a trained tail, or does not say how it decides: train "
                          "again",
                          reterr);
    if (!list && !strcmp(name, insp_candidate_name(INSP_CANDIDATE_TAIL)))
        advice = json_object_get(result, "threshold_advice"); /* the job judged tails alone */
    json_array_foreach(list, i, candidate) {
        if (says(candidate, "name", name))
            advice = json_object_get(candidate, "threshold_advice");
    }
    if (!json_is_object(advice))
        return insp_fail(reterr, INSP_E_CONFLICT,
                         "threshold_job %.64s: this version decides by %s, which the job did not judge, so its "
                         "scores differ from the model's",
                         id, name);
    if (!json_is_true(json_object_get(advice, "reachable"))) {
        const char *reason = json_string_value(json_object_get(advice, "reason"));
        return insp_fail(reterr, INSP_E_CONFLICT,
                         "threshold_job %.64s: the advised threshold misses more anomalies than max_missed: %s",
                         id, reason ? reason : "too few anomalies");
    }
    *ret = advice;
    return 0;
}

static int find_advice(struct patch *patch, struct insp_error *reterr) {
    const struct api_request *request = patch->request;
    const json_t *value = json_object_get(patch->body, "threshold_job");
    const char *id = json_string_value(value);
    struct insp_error why;
    json_t *job = NULL;
    if (!value)
        return 0;
    if (json_object_get(patch->body, "threshold"))
        return insp_fail(reterr, INSP_E_PARAMETER, "give threshold or threshold_job, not both");
    if (!id || !insp_uuid_valid(id))
        return insp_fail(reterr, INSP_E_PARAMETER, "threshold_job must be the id of a job");
    int r = insp_jobs_get(request->server->jobs, id, &job, &why);
    if (r == INSP_E_NOT_FOUND)
        return refuse_job(id, INSP_E_PARAMETER, "there is no such job", reterr);
    if (r < 0)
        return insp_fail(reterr, r, "%s", why.detail);
    r = check_job(request, id, job, reterr);
    if (r == 0)
        patch->advice = json_incref(json_object_get(job, "result"));
    json_decref(job);
    return r;
}

/* --- the change --- */

static int take_fraction(const char *name, const json_t *value, float *ret, struct insp_error *reterr) {
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= 0 && number <= 1))
        return insp_fail(reterr, INSP_E_PARAMETER, "%s must be a number from 0 to 1", name);
    *ret = (float)number;
    return 0;
}

/* Reads {"low", "high"}; null turns the band off. */
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

static int set_source(struct insp_manifest *manifest, json_t *source, struct insp_error *reterr) {
    if (!source)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the threshold's source");
    json_decref(manifest->threshold_source);
    manifest->threshold_source = source;
    return 0;
}

static int take_threshold(const struct patch *patch, const json_t *value, struct insp_manifest *manifest,
                          struct insp_error *reterr) {
    const struct insp_changer changer = api_changer(patch->request);
    int r = take_fraction("threshold", value, &manifest->threshold, reterr);
    return r < 0 ? r
                 : set_source(manifest,
                              json_pack("{s:s, s:s, s:o}", "from", "patch", "by", changer.who, "at",
                                        api_json_time(insp_wall_us())),
                              reterr);
}

/* Says whether the job ran with the tiles of a version. Jobs of an older inspectd knew none. */
static bool same_tiles(const struct patch *patch, struct insp_tiles tiles) {
    char text[INSP_TILES_TEXT_BYTES];
    const char *job = json_string_value(json_object_get(json_object_get(patch->advice, "params"), "tiles"));
    return !strcmp(job ? job : "1x1", insp_tiles_text(tiles, text));
}

static int take_job(const struct patch *patch, const json_t *id, struct insp_manifest *manifest,
                    struct insp_error *reterr) {
    const struct insp_changer changer = api_changer(patch->request);
    const json_t *advice = NULL;
    if (!says(patch->advice, "trunk", manifest->trunk_sha256))
        return refuse_job(json_string_value(id), INSP_E_CONFLICT,
                          "this job ran on another trunk than this version, so its scores differ from the model's",
                          reterr);
    const char *regions = json_string_value(json_object_get(patch->advice, "regions"));
    if (!regions)
        return refuse_job(json_string_value(id), INSP_E_CONFLICT,
                          "an older version of inspectd ran this job and did not note its regions, so its scores "
                          "may differ from the model's: validate again",
                          reterr);
    if (strcmp(regions, insp_field_set_digest(manifest->fields)) != 0)
        return refuse_job(json_string_value(id), INSP_E_CONFLICT,
                          "this job ran with other regions than this version has, so its scores differ from the "
                          "model's",
                          reterr);
    if (!same_tiles(patch, manifest->tiles))
        return refuse_job(
            json_string_value(id), INSP_E_CONFLICT,
            "this job ran with other tiles than this version has, so its scores differ from the model's", reterr);
    if (!says(json_object_get(patch->advice, "params"), "input", insp_transform_name(&manifest->input)))
        return refuse_job(
            json_string_value(id), INSP_E_CONFLICT,
            "this job ran with another input than this version, so its scores differ from the model's", reterr);
    int r = advice_for(json_string_value(id), patch->advice, manifest, &advice, reterr);
    if (r == 0)
        r = take_fraction("threshold", json_object_get(advice, "threshold"), &manifest->threshold, reterr);
    return r < 0 ? r
                 : set_source(manifest,
                              json_pack("{s:s, s:O, s:O?, s:O?, s:O?, s:s, s:o}", "from", "cross-validate", "job",
                                        id, "max_missed", json_object_get(advice, "max_missed"), "missed",
                                        json_object_get(advice, "missed"), "false_alarms",
                                        json_object_get(advice, "false_alarms"), "by", changer.who, "at",
                                        api_json_time(insp_wall_us())),
                              reterr);
}

static int take_member(const struct patch *patch, const char *name, json_t *value, struct insp_manifest *manifest,
                       struct insp_error *reterr) {
    if (!strcmp(name, "threshold"))
        return take_threshold(patch, value, manifest, reterr);
    if (!strcmp(name, "threshold_job"))
        return take_job(patch, value, manifest, reterr);
    if (!strcmp(name, "heatmap_threshold"))
        return take_fraction(name, value, &manifest->heatmap.threshold, reterr);
    if (!strcmp(name, "review"))
        return take_review(value, &manifest->review, reterr);
    return insp_fail(reterr, INSP_E_PARAMETER,
                     "\"%s\" cannot be changed; threshold, threshold_job, heatmap_threshold and review can", name);
}

/* Applies the patch; an insp_manifest_edit, called under the lock of model_change.h. */
static int edit(void *arg, struct insp_manifest *manifest, struct insp_error *reterr) {
    const struct patch *patch = arg;
    const char *name;
    json_t *value;
    int r = 0;
    json_object_foreach(patch->body, name, value) {
        if ((r = take_member(patch, name, value, manifest, reterr)) < 0)
            return r;
    }
    return insp_review_check(&manifest->review, manifest->threshold, INSP_E_PARAMETER, reterr);
}

static int check_body(const json_t *body, struct insp_error *reterr) {
    return json_is_object(body) && json_object_size(body) > 0
               ? 0
               : insp_fail(reterr, INSP_E_PARAMETER,
                           "give threshold or threshold_job, heatmap_threshold or review in a JSON object");
}

int api_model_patch(struct api_request *request, struct insp_error *reterr) {
    const struct insp_changer changer = api_changer(request);
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    struct patch patch = {.request = request};
    int r = api_query_allow(&request->query, no_query, reterr);
    if (r == 0)
        r = api_request_json(request, "review", &patch.body, reterr);
    if (r == 0)
        r = check_body(patch.body, reterr);
    if (r == 0)
        r = find_advice(&patch, reterr);
    if (r == 0)
        r = insp_change_manifest(&changer, request->param[0], request->param[1], edit, &patch, &manifest, reterr);
    json_decref(patch.body);
    json_decref(patch.advice);
    if (r < 0)
        return r;
    request->worked = api_models_reread;
    snprintf(request->note, sizeof request->note, "product=%s model=%s threshold=%g", manifest->product,
             manifest->version, (double)manifest->threshold);
    return api_response_json(&request->response, 200, insp_manifest_json(manifest), reterr);
}

/* --- the list of changes --- */

struct page {
    json_t *items;
    size_t limit;
    bool more;
    char last_id[INSP_UUID_BYTES];
};

/* Gets one row more than the page holds, so that `next` is null on the last page. */
static int add_item(void *arg, const struct insp_change *change) {
    struct page *page = arg;
    if (json_array_size(page->items) == page->limit) {
        page->more = true;
        return 1;
    }
    snprintf(page->last_id, sizeof page->last_id, "%s", change->id);
    json_t *from = json_loads(change->from, JSON_DECODE_ANY, NULL),
           *to = json_loads(change->to, JSON_DECODE_ANY, NULL);
    return json_array_append_new(page->items,
                                 json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:o, s:o}", "id", change->id, "at",
                                           api_json_time(change->at_us), "who", change->who, "product",
                                           change->product, "version", change->version, "field", change->field,
                                           "from", from ? from : json_null(), "to", to ? to : json_null()));
}

/* Fails for a version that never existed. A deleted version still has changes. */
static int check_known(const struct api_request *request, const struct page *page, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    return json_array_size(page->items) ? 0
                                        : insp_bundle_folder(request->server->state_dir, request->param[0],
                                                             request->param[1], folder, reterr);
}

int api_model_changes(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {"limit", "cursor", NULL};
    const char *cursor = api_query_get(&request->query, "cursor");
    char before[INSP_UUID_BYTES], next[API_CURSOR_BYTES];
    uint64_t limit = LIMIT_DEFAULT;
    int r = api_query_allow(&request->query, known, reterr);
    if (r == 0)
        r = api_query_number(&request->query, "limit", 1, LIMIT_MAX, &limit, reterr);
    if (r == 0 && cursor)
        r = api_cursor_read(&request->query, cursor, before, reterr);
    if (r < 0)
        return r;
    struct page page = {.items = json_array(), .limit = (size_t)limit};
    r = insp_changes_list(request->server->config.store, request->param[0], request->param[1],
                          cursor ? before : NULL, page.limit + 1, add_item, &page, reterr);
    if (r == 0)
        r = check_known(request, &page, reterr);
    if (r < 0) {
        json_decref(page.items);
        return r;
    }
    if (page.more)
        api_cursor_make(&request->query, page.last_id, next);
    return api_response_json(&request->response, 200,
                             json_pack("{s:o, s:s?}", "items", page.items, "next", page.more ? next : NULL),
                             reterr);
}
