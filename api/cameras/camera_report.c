/* POST /v1/cameras/{camera}/grabber: takes a grabber's report, and answers it with the triggers that wait, or with
 * the first that comes within wait_ms. */
#include "api/cameras/cameras_state.h"

#include "api/http/response.h"
#include "api/resources/handlers.h"
#include "api/server/deadline.h"
#include "api/server/server.h"
#include "core/base/clock.h"

#include <string.h>

enum { WAIT_MS_MAX = 4000 }; /* below INSP_GRABBER_GONE_US, with time for the way */

static json_t *triggers_json(const struct insp_trigger *triggers, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:I,s:o}", "sequence", (json_int_t)triggers[i].sequence, "part",
                                              api_json_text(triggers[i].part)));
    return json_pack("{s:o}", "triggers", list);
}

static int fill(struct api_request *request, struct api_camera *camera, struct insp_error *reterr) {
    struct insp_trigger triggers[INSP_TRIGGERS_MAX];
    size_t count = insp_grabber_hand(&camera->grabber, insp_mono_us(), triggers);
    return api_response_json(&request->response, 200, triggers_json(triggers, count), reterr);
}

/* Separates a report that waits from its camera. */
static struct api_request *release(struct api_camera *camera) {
    struct api_request *request = camera->waiter;
    camera->waiter = NULL;
    camera->grabber.waiting = false;
    camera->grabber.seen_us = insp_mono_us();
    return request;
}

void api_camera_answer(struct api_camera *camera) {
    struct insp_error error;
    if (!camera->waiter)
        return;
    struct api_request *request = release(camera);
    if (fill(request, camera, &error))
        api_response_problem(&request->response, &error);
    api_server_finish(request);
}

/* The part of a request is its camera, which outlives it: a camera is forgotten only without a waiter. */
static void drop(struct api_request *request) {
    struct api_camera *camera = api_cameras_find(request->server->cameras, request->param[0]);
    if (camera && camera->waiter == request)
        release(camera);
}

static void stop(struct api_request *request, enum api_stop why) {
    struct api_camera *camera = api_cameras_find(request->server->cameras, request->param[0]);
    struct insp_error error;
    if (!camera || camera->waiter != request)
        return;
    if (why == API_STOP_DEADLINE) {
        api_camera_answer(camera);
        return;
    }
    insp_fail(&error, why == API_STOP_CLIENT_LEFT ? INSP_E_CANCELLED : INSP_E_SHUTTING_DOWN,
              "the report no longer waits for a trigger");
    release(camera);
    api_server_fail(request, &error);
}

static const struct api_part_ops report_ops = {.drop = drop, .stop = stop};

/* --- the body --- */

struct body {
    struct insp_grabber_report report;
    json_t *results; /* borrowed; NULL: none */
    unsigned wait_ms;
    bool ends;
};

static int find_word(const char *text, const char *(*name)(int index), int count) {
    for (int i = 0; i < count; i++)
        if (!strcmp(name(i), text))
            return i;
    return -1;
}
static const char *mode_name(int index) {
    return insp_grabber_mode_name((enum insp_grabber_mode)index);
}
static const char *state_name(int index) {
    return insp_grabber_state_name((enum insp_grabber_state)index);
}

static bool fits(const char *text, size_t room) {
    return strlen(text) < room;
}

