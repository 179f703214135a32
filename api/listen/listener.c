#include "api/listen/listener.h"

#include "api/http/raw_answer.h"
#include "api/listen/client.h"
#include "api/server/cut.h"
#include "api/server/server.h"

#include "core/base/clock.h"
#include "core/base/log.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    RETRY_MS = 100,
    REFUSED_BYTES_MAX = 1 << 20, /* bytes of a refused client to discard */
    REFUSED_US = 2 * 1000000,
};

const char *const api_crowding_name[API_CROWDINGS] = {"connections", "address", "descriptors"};

/* --- making room --- */

/* Says whether connections of cameras give way last. If there are more of them than inspections can be in flight,
 * they are as idle as others: a client could otherwise hold all connections by an inspection on each. */
static bool cameras_last(const struct api_server *server) {
    size_t cameras = 0;
    for (const struct api_connection *c = server->connections; c; c = c->next)
        cameras += !c->cut && !c->request && c->inspected;
    return cameras <= server->config.inflight;
}

static struct api_holder holder_of(const struct api_connection *c, bool cameras, int64_t now) {
    struct api_holder holder = {API_HOLD_BUSY, c->peer ? c->peer->connections : 0, c->quiet_since_us};
    const struct api_request *request = c->request;
    bool suspended = request && api_request_suspended(request);
    int unread = 0;
    bool refused = suspended && request->gives_way;
    if ((!suspended || refused) && api_client_left(c->fd, true)) {
        holder.hold = API_HOLD_GONE;
    } else if (refused) {
        holder.hold = API_HOLD_IDLE;
        holder.since_us = request->started_us;
    } else if (!request && !ioctl(c->fd, FIONREAD, &unread) && unread) {
        holder.hold = API_HOLD_BUSY; /* a request has arrived: it is lost if libmicrohttpd does not run first */
    } else if (!request) {
        holder.hold = c->inspected && cameras                     ? API_HOLD_LINE
                      : c->requests                               ? API_HOLD_IDLE
                      : now - c->quiet_since_us > API_PATIENCE_US ? API_HOLD_SILENT
                                                                  : API_HOLD_FRESH;
    } else if (api_request_incoming(request)) {
        holder.since_us = request->started_us;
        int64_t due = api_receive_deadline(request->started_us, 1, request->body_bytes + request->discarded);
        holder.hold = now > due ? API_HOLD_SLOW : API_HOLD_BUSY;
    } else if (request->state == API_SENDING && !(request->ops && request->ops->stalled)) {
        holder.since_us = request->queued_us;
        int64_t due = api_receive_deadline(request->queued_us, 1, request->response.bytes);
        holder.hold = now > due ? API_HOLD_SLOW : API_HOLD_BUSY;
    }
    return holder;
}

/* Cuts the connection that gives way first. Returns false if none makes room for a connection of `peer`.
 *   within  considers connections of this peer only; NULL: all */
static bool make_room(struct api_server *server, const struct api_peer *peer, const struct api_peer *within) {
    int64_t now = insp_mono_us();
    bool cameras = cameras_last(server);
    struct api_connection *found = NULL;
    struct insp_error why;
    struct api_holder of_found = {API_HOLD_BUSY, 0, 0};
    for (struct api_connection *c = server->connections; c; c = c->next) {
        if (c->cut || (within && c->peer != within))
            continue;
        struct api_holder holder = holder_of(c, cameras, now);
        if (api_makes_room(&holder, peer ? peer->connections : 0) && api_gives_way(&holder, &of_found)) {
            found = c;
            of_found = holder;
        }
    }
    if (!found)
        return false;
    insp_fail(&why, INSP_E_TIMEOUT, "the daemon is at its limit of connections, and this one is too slow");
    api_connection_cut(server, found, &why);
    return true;
}

/* --- accepting --- */

unsigned api_listener_address_limit(const struct api_server *server, const struct api_peer *peer) {
    const struct api_config *config = &server->config;
    if (peer->proxy)
        return UINT_MAX;
    if (config->connections_per_address)
        return config->connections_per_address;
    return peer->local ? UINT_MAX : api_share(config->connections);
}

/* Answers 503 and closes. With TLS it only closes: a handshake is too much work for a connection that is
 * refused. */
