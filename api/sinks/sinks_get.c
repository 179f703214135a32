#include "api/resources/handlers.h"
#include "api/server/server.h"
#include "api/sinks/sinks.h"

#include "core/base/clock.h"

#include <string.h>

int api_sinks_list(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {NULL};
    int code = api_query_allow(&request->query, known, reterr);
    if (code)
        return code;
    json_t *json = api_sinks_json(request->server->sinks);
    api_hide_json(&request->server->hidden, json);
    return api_response_json(&request->response, 200, json, reterr);
}

/* --- the test: the request waits for its sink --- */

static void drop(struct api_request *request) {
    struct api_sink *sink = request->part;
    if (sink->tested == request)
        sink->tested = NULL;
}

static void stop(struct api_request *request, enum api_stop why) {
    struct api_sink *sink = request->part;
    struct insp_error error;
    if (sink->tested != request || why == API_STOP_DEADLINE)
        return;
    insp_fail(&error, why == API_STOP_CLIENT_LEFT ? INSP_E_CANCELLED : INSP_E_SHUTTING_DOWN,
              "the test of the sink was given up");
    api_sink_tested(sink, &error);
}

static const struct api_part_ops test_ops = {.drop = drop, .stop = stop};

void api_sink_tested(struct api_sink *sink, const struct insp_error *error) {
    struct api_request *request = sink->tested;
    struct insp_error failed;
    if (!request)
        return;
    sink->tested = NULL;
    if (error) {
        api_server_fail(request, error);
        return;
    }
    json_t *json = json_pack("{s:s,s:s,s:o}", "name", sink->name, "target", sink->target, "took_ms",
                             api_json_ms(insp_mono_us() - sink->test_us));
    if (api_response_json(&request->response, 200, json, &failed))
        api_response_problem(&request->response, &failed);
    api_server_finish(request);
}

int api_sink_test(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {NULL};
    struct api_sink *sink = api_sinks_find(request->server->sinks, request->param[0]);
    int code = api_query_allow(&request->query, known, reterr);
    if (code)
        return code;
    if (!sink && request->server->modbus && !strcmp(request->param[0], "modbus"))
        return insp_fail(reterr, INSP_E_CONFLICT,
                         "a PLC asks for results by itself: there is nothing to send; look at its station");
    if (!sink)
        return insp_fail(reterr, INSP_E_NOT_FOUND, "the settings name no sink '%.64s'", request->param[0]);
    if (sink->tested)
        return insp_fail(reterr, INSP_E_CONFLICT, "another test of the sink waits for its answer");
    code = sink->ops->test(sink, reterr);
    if (code)
        return code;
    sink->tested = request;
    sink->test_us = insp_mono_us();
    api_request_attach(request, sink, &test_ops);
    api_server_suspend(request);
    return 0;
}
