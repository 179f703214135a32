/* POST /v1/inspections: reserves a slot at the headers, before a byte of the body is read, then hands the
 * inspection to the pipeline and suspends the connection.
 *
 * An inspection whose client left or whose deadline passed is abandoned: its slot is free at once, and the
 * pipeline drops it before its next stage. Memory stays bounded, because the pipeline holds at most twice as many
 * inspections as there are slots. An inspection whose record is being stored can no longer be abandoned: every
 * stored record is answered, counted and published. */
#include "api/http/accept.h"
#include "api/http/multipart.h"
#include "api/inspections/publish.h"
#include "api/modbus/stations.h"
#include "api/resources/handlers.h"
#include "api/server/deadline.h"
#include "api/server/server.h"
#include "api/server/slots.h"
#include "core/base/float_text.h"

#include "core/base/clock.h"
#include "core/inspect/pipeline.h"
#include "core/line/takt.h"

#include <string.h>

enum { DEADLINE_MS_MAX = 600000 };

/* The part of a request of this route. */
struct post {
    struct insp_inspection *job; /* owned; by the pipeline while `submitted` */
    bool submitted;
    bool begun; /* the station of its camera waits for its end */
};

static void enter_station(struct post *post, struct api_server *server) {
    api_stations_begin(server->stations, post->job->camera);
    post->begun = true;
}

/* Tells the station of the camera that the request is over.
 *   code  0: with a verdict, or its record is being stored; else the reason why there is none */
static void leave_station(struct post *post, struct api_server *server, int code) {
    const struct insp_inspection *job = post->job;
    if (!post->begun)
        return;
    post->begun = false;
    api_stations_end(server->stations, job->camera);
    if (code)
        api_stations_undecided(server->stations, job->camera, job->part, job->id, code, job->started_us);
}

/* Separates the inspection from its request; done() then frees it. */
static void detach(struct post *post) {
    post->submitted = false;
    post->job->data = NULL;
    post->job = NULL;
}

/* Abandons the inspection of a request, so that nothing is stored, and answers. Does nothing if it is too late,
 * because the record is being stored: then the verdict follows. */
static void abandon(struct api_request *request, const struct insp_error *why) {
    struct post *post = request->part;
    if (!post->submitted || request->state != API_WORKING || !insp_pipeline_abandon(post->job))
        return;
    leave_station(post, request->server, why->code);
    detach(post);
    api_place_release(request);
    api_server_fail(request, why); /* resumed, so that libmicrohttpd closes the connection of a client that left */
}

static void stop(struct api_request *request, enum api_stop why) {
    struct insp_error error;
    if (why == API_STOP_CLIENT_LEFT)
        insp_fail(&error, INSP_E_CANCELLED, "the client left before the verdict");
    else if (why == API_STOP_DEADLINE)
        insp_fail(&error, INSP_E_DEADLINE, "no verdict before the deadline; treat the part as undecided");
    else
        insp_fail(&error, INSP_E_SHUTTING_DOWN, "the daemon stopped before the verdict");
    if (why != API_STOP_SERVER) /* it may end within the grace time */
        abandon(request, &error);
}

/* Abandons the inspection, or ends a request that had none. One that is being stored is counted and published all
 * the same. */
static void drop(struct api_request *request) {
    struct post *post = request->part;
    bool stored = post->submitted && !insp_pipeline_abandon(post->job);
    leave_station(post, request->server, stored ? 0 : INSP_E_CANCELLED);
    if (post->submitted)
        detach(post);
    insp_inspection_free(post->job);
    free(post);
}

static const struct api_part_ops post_ops = {.drop = drop, .stop = stop};

/* --- at the headers --- */

static int read_query(struct api_request *request, struct insp_inspection *job, struct insp_error *reterr) {
    static const char *const known[] = {"product", "camera", "part", "deadline_ms", NULL};
    const char *product = NULL, *camera = "", *part = "";
    uint64_t deadline_ms = request->server->config.deadline_ms;
    int code = api_query_allow(&request->query, known, reterr);
    if (!code)
        code = api_query_name(&request->query, "product", &product, reterr);
    if (!code && !product)
        code = insp_fail(reterr, INSP_E_QUERY, "query parameter \"product\" is missing");
    if (!code)
        code = api_query_tag(&request->query, "camera", &camera, reterr);
    if (!code)
        code = api_query_tag(&request->query, "part", &part, reterr);
    if (!code)
        code = api_query_number(&request->query, "deadline_ms", 1, DEADLINE_MS_MAX, &deadline_ms, reterr);
    if (!code) {
        snprintf(job->camera, sizeof job->camera, "%s", camera);
        snprintf(job->part, sizeof job->part, "%s", part);
        job->started_us = request->started_us;
        enter_station(request->part, request->server);
        code = insp_models_get(request->server->models, product, &job->model, reterr);
    }
    if (code)
        return code;
    job->received_us = insp_wall_us();
    job->takt_us = insp_takt_us(request->server->config.takt, product);
    job->deadline_us = deadline_ms ? request->started_us + (int64_t)deadline_ms * 1000 : 0;
    return 0;
}

static int read_type(struct api_request *request, struct insp_inspection *job, struct insp_error *reterr) {
    if (api_multipart_is(request->content_type))
        return 0; /* the header of the part has it */
    return insp_media_parse(request->content_type ? request->content_type : "", &job->type, reterr);
}