static int read_body(json_t *json, struct body *ret, struct insp_error *reterr) {
    const char *session, *mode, *state, *product, *detail = "";
    json_int_t frames = 0, verdicts = 0, refused = 0, after = 0, wait_ms = 0;
    int ends = 0;
    json_error_t why;
    struct insp_grabber_report *report = &ret->report;
    if (json_unpack_ex(json, &why, JSON_STRICT, "{s:s,s:s,s:s,s:s,s?s,s?I,s?I,s?I,s?I,s?I,s?b,s?o}", "session",
                       &session, "product", &product, "trigger", &mode, "state", &state, "detail", &detail,
                       "frames", &frames, "verdicts", &verdicts, "refused", &refused, "after", &after, "wait_ms",
                       &wait_ms, "ends", &ends, "results", &ret->results))
        return insp_fail(reterr, INSP_E_PARAMETER, "%s", why.text);
    int mode_at = find_word(mode, mode_name, INSP_GRABBER_MODES);
    int state_at = find_word(state, state_name, INSP_GRABBER_STATES);
    if (mode_at < 0 || state_at < 0)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "\"trigger\" must be free, line or software, and \"state\" "
                         "connecting, connected or silent");
    if (!insp_uuid_valid(session) || !fits(product, sizeof report->product) ||
        !fits(detail, sizeof report->detail) || !api_text_clean(product) || !api_text_clean(detail))
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "\"session\" must be a UUID; \"product\" and \"detail\" have at "
                         "most 255 bytes without control characters");
    if (frames < 0 || verdicts < 0 || refused < 0 || after < 0 || wait_ms < 0 || wait_ms > WAIT_MS_MAX)
        return insp_fail(reterr, INSP_E_PARAMETER, "a number is negative, or \"wait_ms\" is above %d",
                         WAIT_MS_MAX);
    report->mode = (enum insp_grabber_mode)mode_at;
    report->state = (enum insp_grabber_state)state_at;
    report->frames = (uint64_t)frames;
    report->verdicts = (uint64_t)verdicts;
    report->refused = (uint64_t)refused;
    report->after = (uint64_t)after;
    snprintf(report->session, sizeof report->session, "%s", session);
    snprintf(report->product, sizeof report->product, "%s", product);
    snprintf(report->detail, sizeof report->detail, "%s", detail);
    ret->wait_ms = (unsigned)wait_ms;
    ret->ends = ends != 0;
    return 0;
}

/* Ends the triggers that the grabber has fired or could not fire. */
static int take_results(struct api_server *server, struct api_camera *camera, json_t *results,
                        struct insp_error *reterr) {
    size_t i;
    json_t *item;
    if (results && !json_is_array(results))
        return insp_fail(reterr, INSP_E_PARAMETER, "\"results\" must be a list");
    json_array_foreach(results, i, item) {
        json_int_t sequence;
        const char *failure = NULL;
        struct insp_trigger trigger;
        if (json_unpack(item, "{s:I,s?s}", "sequence", &sequence, "error", &failure))
            return insp_fail(reterr, INSP_E_PARAMETER, "a result needs a \"sequence\", and may have an \"error\"");
        if (insp_grabber_end(&camera->grabber, sequence > 0 ? (uint64_t)sequence : 0, !failure, &trigger))
            api_trigger_ended(server, camera, &trigger, failure);
    }
    return 0;
}

static int take_report(struct api_request *request, const struct body *body, struct insp_error *reterr) {
    struct api_server *server = request->server;
    struct api_camera *camera;
    struct insp_trigger triggers[INSP_TRIGGERS_MAX];
    size_t count;
    const int64_t now_us = insp_mono_us();
    if (server->stopping && !body->ends) /* an answer at once would be followed by the next report at once */
        return insp_fail(reterr, INSP_E_SHUTTING_DOWN, "the daemon is shutting down");
    int code = api_cameras_add(server->cameras, request->param[0], &camera, reterr);
    if (!code)
        code = insp_grabber_take(&camera->grabber, &body->report, now_us, insp_wall_us(), reterr);
    if (!code)
        code = take_results(server, camera, body->results, reterr);
    if (code)
        return code;
    api_camera_look(camera, now_us);
    api_camera_answer(camera); /* an earlier report of the same grabber, whose connection it has lost */
    if (body->ends) {
        api_camera_expire(server, camera, true, now_us);
        api_cameras_forget(server->cameras, camera);
        return api_response_json(&request->response, 200, triggers_json(NULL, 0), reterr);
    }
    count = insp_grabber_hand(&camera->grabber, now_us, triggers);
    if (count || !body->wait_ms)
        return api_response_json(&request->response, 200, triggers_json(triggers, count), reterr);
    camera->waiter = request;
    camera->grabber.waiting = true;
    api_request_attach(request, camera, &report_ops);
    api_server_suspend(request);
    api_deadline_set(request, now_us + (int64_t)body->wait_ms * 1000);
    return 0;
}

int api_camera_report(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {NULL};
    struct body body = {0};
    json_t *json;
    int code = api_query_allow(&request->query, known, reterr);
    if (!code && !api_tag_valid(request->param[0]))
        code = insp_fail(reterr, INSP_E_NOT_FOUND, "this is no name of a camera");
    if (!code)
        code = api_request_json(request, NULL, &json, reterr);
    if (code)
        return code;
    code = read_body(json, &body, reterr);
    request->routine = true;
    if (!code)
        code = take_report(request, &body, reterr);
    json_decref(json);
    return code;
}
