#include "api/watch/meters.h"

#include "api/http/request.h"
#include "api/resources/handlers.h"
#include "core/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const double api_meters_bounds[API_METERS_BUCKETS] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
                                                      0.1,   0.2,   0.5,   1,    2,    5};
const char *const api_meters_call_name[API_CALLS] = {"inspect", "read", "write"};
const char *const api_meters_stage_name[API_STAGES] = {"receive", "wait",   "decode",  "queue", "inference",
                                                       "store",   "commit", "publish", "total"};

/* Every code is exported from the start with 0, so that an alert sees the first refusal as an increase. */
#define CODE(symbol, ...) symbol,
static const int codes[] = {INSP_ERROR_TABLE(CODE)};
#undef CODE
_Static_assert(INSP_COUNT(codes) <= API_METERS_REASONS, "room for each code");

static void count_refusal(struct api_meters *meters, const char *code, uint64_t count) {
    for (size_t i = 0; i < meters->refused_count; i++)
        if (!strcmp(meters->refused[i].code, code)) {
            meters->refused[i].count += count;
            return;
        }
    if (meters->refused_count == API_METERS_REASONS)
        return; /* never happens: all codes are in the error table */
    snprintf(meters->refused[meters->refused_count].code, sizeof meters->refused[0].code, "%s", code);
    meters->refused[meters->refused_count++].count = count;
}

int api_meters_new(struct api_meters **ret, struct insp_error *reterr) {
    struct api_meters *meters = calloc(1, sizeof *meters);
    if (!meters)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the metrics");
    meters->started_us = insp_wall_us();
    for (size_t i = 0; i < INSP_COUNT(codes); i++)
        count_refusal(meters, insp_code_wire(codes[i]), 0);
    *ret = meters;
    return 0;
}

void api_meters_free(struct api_meters *meters) {
    if (meters)
        free(meters->series);
    free(meters);
}

void api_histogram_add(struct api_histogram *histogram, int64_t us) {
    double seconds = us > 0 ? (double)us / 1e6 : 0;
    size_t i = 0;
    while (i < API_METERS_BUCKETS && seconds > api_meters_bounds[i])
        i++;
    histogram->bucket[i]++;
    histogram->count++;
    histogram->sum += seconds;
}

void api_meters_status(struct api_meters *meters, unsigned status) {
    unsigned digit = status / 100;
    meters->status[digit < INSP_COUNT(meters->status) ? digit : 0]++;
}

void api_meters_request(struct api_meters *meters, const struct api_request *request) {
    api_meters_status(meters, request->response.status);
    api_handler *handler = request->route ? request->route->handler : NULL;
    if (handler == api_events_get || api_query_get(&request->query, "wait_ms")) /* the list that waits, poll.h */
        return;
    bool inspection = handler == api_inspections_post || handler == api_kserve_infer;
    bool reads = !strcmp(request->method, "GET") || !strcmp(request->method, "HEAD");
    api_histogram_add(&meters->request[inspection ? API_CALL_INSPECT
                                       : reads    ? API_CALL_READ
                                                  : API_CALL_WRITE],
                      insp_mono_us() - request->started_us);
    if (!inspection || !request->response.code[0])
        return;
    count_refusal(meters, request->response.code, 1);
    if (!strcmp(request->response.code, insp_code_wire(INSP_E_DEADLINE)))
        meters->deadline_misses++;
}

static const char other[] = "other";

const char *api_meters_camera(struct api_meters *meters, const char *camera) {
    for (size_t i = 0; i < meters->camera_count; i++)
        if (!strcmp(meters->camera[i], camera))
            return meters->camera[i];
    if (meters->camera_count == API_METERS_CAMERAS)
        return other;
    char *place = meters->camera[meters->camera_count++];
    snprintf(place, INSP_TAG_BYTES, "%s", camera);
    return place;
}

static struct api_meters_series *find(struct api_meters *meters, const char *product, const char *camera,
                                      enum insp_verdict verdict) {
    for (size_t i = 0; i < meters->series_count; i++) {
        struct api_meters_series *s = &meters->series[i];
        if (s->verdict == verdict && s->camera == camera && !strcmp(s->product, product))
            return s;
    }
    return NULL;
}

/* Returns NULL without memory. */
static struct api_meters_series *add(struct api_meters *meters, const char *product, const char *camera,
                                     enum insp_verdict verdict) {
    if (meters->series_count == meters->series_room) {
        size_t room = meters->series_room ? 2 * meters->series_room : 64;
        struct api_meters_series *grown = realloc(meters->series, room * sizeof *grown);
        if (!grown)
            return NULL;
        meters->series = grown;
        meters->series_room = room;
    }
    struct api_meters_series *s = &meters->series[meters->series_count++];
    *s = (struct api_meters_series){.camera = camera, .verdict = verdict};
    snprintf(s->product, sizeof s->product, "%s", product);
    return s;
}

/* Beyond API_METERS_SERIES new cameras count as "other". Products keep their own series in any case, because the
 * site chooses their names and its alerts need them. */
static void count_verdict(struct api_meters *meters, const struct insp_inspection *job) {
    const char *product = job->model->manifest->product, *camera = api_meters_camera(meters, job->camera);
    struct api_meters_series *s = find(meters, product, camera, job->verdict);
    if (!s && meters->series_count >= API_METERS_SERIES) {
        camera = other;
        s = find(meters, product, camera, job->verdict);
    }
    if (!s)
        s = add(meters, product, camera, job->verdict);
    if (!s)
        return;
    s->count++;
    s->late += job->takt_us && job->total_us > job->takt_us;
}

void api_meters_inspection(struct api_meters *meters, const struct insp_inspection *job, int64_t publish_us) {
    if (job->code)
        return;
    count_verdict(meters, job);
    for (size_t i = 0; i < INSP_SUSPECT_COUNT; i++)
        meters->suspect[i] += job->suspect >> i & 1;
    meters->jpeg_stray_bytes += job->stray_bytes;
    const int64_t us[API_STAGES] = {job->receive_us, job->wait_us,      job->decode_us,
                                    job->queue_us,   job->inference_us, job->store_us,
                                    job->commit_us,  publish_us,        job->total_us + job->commit_us};
    for (size_t i = 0; i < API_STAGES; i++)
        api_histogram_add(&meters->stage[i], us[i]);
}

void api_meters_job(struct api_meters *meters, const json_t *brief) {
    const char *kind = json_string_value(json_object_get(brief, "kind"));
    const char *state = json_string_value(json_object_get(brief, "state"));
    enum insp_job_kind which;
    if (!kind || !state || !insp_job_kind_parse(kind, &which))
        return;
    for (int i = INSP_JOB_SUCCEEDED; i < API_METERS_STATES; i++)
        if (!strcmp(state, insp_job_state_name((enum insp_job_state)i)))
            meters->job[which][i]++;
}
