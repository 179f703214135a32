/* Shows the cameras: GET /v1/cameras and the metrics. */
#include "api/cameras/cameras.h"
#include "api/cameras/cameras_state.h"

#include "api/http/response.h"
#include "api/resources/handlers.h"
#include "api/server/server.h"
#include "api/watch/prometheus.h"
#include "core/base/clock.h"

static const char *state_of(const struct api_camera *camera) {
    bool attached = insp_grabber_attached(&camera->grabber, insp_mono_us());
    return attached ? insp_grabber_state_name(camera->grabber.last.state) : "away";
}

json_t *api_cameras_json(const struct api_cameras *cameras) {
    json_t *items = json_array();
    for (size_t i = 0; i < cameras->count; i++) {
        const struct api_camera *camera = cameras->item[i];
        const struct insp_grabber *g = &camera->grabber;
        json_array_append_new(
            items,
            json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:b,s:I,s:I,s:I,s:I,s:I}", "name", camera->name, "product",
                      g->last.product, "trigger", insp_grabber_mode_name(g->last.mode), "state", state_of(camera),
                      "since", api_json_time(g->since_us), "detail", api_json_text(g->last.detail), "silent",
                      camera->silent, "frames", (json_int_t)g->last.frames, "verdicts",
                      (json_int_t)g->last.verdicts, "refused", (json_int_t)g->last.refused, "triggers_fired",
                      (json_int_t)g->fired, "triggers_failed", (json_int_t)g->failed));
    }
    return json_pack("{s:o}", "items", items);
}

int api_cameras_list(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {NULL};
    int code = api_query_allow(&request->query, known, reterr);
    return code ? code
                : api_response_json(&request->response, 200, api_cameras_json(request->server->cameras), reterr);
}

static double value_of(const struct api_camera *camera, int row) {
    const struct insp_grabber *g = &camera->grabber;
    const double values[] = {
        insp_grabber_attached(g, insp_mono_us()) && g->last.state == INSP_GRABBER_CONNECTED,
        camera->silent,
        (double)g->last.frames,
        (double)g->last.refused,
        (double)g->fired,
        (double)g->failed,
    };
    return values[row];
}

void api_cameras_metrics(const struct api_cameras *cameras, FILE *out) {
    static const struct {
        const char *name, *type, *help;
    } row[] = {
        {"inspectd_camera_up", "gauge", "1 while the grabber of the camera is connected to it."},
        {"inspectd_camera_silent", "gauge", "1 while no frames come: the camera or its grabber is away."},
        {"inspectd_camera_frames_total", "counter", "Frames of the camera that its grabber has seen."},
        {"inspectd_camera_refused_total", "counter",
         "Frames without a verdict: lost, incomplete, refused by the grabber or by the daemon."},
        {"inspectd_camera_triggers_fired_total", "counter", "Software triggers that reached the camera."},
        {"inspectd_camera_triggers_failed_total", "counter", "Software triggers that did not."},
    };
    char name[2 * INSP_TAG_BYTES + 1];
    for (int i = 0; i < (int)INSP_COUNT(row); i++) {
        fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", row[i].name, row[i].help, row[i].name, row[i].type);
        for (size_t at = 0; at < cameras->count; at++) {
            api_metrics_escape(cameras->item[at]->name, name, sizeof name);
            fprintf(out, "%s{camera=\"%s\"} %.17g\n", row[i].name, name, value_of(cameras->item[at], i));
        }
    }
}
