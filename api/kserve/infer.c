/* POST /v2/models/{product}/infer: reserves a slot at the headers as POST /v1/inspections does, splits the body
 * into its images on a thread of lane LINE, hands all of them to the pipeline in one turn of the loop, and answers
 * when all are stored. The slot is widened to one for each image before that.
 *
 * Of several images one may fail. The others that have not been stored by then are abandoned; those that have been
 * are counted and published, and the error says how many they are. */
#include "api/inspections/publish.h"
#include "api/kserve/kserve_answer.h"
#include "api/kserve/kserve_models.h"
#include "api/kserve/tensors.h"
#include "api/listen/peers.h"
#include "api/modbus/stations.h"
#include "api/resources/handlers.h"
#include "api/server/deadline.h"
#include "api/server/server.h"
#include "api/server/slots.h"

#include "core/base/clock.h"
#include "core/inspect/pipeline.h"
#include "core/line/takt.h"

#include <errno.h>
#include <string.h>

enum { LARGE_BYTES = 4 << 20 }; /* bodies above are split as heavy work */

enum step {
    RECEIVING,
    SPLITTING, /* a thread of lane LINE owns `call` */
    SCORING,   /* the pipeline has the images */
    WRITING,   /* a thread of lane LINE writes the answer: all are stored */
};

/* This route's part of a request. */
struct infer {
    enum step step;
    struct insp_model *model; /* owned reference */
    size_t json_bytes;        /* SIZE_MAX: the whole body */
    int64_t received_us;      /* wall */
    struct api_kserve_call call;
    size_t count;
    struct insp_inspection *job[INSP_BATCH_LIMIT]; /* owned unless `out`; NULL for one that was abandoned */
    bool out[INSP_BATCH_LIMIT];                    /* with the pipeline, which calls done */
    bool begun;                                    /* the station of its camera waits for its end */
    size_t left, stored;                           /* images out, and with a record */
    struct insp_error error;                       /* the first; code 0: none */
};

/* --- the end --- */

/* Abandons the images that are not being stored yet. */
static void abandon(struct infer *infer) {
    for (size_t i = 0; i < infer->count; i++) {
        if (!infer->out[i] || !insp_pipeline_abandon(infer->job[i]))
            continue;
        infer->job[i]->data = NULL; /* done frees it */
        infer->job[i] = NULL;
        infer->out[i] = false;
        infer->left--;
    }
}

static void write_work(struct insp_task *task) {
    struct api_request *request = task->data;
    struct infer *infer = request->part;
    struct insp_error error;
    if (api_kserve_answer(&infer->call, infer->job, infer->count, &request->response, &error))
        api_response_problem(&request->response, &error);
}

static void write_done(struct insp_task *task) {
    api_server_finish(task->data);
}

static void refuse(struct api_request *request) {
    struct infer *infer = request->part;
    struct insp_error error = infer->error;
    if (infer->stored)
        insp_fail(&error, error.code, "%.400s (%zu of the %zu images are stored)", infer->error.detail,
                  infer->stored, infer->count);
    api_place_release(request);
    api_server_fail(request, &error);
}

/* Answers when the pipeline has no image of the request any more. */
static void settle(struct api_request *request) {
    struct infer *infer = request->part;
    if (infer->left)
        return;
    if (infer->error.code) {
        refuse(request);
        return;
    }
    api_place_release(request);
    infer->step = WRITING;
    snprintf(request->note, sizeof request->note, "id=%s product=%s images=%zu", infer->job[0]->id,
             infer->model->manifest->product, infer->count);
    request->task = (struct insp_task){.run = write_work, .done = write_done, .data = request};
    insp_work_always(request->server->config.lanes, INSP_LANE_LINE, &request->task);
}

/* Notes the first failure and gives the other images up. */
static void fail(struct infer *infer, const struct insp_error *error) {
    if (infer->error.code)
        return;
    infer->error = *error;
    abandon(infer);
}

static void stop(struct api_request *request, enum api_stop why) {
    struct infer *infer = request->part;
    struct insp_error error;
    if (why == API_STOP_SERVER || request->state != API_WORKING || infer->step == WRITING || infer->error.code)
        return;
    if (why == API_STOP_CLIENT_LEFT)
        insp_fail(&error, INSP_E_CANCELLED, "the client left before the verdicts");
    else if (why == API_STOP_DEADLINE)
        insp_fail(&error, INSP_E_DEADLINE, "no verdicts before the deadline; treat the parts as undecided");
    else
        insp_fail(&error, INSP_E_SHUTTING_DOWN, "the daemon stopped before the inspections were done");
    fail(infer, &error); /* while the body is being split, split_done answers it */
    if (infer->step == SCORING)
        settle(request);
}

