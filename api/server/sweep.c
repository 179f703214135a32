/* Suspended connections do not notice that their client left, and libmicrohttpd's timeout starts anew with each
 * byte: both are watched here. */
#include "api/http/raw_answer.h"
#include "api/inspections/export.h"
#include "api/server/server.h"
#include "api/server/slots.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum {
    RATE_BYTES_PER_S = 16 << 10,
    SWEEPS_FOR_IDLE = 20, /* what holds no slot is looked at once a second */
};

int64_t api_receive_deadline(int64_t start_us, unsigned timeout_s, size_t bytes) {
    return start_us + (int64_t)timeout_s * 1000000 + (int64_t)(bytes / RATE_BYTES_PER_S) * 1000000;
}

bool api_client_left(int fd, bool all_read) {
    struct tcp_info info;
    socklen_t length = sizeof info;
    int unread = 0;
    if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length))
        return false;
    if (info.tcpi_state == TCP_ESTABLISHED || info.tcpi_state == TCP_SYN_RECV)
        return false;
    return !all_read || ioctl(fd, FIONREAD, &unread) || !unread;
}

/* Nothing was answered on this connection yet, so the bytes cannot fall into the middle of another answer; with
 * TLS they could not be written past the library. */
static void say(const struct api_server *server, struct api_request *request, const struct insp_error *why) {
    char text[API_RAW_ANSWER_BYTES];
    api_response_problem(&request->response, why);
    size_t length = api_raw_answer(&request->response, text);
    if (!server->tls)
        (void)!send(request->fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    request->phase = API_REFUSED;
}

/* libmicrohttpd sees the end of the stream and cleans up. */
void api_connection_cut(struct api_server *server, struct api_connection *connection,
                        const struct insp_error *why) {
    struct api_request *request = connection->request;
    if (connection->cut)
        return;
    connection->cut = true;
    server->cut_count++;
    api_peer_leave(&server->listener.peers, insp_take_ptr(connection->peer));
    if (request && request->phase == API_RECEIVING)
        say(server, request, why);
    if (request) {
        request->peer = NULL;
        api_slot_release(request);
    }
    shutdown(connection->fd, SHUT_RDWR);
}

/* A client that was told a time (Keep-Alive) is given a little more: its request may be on the way. */
static int64_t keep_alive_us(const struct api_connection *connection) {
    enum { ON_THE_WAY_US = 2 * 1000000 };
    return connection->requests ? ON_THE_WAY_US : 0;
}

/* Where a close comes together with the bytes before it, libmicrohttpd 0.9.75 reads those and never sees it. */
static bool left_before_the_end(const struct api_server *server, const struct api_connection *connection) {
    const struct api_request *request = connection->request;
    bool asked = request ? request->phase == API_RECEIVING || request->phase == API_REFUSED
                         : server->sweeps % SWEEPS_FOR_IDLE == 0;
    return asked && api_client_left(connection->fd, true);
}

static bool overdue(const struct api_server *server, const struct api_connection *connection, int64_t now) {
    const struct api_request *request = connection->request;
    unsigned timeout_s = server->config.request_timeout_s;
    if (!request)
        return now > api_receive_deadline(connection->quiet_since_us, timeout_s, 0) + keep_alive_us(connection);
    if (request->queued_us && !request->follows && !request->exporting) /* a reader that stopped, or drips */
        return now > api_receive_deadline(request->queued_us, 2 * timeout_s, request->response.bytes);
    if (request->phase != API_RECEIVING && request->phase != API_REFUSED)
        return false;
    /* One that stopped altogether, and one that drips. */
    return now > api_receive_deadline(request->received_us, timeout_s, 0) ||
           now > api_receive_deadline(request->started_us, timeout_s, request->body_bytes + request->discarded);
}

static void look_at(struct api_server *server, struct api_connection *c, int64_t now) {
    struct insp_error why;
    if (c->cut)
        return;
    if (overdue(server, c, now) || (c->request && api_export_stalled(c->request, now))) {
        insp_fail(&why, INSP_E_TIMEOUT, "the client stopped sending, or sends too slowly");
        api_connection_cut(server, c, &why);
    } else if (left_before_the_end(server, c)) {
        insp_fail(&why, INSP_E_REQUEST, "the client closed its side before the whole request had come");
        api_connection_cut(server, c, &why);
    }
}

void api_sweep(uv_timer_t *timer) {
    struct api_server *server = timer->data;
    int64_t now = insp_mono_us();
    struct insp_error left;
    insp_fail(&left, INSP_E_CANCELLED, "the client left before the verdict");
    server->turned_us = now;
    server->sweeps++;
    for (struct api_request *request = server->requests; request; request = request->next)
        if (request->submitted && request->suspended && api_client_left(request->fd, false) &&
            api_inspection_abandon(request))
            api_server_fail(request, &left); /* resumed, so that libmicrohttpd closes the connection */
    for (struct api_connection *c = server->connections; c; c = c->next)
        look_at(server, c, now);
    api_listener_watch(server, now);
    api_lingers_sweep(&server->lingers, now);
    if (server->sweeps % SWEEPS_FOR_IDLE == 0)
        api_events_reap(server->events);
    if (server->stopping)
        api_stop_check(server);
}
