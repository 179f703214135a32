/* Closes connections that libmicrohttpd would keep: it does not watch suspended connections for clients that left,
 * and its timeout starts again with each byte. */
#include "api/server/sweep.h"

#include "api/cameras/cameras.h"
#include "api/listen/client.h"
#include "api/listen/listener.h"
#include "api/server/cut.h"
#include "api/server/request_log.h"
#include "api/server/server.h"
#include "api/server/stop.h"
#include "api/watch/events.h"

#include "core/base/clock.h"

#include <string.h>

enum { SWEEPS_FOR_IDLE = 20 }; /* idle connections and event streams are checked once a second */

/* Returns more time for a connection with answers: Keep-Alive told the client its timeout, and a request may be on
 * its way. */
static int64_t keep_alive_us(const struct api_connection *connection) {
    enum { ON_THE_WAY_US = 2 * 1000000 };
    return connection->requests ? ON_THE_WAY_US : 0;
}

/* Says whether the client closed before its request was complete. libmicrohttpd 0.9.75 misses a close that arrives
 * together with bytes. */
static bool left_before_the_end(const struct api_server *server, const struct api_connection *connection) {
    const struct api_request *request = connection->request;
    bool asked = request ? api_request_incoming(request) : server->sweeps % SWEEPS_FOR_IDLE == 0;
    return asked && api_client_left(connection->fd, true);
}

static bool overdue(const struct api_server *server, const struct api_connection *connection, int64_t now) {
    const struct api_request *request = connection->request;
    unsigned timeout_s = server->config.request_timeout_s;
    if (!request)
        return now > api_receive_deadline(connection->quiet_since_us, timeout_s, 0) + keep_alive_us(connection);
    if (request->ops && request->ops->stalled)
        return request->state == API_SENDING && request->ops->stalled(request, now);
    if (request->state == API_SENDING) /* a client that stopped reading, or reads too slowly */
        return now > api_receive_deadline(request->queued_us, 2 * timeout_s, request->response.bytes);
    if (!api_request_incoming(request))
        return false;
    /* a client that stopped sending, or sends too slowly */
    return now > api_receive_deadline(request->received_us, timeout_s, 0) ||
           now > api_receive_deadline(request->started_us, timeout_s, request->body_bytes + request->discarded);
}

static void look_at(struct api_server *server, struct api_connection *c, int64_t now) {
    struct insp_error why;
    if (c->cut)
        return;
    if (overdue(server, c, now)) {
        insp_fail(&why, INSP_E_TIMEOUT, "the client stopped sending, or sends too slowly");
        api_connection_cut(server, c, &why);
    } else if (left_before_the_end(server, c)) {
        insp_fail(&why, INSP_E_REQUEST, "the client closed its side before the request was complete");
        api_connection_cut(server, c, &why);
    }
}

/* Ends the work for a client that has left. A handler that changes something goes on, because its client may not
 * wait for the answer. */
static void give_up(struct api_request *request) {
    request->left = !strcmp(request->route->method, "GET");
    if (request->ops && request->ops->stop)
        request->ops->stop(request, API_STOP_CLIENT_LEFT);
}

void api_sweep(uv_timer_t *timer) {
    struct api_server *server = timer->data;
    int64_t now = insp_mono_us();
    server->turned_us = now;
    server->sweeps++;
    for (struct api_request *request = server->requests; request; request = request->next)
        if (request->state == API_WORKING && !request->left && api_client_left(request->fd, false))
            give_up(request);
    for (struct api_connection *c = server->connections; c; c = c->next)
        look_at(server, c, now);
    api_listener_watch(server, now);
    api_lingers_sweep(&server->lingers, now);
    if (server->sweeps % SWEEPS_FOR_IDLE == 0) {
        api_events_reap(server->events);
        api_cameras_turn(server);
        api_request_log_left_out(server);
    }
    if (server->stopping)
        api_stop_check(server);
}