/* Tells the station of the camera that the request is over, and of an image that got no verdict. */
static void leave_station(const struct api_request *request, struct infer *infer) {
    struct api_stations *stations = request->server->stations;
    size_t verdicts = infer->stored, wanted = infer->count ? infer->count : 1;
    for (size_t i = 0; i < infer->count; i++)
        verdicts += infer->out[i]; /* being stored */
    if (infer->begun)
        api_stations_end(stations, infer->call.camera);
    if (verdicts < wanted)
        api_stations_undecided(stations, infer->call.camera, infer->call.part, "",
                               infer->error.code ? infer->error.code : INSP_E_CANCELLED, request->started_us);
}

static void drop(struct api_request *request) {
    struct infer *infer = request->part;
    abandon(infer);
    leave_station(request, infer);
    for (size_t i = 0; i < infer->count; i++) {
        if (infer->out[i])
            infer->job[i]->data = NULL; /* being stored: counted and published all the same */
        else
            insp_inspection_free(infer->job[i]);
    }
    api_kserve_call_clear(&infer->call);
    insp_model_unref(infer->model);
    free(infer);
}

static const struct api_part_ops infer_ops = {.drop = drop, .stop = stop};

/* --- the images --- */

/* Takes one inspection back from the pipeline. */
static void done(struct insp_inspection *job) {
    struct api_request *request = job->data;
    size_t bytes, place = 0;
    if (!job->code)
        free(api_inspection_publish(job->owner, job, &bytes));
    if (!request) {
        insp_inspection_free(job);
        return;
    }
    struct infer *infer = request->part;
    while (infer->job[place] != job)
        place++;
    infer->out[place] = false;
    infer->left--;
    infer->stored += !job->code;
    if (job->code) {
        job->error.code = job->code;
        if (infer->count > 1)
            insp_error_prefix(&job->error, "image %zu of %zu", place + 1, infer->count);
        fail(infer, &job->error);
    }
    settle(request);
}

static int make_job(struct api_request *request, size_t place, int64_t deadline_us, struct insp_error *reterr) {
    struct infer *infer = request->part;
    struct insp_inspection *job = insp_inspection_new();
    if (!job)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for an inspection");
    infer->job[place] = job;
    snprintf(job->camera, sizeof job->camera, "%s", infer->call.camera);
    snprintf(job->part, sizeof job->part, "%s", infer->call.part);
    job->type = infer->call.type;
    job->body = insp_take_ptr(infer->call.image[place].bytes);
    job->body_bytes = infer->call.image[place].count;
    job->received_us = infer->received_us;
    job->started_us = request->started_us;
    job->deadline_us = deadline_us;
    job->takt_us = insp_takt_us(request->server->config.takt, infer->model->manifest->product);
    job->model = insp_model_ref(infer->model);
    job->data = request;
    job->owner = request->server;
    job->done = done;
    return 0;
}

/* Submits all images, or none: no stage has begun when the last of them is refused. */
static int submit(struct api_request *request, int64_t deadline_us, struct insp_error *reterr) {
    struct infer *infer = request->part;
    int code = 0;
    infer->count = infer->call.count;
    infer->begun = true;
    api_stations_begin(request->server->stations, infer->call.camera);
    for (size_t i = 0; !code && i < infer->count; i++)
        code = make_job(request, i, deadline_us, reterr);
    for (size_t i = 0; !code && i < infer->count; i++) {
        code = insp_pipeline_submit(request->server->pipeline, infer->job[i], reterr);
        infer->out[i] = !code;
        infer->left += !code;
    }
    return code;
}

static int64_t deadline_of(const struct api_request *request, const struct infer *infer) {
    int64_t us =
        infer->call.timeout_us ? infer->call.timeout_us : (int64_t)request->server->config.deadline_ms * 1000;
    return us ? request->started_us + us : 0;
}

