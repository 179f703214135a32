#include "api/server/server.h"

enum { MHD_IDLE_MS = 1000 }; /* longest time between two runs of libmicrohttpd */

void api_server_run(struct api_server *server) {
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (server->mhd_stopped)
        return;
    server->kicked = false;
    MHD_run(server->mhd);
    /* Connections that were resumed inside this run are handled in the next one, which no descriptor triggers. */
    if (server->kicked)
        uv_timer_start(&server->mhd_timer, server->mhd_timer.timer_cb, 0, 0);
    else
        /* Always with a timer, so that the next run does not depend on clients. */
        uv_timer_start(
            &server->mhd_timer, server->mhd_timer.timer_cb,
            MHD_get_timeout(server->mhd, &wait_ms) == MHD_YES && wait_ms < MHD_IDLE_MS ? wait_ms : MHD_IDLE_MS, 0);
    if (server->after_run)
        server->after_run(server);
}

static void on_timer(uv_timer_t *timer) {
    api_server_run(timer->data);
}

void api_server_kick(struct api_server *server) {
    server->kicked = true;
    if (!server->mhd_stopped)
        uv_timer_start(&server->mhd_timer, on_timer, 0, 0);
}

void api_server_suspend(struct api_request *request) {
    api_request_enter(request, request->state == API_SENDING ? API_FETCHING : API_WORKING);
    MHD_suspend_connection(request->connection);
}

void api_server_finish(struct api_request *request) {
    bool suspended = api_request_suspended(request);
    api_request_enter(request, request->state == API_FETCHING ? API_SENDING : API_ANSWERED);
    if (!suspended)
        return;
    MHD_resume_connection(request->connection);
    api_server_kick(request->server);
}

void api_server_fail(struct api_request *request, const struct insp_error *error) {
    api_response_problem(&request->response, error);
    api_server_finish(request);
}

int api_server_work(struct api_request *request, enum insp_weight weight, api_work *run, api_work *done,
                    struct insp_error *reterr) {
    request->task = (struct insp_task){.run = run, .done = done, .data = request, .weight = weight};
    return insp_work(request->server->config.lanes, INSP_LANE_BACK, &request->task, reterr);
}

void api_server_work_on(struct api_request *request, api_work *run, api_work *done) {
    request->task = (struct insp_task){.run = run, .done = done, .data = request};
    insp_work_always(request->server->config.lanes, INSP_LANE_BACK, &request->task);
}

struct api_connection *api_connection_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

bool api_server_unwanted(const struct api_request *request) {
    return request->server->hurry || request->left;
}

int api_server_check_wanted(const struct api_request *request, struct insp_error *reterr) {
    if (request->server->hurry)
        return insp_fail(reterr, INSP_E_SHUTTING_DOWN, "the daemon is shutting down");
    if (request->left)
        return insp_fail(reterr, INSP_E_CANCELLED, "the client left before its request was handled");
    return 0;
}

static bool unwanted(void *arg) {
    return api_server_unwanted(arg);
}

struct insp_image_limits api_server_image_limits(const struct api_request *request) {
    enum { PICTURE_WAIT_US = 5 * 1000000 }; /* longest wait of a viewer's picture for the decode budget */
    struct insp_image_limits limits = request->server->config.image_limits;
    limits.background = true;
    limits.wait_us = PICTURE_WAIT_US;
    limits.cancelled = unwanted;
    limits.cancelled_arg = (void *)(uintptr_t)request;
    return limits;
}

void api_place_release(struct api_request *request) {
    request->server->held[request->place] -= request->places;
    request->place = API_PLACE_NONE;
    request->places = 0;
}
