/* Stops the server in this order: event streams and exports end, the job is cancelled, the listener stops
 * accepting; new requests get 503; running ones end by themselves or at the end of the grace time; libmicrohttpd
 * stops; tasks in the lanes and on the inference thread end; the watched folder, the sinks and the handles are
 * closed; `stopped` is called. */
#include "api/server/stop.h"

#include "api/cameras/cameras.h"
#include "api/listen/certificate.h"
#include "api/listen/listener.h"
#include "api/modbus/modbus.h"
#include "api/modbus/stations.h"
#include "api/server/reload.h"
#include "api/server/server.h"
#include "api/sinks/sinks.h"
#include "api/sources/folder.h"
#include "api/watch/events.h"

#include "core/base/log.h"
#include "core/inspect/pipeline.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void api_server_free(struct api_server *server) {
    if (server->mhd && !server->mhd_stopped)
        MHD_stop_daemon(server->mhd);
    if (server->pipeline)
        insp_pipeline_free(server->pipeline);
    if (server->listen_fd >= 0)
        close(server->listen_fd);
    insp_jobs_free(server->jobs); /* not earlier, because requests in lane BACK may use it */
    insp_models_free(server->models);
    api_folder_free(server->folder);
    api_sinks_free(server->sinks);
    api_meters_free(server->meters);
    api_events_free(server->events);
    api_listener_free(server->listener);
    api_reload_free(server->reload);
    api_tokens_clear(&server->tokens);
    if (server->tls)
        api_certificate_free(api_certificate_serve(NULL));
    char *owned[] = {server->listen_text, server->state_dir,     server->certificate,  server->key, server->hosts,
                     server->origins,     server->dataset_roots, server->cache_folder, server->takt};
    for (size_t i = 0; i < INSP_COUNT(owned); i++)
        free(owned[i]);
    for (size_t i = 0; i < INSP_COUNT(server->modbus_text); i++)
        free(server->modbus_text[i]);
    api_modbus_free(server->modbus);
    api_stations_free(server->stations);
    api_cameras_free(server->cameras);
    free(server->shadow);
    free(server);
}

void api_stop_handle_closed(void *arg) {
    struct api_server *server = arg;
    if (!server->closing || server->handles_open || server->lingers.handles || api_modbus_open(server->modbus))
        return;
    void (*stopped)(void *stopped_arg) = server->stopped;
    void *stopped_arg = server->stopped_arg;
    api_server_free(server);
    stopped(stopped_arg);
}

static void closed(uv_handle_t *handle) {
    struct api_server *server = handle->data;
    server->handles_open--;
    api_stop_handle_closed(server);
}

static void stop_mhd(struct api_server *server) {
    uv_poll_stop(&server->poll);
    uv_timer_stop(&server->mhd_timer);
    server->mhd_stopped = true;
    MHD_stop_daemon(server->mhd);
    uv_close((uv_handle_t *)&server->poll, closed);
}

static void close_timers(struct api_server *server) {
    uv_timer_t *timers[] = {&server->mhd_timer, &server->sweep, &server->deadline, &server->housekeeping,
                            &server->selftest,  &server->grace, &server->ping,     &server->shadow_group};
    for (size_t i = 0; i < INSP_COUNT(timers); i++)
        uv_close((uv_handle_t *)timers[i], closed);
}

static void tell_parts(struct api_server *server, enum api_stop why) {
    for (struct api_request *request = server->requests; request; request = request->next)
        if (request->ops && request->ops->stop)
            request->ops->stop(request, why);
}

static bool any_suspended(const struct api_server *server) {
    for (const struct api_request *request = server->requests; request; request = request->next)
        if (api_request_suspended(request))
            return true;
    return false;
}

static void on_grace(uv_timer_t *timer) {
    struct api_server *server = timer->data;
    insp_log_warning("stopping: the grace time is over open_requests=%zu", server->request_count);
    server->grace_over = true;
    server->hurry = true;
    tell_parts(server, API_STOP_GRACE_OVER);
    api_stop_check(server);
}

static void part_closed(void *arg) {
    api_stop_check(arg);
}

void api_stop_check(struct api_server *server) {
    /* After the grace time unread answers do not delay the stop, but libmicrohttpd needs all connections resumed.
     */
    bool quiet =
        !server->request_count || (server->grace_over && !any_suspended(server) && server->grace_turns++ > 1);
    if (!server->mhd_stopped && quiet)
        stop_mhd(server);
    if (!server->mhd_stopped || server->closing || server->chore_running || api_reload_running(server->reload) ||
        !server->jobs_closed || insp_models_busy(server->models) || insp_pipeline_in_flight(server->pipeline) ||
        server->opinions)
        return;
    if (!api_folder_closed(server->folder)) {
        api_folder_close(server->folder, part_closed, server);
        return;
    }
    if (!api_sinks_closed(server->sinks)) { /* last, so that they are offered the last inspections too */
        api_sinks_close(server->sinks, part_closed, server);
        return;
    }
    server->closing = true;
    close_timers(server);
    api_listener_close(server, closed);
    api_lingers_close(&server->lingers);
    api_modbus_close(server->modbus);
}

static void jobs_closed(void *arg) {
    struct api_server *server = arg;
    server->jobs_closed = true;
    api_stop_check(server);
}

void api_server_stop(struct api_server *server, unsigned grace_ms, void (*stopped)(void *arg), void *arg) {
    server->stopping = true;
    insp_models_stop(server->models);
    api_folder_stop(server->folder);
    server->after_run = api_stop_check;
    server->stopped = stopped;
    server->stopped_arg = arg;
    uv_timer_stop(&server->housekeeping);
    uv_timer_stop(&server->selftest);
    if (uv_is_active((uv_handle_t *)&server->shadow_group)) /* what waits is counted now */
        uv_timer_start(&server->shadow_group, server->shadow_group.timer_cb, 0, 0);
    api_events_end(server->events);
    tell_parts(server, API_STOP_SERVER);
    insp_jobs_close(server->jobs, jobs_closed, server); /* its process has INSP_JOB_GRACE_MS to end */
    api_listener_stop(server); /* its descriptor stays open, so that new clients wait instead of failing */
    uv_timer_start(&server->grace, on_grace, grace_ms, 0);
    api_server_kick(server); /* the loop calls api_stop_check: `stopped` must not run inside this call */
}