static void split_work(struct insp_task *task) {
    struct api_request *request = task->data;
    struct infer *infer = request->part;
    struct insp_error error;
    const unsigned share = api_share(request->server->config.inflight), batch = request->server->config.batch;
    size_t json_bytes = infer->json_bytes == SIZE_MAX ? request->body_bytes : infer->json_bytes;
    char camera[INSP_TAG_BYTES], part[INSP_TAG_BYTES]; /* of the query */
    memcpy(camera, infer->call.camera, sizeof camera);
    memcpy(part, infer->call.part, sizeof part);
    if (api_kserve_read(request->body, request->body_bytes, json_bytes, batch < share ? batch : share,
                        &infer->call, &error)) {
        memcpy(infer->call.camera, camera, sizeof camera); /* for its station */
        memcpy(infer->call.part, part, sizeof part);
        api_response_problem(&request->response, &error);
        return;
    }
    if (!infer->call.camera[0])
        memcpy(infer->call.camera, camera, sizeof camera);
    if (!infer->call.part[0])
        memcpy(infer->call.part, part, sizeof part);
    free(insp_take_ptr(request->body)); /* the images are copies */
    request->body_bytes = request->body_room = 0;
}

static void split_done(struct insp_task *task) {
    struct api_request *request = task->data;
    struct infer *infer = request->part;
    struct insp_error error = infer->error;
    int64_t deadline_us = deadline_of(request, infer);
    infer->step = SCORING;
    if (request->response.status) { /* it could not be read */
        api_place_release(request);
        api_server_finish(request);
        return;
    }
    int code = error.code;
    if (!code && deadline_us && insp_mono_us() >= deadline_us)
        code = insp_fail(&error, INSP_E_DEADLINE, "the deadline passed before the images were received");
    if (!code)
        code = api_slot_grow(request, (unsigned)infer->call.count, &error);
    if (!code)
        code = submit(request, deadline_us, &error);
    if (code) {
        infer->error.code = 0; /* as if it were the first, after a stop while the body was split */
        fail(infer, &error);
        settle(request);
        return;
    }
    api_deadline_set(request, deadline_us);
}

/* --- the request --- */

/* Reads a header of the binary extension; SIZE_MAX where it is not given. */
static int read_length(const struct api_request *request, size_t *ret, struct insp_error *reterr) {
    const char *text = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, api_kserve_header);
    *ret = SIZE_MAX;
    if (!text)
        return 0;
    errno = 0;
    unsigned long long length = strtoull(text, NULL, 10);
    if (!*text || text[strspn(text, "0123456789")] || errno || length > request->body_limit)
        return insp_fail(reterr, INSP_E_REQUEST, "%s must be the length of the JSON in bytes", api_kserve_header);
    *ret = (size_t)length;
    return 0;
}

int api_kserve_accept(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {"camera", "part", NULL};
    const char *camera = "", *part = "";
    struct infer *infer = calloc(1, sizeof *infer);
    if (!infer)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for an inspection");
    api_request_attach(request, infer, &infer_ops);
    infer->received_us = insp_wall_us();
    int code = api_query_allow(&request->query, known, reterr);
    if (!code)
        code = api_query_tag(&request->query, "camera", &camera, reterr);
    if (!code)
        code = api_query_tag(&request->query, "part", &part, reterr);
    if (!code)
        code = api_kserve_model(request, &infer->model, reterr);
    if (!code)
        code = read_length(request, &infer->json_bytes, reterr);
    if (!code && !api_request_has_body(request))
        code = insp_fail(reterr, INSP_E_EMPTY_BODY, "the body is empty; send the request with its images");
    if (code)
        return code;
    snprintf(infer->call.camera, sizeof infer->call.camera, "%s", camera);
    snprintf(infer->call.part, sizeof infer->call.part, "%s", part);
    return api_slot_take(request, reterr);
}

int api_kserve_infer(struct api_request *request, struct insp_error *reterr) {
    struct infer *infer = request->part;
    int code = request->body_bytes ? 0 : insp_fail(reterr, INSP_E_EMPTY_BODY, "the body is empty");
    enum insp_lane lane = request->body_bytes > LARGE_BYTES ? INSP_LANE_LARGE : INSP_LANE_LINE;
    request->task = (struct insp_task){.run = split_work, .done = split_done, .data = request};
    if (!code)
        code = insp_work(request->server->config.lanes, lane, &request->task, reterr);
    if (code) {
        api_place_release(request);
        return code;
    }
    infer->step = SPLITTING;
    api_server_suspend(request);
    return 0;
}