int api_inspections_accept(struct api_request *request, struct insp_error *reterr) {
    struct insp_inspection *job = insp_inspection_new();
    struct post *post = calloc(1, sizeof *post);
    if (!job || !post) {
        insp_inspection_free(job);
        free(post);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for an inspection");
    }
    post->job = job;
    api_request_attach(request, post, &post_ops);
    int code = read_query(request, job, reterr);
    if (!code)
        code = read_type(request, job, reterr);
    if (!code && !api_request_has_body(request))
        code = insp_fail(reterr, INSP_E_EMPTY_BODY, "the body is empty; send the image");
    return code ? code : api_slot_take(request, reterr);
}

/* --- the answer --- */

static void note(struct api_request *request, const struct insp_inspection *job) {
    snprintf(
        request->note, sizeof request->note,
        "id=%s product=%s verdict=%s probability=%.4f receive_ms=%.1f wait_ms=%.1f decode_ms=%.1f queue_ms=%.1f "
        "inference_ms=%.1f store_ms=%.1f commit_ms=%.1f",
        job->id, job->model->manifest->product, insp_verdict_name(job->verdict), (double)job->score.probability,
        (double)job->receive_us / 1000, (double)job->wait_us / 1000, (double)job->decode_us / 1000,
        (double)job->queue_us / 1000, (double)job->inference_us / 1000, (double)job->store_us / 1000,
        (double)job->commit_us / 1000);
}

static void name_result(struct api_request *request, const struct insp_inspection *job) {
    char probability[INSP_FLOAT_BYTES];
    api_response_header(&request->response, "Inspection-Id", "%s", job->id);
    api_response_header(&request->response, "Inspection-Verdict", "%s", insp_verdict_name(job->verdict));
    insp_float_text(job->score.probability, probability); /* in full: rounded it might cross the threshold */
    api_response_header(&request->response, "Inspection-Probability", "%s", probability);
}

/* Answers with the PNG if there is one, else with *line. Takes what it answers with. */
static int answer(struct api_request *request, struct insp_inspection *job, char **line, size_t bytes,
                  struct insp_error *reterr) {
    if (job->png)
        api_response_take(&request->response, 200, insp_take_ptr(job->png), job->png_bytes, "image/png");
    else if (*line)
        api_response_take(&request->response, 200, insp_take_ptr(*line), bytes, "application/json");
    else
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the answer");
    api_response_header(&request->response, "Cache-Control", "no-store");
    name_result(request, job);
    return 0;
}

/* Takes the inspection back from the pipeline. Counts and publishes a stored record even if its client has
 * left. */
static void done(struct insp_inspection *job) {
    struct api_request *request = job->data;
    struct insp_error error = {0};
    _cleanup_free_ char *line = NULL;
    size_t bytes = 0;
    if (!job->code)
        line = api_inspection_publish(job->owner, job, &bytes);
    if (!request) {
        insp_inspection_free(job);
        return;
    }
    struct post *post = request->part;
    post->submitted = false; /* the request owns the inspection again */
    leave_station(post, request->server, job->code);
    api_place_release(request);
    job->error.code = job->code;
    if (job->code)
        api_server_fail(request, &job->error);
    else if (note(request, job), answer(request, job, &line, bytes, &error))
        api_server_fail(request, &error);
    else
        api_server_finish(request);
}

/* --- with the whole body --- */

static int take_part(struct api_request *request, struct insp_inspection *job, struct insp_error *reterr) {
    size_t offset, bytes;
    char type[128];
    int code = api_multipart_find(request->content_type, request->body, request->body_bytes, "image", &offset,
                                  &bytes, type, reterr);
    if (code)
        return code;
    /* Browsers and curl send parts without a useful type: its first bytes tell the format. */
    if (type[0] && strncasecmp(type, "application/octet-stream", 24) &&
        (code = insp_media_parse(type, &job->type, reterr)))
        return code;
    if (job->type.media == INSP_MEDIA_UNKNOWN &&
        (job->type.media = insp_image_sniff(request->body + offset, bytes)) == INSP_MEDIA_UNKNOWN)
        return insp_fail(reterr, INSP_E_MEDIA_TYPE,
                         "the part \"image\" is neither JPEG nor PNG and has no Content-Type");
    memmove(request->body, request->body + offset, bytes);
    request->body_bytes = bytes;
    return 0;
}

int api_inspections_post(struct api_request *request, struct insp_error *reterr) {
    struct post *post = request->part;
    struct insp_inspection *job = post->job;
    int code = 0;
    if (api_multipart_is(request->content_type))
        code = take_part(request, job, reterr);
    if (!code && !request->body_bytes)
        code = insp_fail(reterr, INSP_E_EMPTY_BODY, "the body is empty; send the image");
    if (!code && job->deadline_us && insp_mono_us() > job->deadline_us)
        code = insp_fail(reterr, INSP_E_DEADLINE, "the deadline passed before the image was received");
    if (code) {
        api_place_release(request);
        return code;
    }
    job->wants_png = api_accept_prefers(request->accept, "image/png", "application/json");
    job->body = insp_take_ptr(request->body);
    job->body_bytes = request->body_bytes;
    job->data = request;
    job->owner = request->server;
    job->done = done;
    code = insp_pipeline_submit(request->server->pipeline, job, reterr);
    if (code) {
        api_place_release(request);
        return code;
    }
    post->submitted = true;
    api_server_suspend(request);
    api_deadline_set(request, job->deadline_us);
    return 0;
}
