/* api/resources/job_requests.c - starts, cancels and shows jobs of core/jobs over HTTP. All handlers run in lane
 * BACK (API_WORK). */
#include "api/resources/handlers.h"

#include "api/server/server.h"
#include "core/jobs/jobs.h"

static int answer_job(struct api_request *request, unsigned status, const char *id, struct insp_error *reterr) {
    json_t *job = NULL;
    int r = insp_jobs_get(request->server->jobs, id, &job, reterr);
    api_hide_json(request->response.hidden, job);
    return r < 0 ? r : api_response_json(&request->response, status, job, reterr);
}

static int submit(struct api_request *request, enum insp_job_kind kind, struct insp_error *reterr) {
    static const char *const allowed[] = {NULL};
    struct insp_job_params params;
    char id[INSP_UUID_BYTES];
    int r = api_query_allow(&request->query, allowed, reterr);
    if (r < 0)
        return r;
    json_t *object = NULL;
    r = api_request_json(request, NULL, &object, reterr);
    if (r == 0)
        r = insp_job_params_parse(kind, object, &params, reterr);
    json_decref(object);
    if (r == 0)
        r = insp_jobs_submit(request->server->jobs, kind, request->param[0], &params, id, reterr);
    if (r < 0)
        return r;
    snprintf(request->note, sizeof request->note, "job=%s", id);
    api_response_header(&request->response, "Location", "/v1/jobs/%s", id);
    return answer_job(request, 202, id, reterr);
}

int api_job_train(struct api_request *request, struct insp_error *reterr) {
    return submit(request, INSP_JOB_TRAIN, reterr);
}

int api_job_cross_validate(struct api_request *request, struct insp_error *reterr) {
    return submit(request, INSP_JOB_CROSS_VALIDATE, reterr);
}

int api_job_evaluate(struct api_request *request, struct insp_error *reterr) {
    return submit(request, INSP_JOB_EVALUATE, reterr);
}

int api_job_trunk_bank(struct api_request *request, struct insp_error *reterr) {
    return submit(request, INSP_JOB_TRUNK_BANK, reterr);
}

int api_job_trunk_fetch(struct api_request *request, struct insp_error *reterr) {
    return submit(request, INSP_JOB_TRUNK_FETCH, reterr);
}

int api_job_get(struct api_request *request, struct insp_error *reterr) {
    static const char *const allowed[] = {NULL};
    int r = api_query_allow(&request->query, allowed, reterr);
    if (r < 0)
        return r;
    return answer_job(request, 200, request->param[0], reterr);
}

int api_job_cancel(struct api_request *request, struct insp_error *reterr) {
    static const char *const allowed[] = {NULL};
    int r = api_query_allow(&request->query, allowed, reterr);
    if (r < 0)
        return r;
    r = insp_jobs_cancel(request->server->jobs, request->param[0], reterr);
    return r < 0 ? r : answer_job(request, 202, request->param[0], reterr);
}

/* The cursor of this list is the last id of the page before: ids are in the order of time. */
int api_jobs_list(struct api_request *request, struct insp_error *reterr) {
    static const char *const allowed[] = {"limit", "cursor", NULL};
    uint64_t limit = 50;
    const char *cursor = api_query_get(&request->query, "cursor");
    json_t *jobs = NULL;
    int r = api_query_allow(&request->query, allowed, reterr);
    if (r == 0)
        r = api_query_number(&request->query, "limit", 1, 500, &limit, reterr);
    if (r == 0 && cursor && !insp_uuid_valid(cursor))
        r = insp_fail(reterr, INSP_E_QUERY, "query parameter \"cursor\" is not the \"next\" of an earlier answer");
    if (r == 0)
        r = insp_jobs_list(request->server->jobs, cursor, limit, &jobs, reterr);
    if (r < 0)
        return r;
    api_hide_json(request->response.hidden, jobs);
    json_t *next = json_null();
    size_t count = json_array_size(jobs);
    if (count == limit)
        next = json_incref(json_object_get(json_array_get(jobs, count - 1), "id"));
    return api_response_json(&request->response, 200, json_pack("{s:o, s:o}", "jobs", jobs, "next", next), reterr);
}
