#include "api/modbus/modbus.h"

#include "api/modbus/modbus_internal.h"
#include "api/server/server.h"
#include "core/base/clock.h"
#include "core/base/log.h"

#include <stdlib.h>
#include <string.h>

enum { BACKLOG = 16, PULSE_MS = 1000, RETRY_US = 5 * 1000000 };

static void bind_again(struct api_modbus *modbus);

void api_modbus_handle_closed(struct api_modbus *modbus) {
    modbus->handles--;
    if (modbus->closing && !modbus->handles)
        modbus->closed(modbus->server);
}

static void listener_closed(uv_handle_t *handle) {
    struct api_modbus *modbus = handle->data;
    modbus->listener_open = false;
    api_modbus_handle_closed(modbus);
}

static void timer_closed(uv_handle_t *handle) {
    api_modbus_handle_closed(handle->data);
}

static void on_connection(uv_stream_t *stream, int status) {
    struct api_modbus *modbus = stream->data;
    if (status == 0)
        api_modbus_accept(modbus);
    else
        insp_log_warning("modbus: a connection was not accepted why=%s", INSP_LOG_QUOTED(uv_strerror(status)));
}

void api_modbus_look(struct api_modbus *modbus) {
    insp_sink_enter(&modbus->condition, modbus->client_count ? INSP_SINK_CONNECTED : INSP_SINK_WAITING,
                    insp_wall_us());
}

static int try_bind(struct api_modbus *modbus) {
    int why = uv_tcp_init(modbus->server->loop, &modbus->listener);
    if (why)
        return why;
    modbus->listener.data = modbus;
    modbus->listener_open = true;
    modbus->handles++;
    why = uv_tcp_bind(&modbus->listener, (const struct sockaddr *)&modbus->address, 0);
    return why ? why : uv_listen((uv_stream_t *)&modbus->listener, BACKLOG, on_connection);
}

static unsigned bound_port(const struct api_modbus *modbus) {
    struct sockaddr_storage bound;
    int bytes = sizeof bound;
    if (uv_tcp_getsockname(&modbus->listener, (struct sockaddr *)&bound, &bytes))
        return 0;
    return ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                             : ((struct sockaddr_in *)&bound)->sin_port);
}

static void bind_again(struct api_modbus *modbus) {
    int why = try_bind(modbus);
    modbus->listening = why == 0;
    if (!why) {
        insp_log_info("modbus: PLCs may connect address=%s port=%u stations=%zu",
                      modbus->server->config.modbus.listen, bound_port(modbus),
                      api_stations_count(modbus->server->stations));
    } else {
        char text[INSP_ERROR_DETAIL_BYTES];
        snprintf(text, sizeof text, "cannot listen on %s: %s", modbus->server->config.modbus.listen,
                 uv_strerror(why));
        insp_sink_error(&modbus->condition, text, insp_wall_us());
        if (why != modbus->failed_why)
            insp_log_error("modbus cannot listen, no PLC is served address=%s why=%s",
                           modbus->server->config.modbus.listen, INSP_LOG_QUOTED(uv_strerror(why)));
        if (modbus->listener_open)
            uv_close((uv_handle_t *)&modbus->listener, listener_closed);
    }
    modbus->failed_why = why;
    modbus->retry_us = insp_mono_us() + RETRY_US;
}

static void on_pulse(uv_timer_t *timer) {
    struct api_modbus *modbus = timer->data;
    const int64_t now_us = insp_mono_us();
    const int64_t idle_us = (int64_t)modbus->server->config.modbus.idle_s * 1000000;
    modbus->heartbeat = !modbus->heartbeat;
    api_stations_turn(modbus->server->stations, now_us);
    for (struct api_modbus_client *client = modbus->clients, *next; client; client = next) {
        next = client->next;
        if (now_us - client->active_us > idle_us)
            api_modbus_cut(client, API_MODBUS_CUT_IDLE);
    }
    if (!modbus->listening && !modbus->listener_open && now_us >= modbus->retry_us)
        bind_again(modbus);
}

int api_modbus_start(struct api_server *server, void (*closed)(void *arg), struct api_modbus **ret,
                     struct insp_error *reterr) {
    *ret = NULL;
    if (!server->config.modbus.listen[0])
        return 0;
    struct api_modbus *modbus = calloc(1, sizeof *modbus);
    if (!modbus)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the Modbus server");
    int r = api_modbus_address(server->config.modbus.listen, &modbus->address, reterr);
    if (r < 0)
        insp_error_prefix(reterr, "modbus.listen");
    if (r == 0 && (r = api_networks_parse(server->config.modbus.clients, &modbus->clients_allowed, reterr)) < 0)
        insp_error_prefix(reterr, "modbus.clients");
    if (r < 0) {
        free(modbus);
        return r;
    }
    modbus->server = server;
    modbus->closed = closed;
    uv_timer_init(server->loop, &modbus->timer);
    modbus->timer.data = modbus;
    modbus->handles = 1;
    uv_timer_start(&modbus->timer, on_pulse, PULSE_MS, PULSE_MS);
    api_modbus_look(modbus);
    bind_again(modbus);
    *ret = modbus;
    return 0;
}

void api_modbus_close(struct api_modbus *modbus) {
    if (!modbus || modbus->closing)
        return;
    modbus->closing = true;
    while (modbus->clients)
        api_modbus_cut(modbus->clients, API_MODBUS_CUTS);
    if (modbus->listener_open && !uv_is_closing((uv_handle_t *)&modbus->listener))
        uv_close((uv_handle_t *)&modbus->listener, listener_closed);
    uv_close((uv_handle_t *)&modbus->timer, timer_closed);
}

bool api_modbus_open(const struct api_modbus *modbus) {
    return modbus && modbus->handles;
}

void api_modbus_free(struct api_modbus *modbus) {
    free(modbus);
}