static void refuse(struct api_server *server, int fd, const char *why) {
    struct insp_error error;
    char text[API_RAW_ANSWER_BYTES];
    if (server->tls) {
        close(fd);
        return;
    }
    insp_fail(&error, INSP_E_QUEUE_FULL, "%s", why);
    size_t length = api_raw_problem(&error, text);
    (void)!send(fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    api_linger_take(&server->lingers, fd, REFUSED_BYTES_MAX, insp_mono_us() + REFUSED_US);
}

/* Returns NULL if the connection may stay (another one may have been cut for it), else the reason for 503. */
static const char *find_place(struct api_server *server, const struct api_peer *peer) {
    struct api_listener *listener = server->listener;
    static const char *const full[API_CROWDINGS] = {[API_CROWDING_CONNECTIONS] = "server.connections is reached",
                                                    [API_CROWDING_ADDRESS] =
                                                        "this address has reached server.connections_per_address"};
    enum api_crowding crowding = API_CROWDING_ADDRESS;
    const struct api_peer *within = peer;
    if (peer->connections <= api_listener_address_limit(server, peer)) {
        if (server->connection_count - server->cut_count < server->config.connections)
            return NULL;
        crowding = API_CROWDING_CONNECTIONS;
        within = NULL;
    }
    bool made = make_room(server, peer, within);
    if (!made) { /* libmicrohttpd may have events that free a connection */
        api_server_run(server);
        listener->turn_over = true;
        made = make_room(server, peer, within);
    }
    if (made)
        listener->displaced[crowding]++;
    else
        listener->refused[crowding]++;
    return made ? NULL : full[crowding];
}

static void admit(struct api_server *server, int fd, const struct sockaddr *address, socklen_t length) {
    struct api_listener *listener = server->listener;
    struct api_peer *peer = api_peer_enter(&server->peers, address);
    if (!peer) {
        listener->refused[API_CROWDING_DESCRIPTORS]++;
        close(fd);
        return;
    }
    peer->proxy = api_networks_hold(&server->gate.trusted, address);
    const char *why = find_place(server, peer);
    if (why) {
        api_peer_leave(&server->peers, peer);
        refuse(server, fd, why);
        return;
    }
    listener->admitted = peer; /* api_connection_notify takes it over */
    if (MHD_add_connection(server->mhd, fd, address, length) != MHD_YES)
        insp_log_debug("libmicrohttpd refused a connection address=%s", peer->text);
    api_peer_leave(&server->peers, listener->admitted);
    listener->admitted = NULL;
}

/* Handles a lack of descriptors or memory: cuts a connection that gives way, and accepts again after RETRY_MS,
 * whether or not another connection ends. */
static void starve(struct api_server *server, int why) {
    struct api_listener *listener = server->listener;
    listener->refused[API_CROWDING_DESCRIPTORS]++;
    if (make_room(server, NULL, NULL))
        listener->displaced[API_CROWDING_DESCRIPTORS]++;
    insp_log_debug("accept: %s open=%zu", strerror(why), server->connection_count);
    uv_poll_stop(&listener->poll);
    uv_timer_start(&listener->retry, listener->retry.timer_cb, RETRY_MS, 0);
}

/* Says whether an error of accept(2) concerns the new connection rather than the listening socket. */
static bool of_the_connection(int why) {
    static const int codes[] = {EINTR,  ECONNABORTED, EPERM,        EPROTO,     ENETDOWN,   ENOPROTOOPT,
                                ENONET, EHOSTDOWN,    EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH};
    for (size_t i = 0; i < INSP_COUNT(codes); i++)
        if (codes[i] == why)
            return true;
    return false;
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    struct api_server *server = poll->data;
    (void)events;
    server->listener->turn_over = false;
    if (status < 0)
        starve(server, -status);
    /* Connections that were cut still belong to libmicrohttpd until it has run: the bound is above the limit. A
     * turn of the loop ends with the first client for whom libmicrohttpd had to run: 64 of these runs in one turn
     * held up the answers to cameras for half a second beside a crowd that connects again and again. */
    for (int i = 0; status == 0 && i < API_ACCEPT_BURST && !server->listener->turn_over &&
                    server->connection_count < (size_t)server->config.connections + API_ACCEPT_BURST;
         i++) {
        struct sockaddr_storage address = {0};
        socklen_t length = sizeof address;
        int fd = accept4(server->listen_fd, (struct sockaddr *)&address, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            server->listener->accepted++;
            admit(server, fd, (struct sockaddr *)&address, length);
        } else if (errno == EAGAIN) {
            break;
        } else if (!of_the_connection(errno)) {
            starve(server, errno);
            break;
        }
    }
    api_server_run(server);
}

static void on_retry(uv_timer_t *timer) {
    struct api_server *server = timer->data;
    if (server->listener->accepting)
        uv_poll_start(&server->listener->poll, UV_READABLE, on_readable);
}

int api_listener_start(struct api_server *server, struct insp_error *reterr) {
    struct api_listener *listener = server->listener = calloc(1, sizeof *listener);
    if (!listener)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the listener");
    int why = uv_poll_init(server->loop, &listener->poll, server->listen_fd);
    if (why)
        return insp_fail(reterr, INSP_E_INTERNAL, "uv_poll_init: %s", uv_strerror(why));
    uv_timer_init(server->loop, &listener->retry);
    listener->poll.data = listener->retry.data = server;
    listener->open = listener->accepting = true;
    server->handles_open += 2;
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    uv_timer_start(&listener->retry, on_retry, 0, 0); /* sets the callback of the timer too */
    return 0;
}

void api_listener_stop(struct api_server *server) {
    struct api_listener *listener = server->listener;
    listener->accepting = false;
    if (!listener->open)
        return;
    uv_poll_stop(&listener->poll);
    uv_timer_stop(&listener->retry);
}

void api_listener_close(struct api_server *server, uv_close_cb closed) {
    struct api_listener *listener = server->listener;
    if (!listener->open)
        return;
    listener->open = false;
    uv_close((uv_handle_t *)&listener->poll, closed);
    uv_close((uv_handle_t *)&listener->retry, closed);
}

void api_listener_free(struct api_listener *listener) {
    free(listener);
}

/* --- watching --- */

/* Counts the connections that wait for accept(2); 0 if the socket is not TCP. */
static unsigned waiting(int listen_fd) {
    struct tcp_info info;
    socklen_t length = sizeof info;
    if (getsockopt(listen_fd, IPPROTO_TCP, TCP_INFO, &info, &length) || info.tcpi_state != TCP_LISTEN)
        return 0;
    return info.tcpi_unacked; /* length of the queue of a listening socket */
}

/* Logs the counts of a limit at most once per API_CONNECTION_NOTE_US, so that a crowd does not fill the log. */
static void note(struct api_server *server, enum api_crowding crowding, int64_t now) {
    struct api_listener *listener = server->listener;
    uint64_t refused = listener->refused[crowding] - listener->noted_refused[crowding],
             displaced = listener->displaced[crowding] - listener->noted_displaced[crowding];
    if ((!refused && !displaced) || now < listener->note_us[crowding])
        return;
    const struct api_peer *most = server->peers.first;
    for (const struct api_peer *peer = most; peer; peer = peer->next)
        most = peer->connections > most->connections ? peer : most;
    insp_log_warning("connections are at a limit reason=%s refused=%llu displaced=%llu open=%zu most_of=%s has=%u",
                     api_crowding_name[crowding], (unsigned long long)refused, (unsigned long long)displaced,
                     server->connection_count, most ? most->text : "nobody", most ? most->connections : 0);
    listener->noted_refused[crowding] = listener->refused[crowding];
    listener->noted_displaced[crowding] = listener->displaced[crowding];
    listener->note_us[crowding] = now + API_CONNECTION_NOTE_US;
}

void api_listener_watch(struct api_server *server, int64_t now_us) {
    struct api_listener *listener = server->listener;
    for (int i = 0; i < API_CROWDINGS; i++)
        note(server, (enum api_crowding)i, now_us);
    bool stands =
        listener->accepting && listener->seen_accepted == listener->accepted && waiting(server->listen_fd) > 0;
    listener->seen_accepted = listener->accepted;
    if (!stands)
        listener->waiting_since_us = 0;
    else if (!listener->waiting_since_us)
        listener->waiting_since_us = now_us;
}

bool api_listener_answers(const struct api_server *server, int64_t now_us) {
    const struct api_listener *listener = server->listener;
    if (!listener->accepting)
        return true;
    bool watched =
        uv_is_active((const uv_handle_t *)&listener->poll) || uv_is_active((const uv_handle_t *)&listener->retry);
    return watched && (!listener->waiting_since_us || now_us - listener->waiting_since_us < API_DEAF_US);
}
