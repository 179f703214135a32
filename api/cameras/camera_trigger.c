/* POST /v1/cameras/{camera}/trigger, and the trigger coil of a station: fires a camera by its grabber. */
#include "api/cameras/cameras.h"
#include "api/cameras/cameras_state.h"
#include "api/http/response.h"
#include "api/modbus/stations.h"
#include "api/resources/handlers.h"
#include "api/server/deadline.h"
#include "api/server/server.h"
#include "core/base/clock.h"
#include "core/base/log.h"

#include <string.h>

/* The part of a request of this route; one byte, because the trigger names the request. */
static void drop(struct api_request *request) {
    struct api_camera *camera = api_cameras_find(request->server->cameras, request->param[0]);
    for (size_t i = 0; camera && i < INSP_TRIGGERS_MAX; i++)
        if (camera->grabber.trigger[i].asker == request)
            camera->grabber.trigger[i].asker = NULL;
}

static void stop(struct api_request *request, enum api_stop why) {
    struct insp_error error;
    if (request->state != API_WORKING)
        return;
    if (why == API_STOP_CLIENT_LEFT)
        insp_fail(&error, INSP_E_CANCELLED, "the client left before the camera was fired");
    else if (why == API_STOP_DEADLINE)
        insp_fail(&error, INSP_E_CAMERA_AWAY, "the grabber did not say in time that the camera was fired");
    else
        insp_fail(&error, INSP_E_SHUTTING_DOWN, "the daemon is shutting down");
    drop(request); /* the trigger itself stays: it may be on its way */
    api_server_fail(request, &error);
}

static const struct api_part_ops trigger_ops = {.drop = drop, .stop = stop};

static void answer(struct api_request *request, const struct api_camera *camera,
                   const struct insp_trigger *trigger) {
    struct insp_error error;
    json_t *json =
        json_pack("{s:s,s:I,s:o,s:o}", "camera", camera->name, "sequence", (json_int_t)trigger->sequence, "part",
                  api_json_text(trigger->part), "took_ms", api_json_ms(insp_mono_us() - trigger->at_us));
    if (api_response_json(&request->response, 200, json, &error))
        api_response_problem(&request->response, &error);
    api_server_finish(request);
}

/* Gives the station an undecided result.
 *   from_us  time of the trigger: a failure that is reported later belongs to a part that has gone */
static void reject_part(struct api_server *server, const char *camera, const char *part, int64_t from_us) {
    api_stations_undecided(server->stations, camera, part, "", INSP_E_CAMERA_AWAY, from_us);
}

void api_trigger_ended(struct api_server *server, const struct api_camera *camera,
                       const struct insp_trigger *trigger, const char *why) {
    struct api_request *request = trigger->asker;
    struct insp_error error;
    if (why)
        insp_log_warning("a camera was not fired camera=%s why=%s", INSP_LOG_WORD(camera->name),
                         INSP_LOG_QUOTED(why));
    if (why && trigger->station)
        reject_part(server, camera->name, trigger->part, trigger->at_us);
    if (!request)
        return;
    if (why) {
        insp_fail(&error, INSP_E_CAMERA_AWAY, "the camera was not fired: %s", why);
        api_server_fail(request, &error);
    } else {
        answer(request, camera, trigger);
    }
}

void api_cameras_pull(struct api_server *server, const char *camera_name, const char *part) {
    struct api_camera *camera = api_cameras_find(server->cameras, camera_name);
    struct insp_error error;
    uint64_t sequence;
    if (!camera || camera->grabber.last.mode != INSP_GRABBER_SOFTWARE)
        return;
    const char *named = api_tag_valid(part) ? part : "";
    if (insp_grabber_fire(&camera->grabber, named, NULL, true, insp_mono_us(), &sequence, &error)) {
        insp_log_warning("a camera was not fired camera=%s why=%s", INSP_LOG_WORD(camera_name),
                         INSP_LOG_QUOTED(error.detail));
        reject_part(server, camera_name, named, insp_mono_us());
    } else {
        api_camera_answer(camera);
    }
}

int api_camera_trigger(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {"part", NULL};
    struct api_camera *camera = api_cameras_find(request->server->cameras, request->param[0]);
    const char *part = "";
    uint64_t sequence;
    int code = api_query_allow(&request->query, known, reterr);
    if (!code)
        code = api_query_tag(&request->query, "part", &part, reterr);
    if (!code && !camera)
        code =
            insp_fail(reterr, INSP_E_CAMERA_AWAY,
                      "no grabber serves the camera \"%.80s\"; start `inspectd grab` for it", request->param[0]);
    if (!code)
        code = insp_grabber_fire(&camera->grabber, part, request, false, insp_mono_us(), &sequence, reterr);
    if (code)
        return code;
    api_request_attach(request, camera, &trigger_ops);
    api_server_suspend(request);
    api_deadline_set(request, insp_mono_us() + INSP_TRIGGER_END_US);
    api_camera_answer(camera);
    return 0;
}
