/* api/http/listener.h - the listening socket in the event loop: accepts connections, decides which to keep, and
 * hands them to libmicrohttpd.
 *
 * libmicrohttpd accepts nothing itself: at its limit, and after EMFILE, it stops to watch its listening socket and
 * only goes on when something else makes it run. Here a new connection is accepted whatever the load; at a limit
 * another one makes room (peers.h), or the new one is answered 503 and closed. When the system has no descriptor
 * left, accepting is tried again after RETRY_MS. All functions: loop thread. */
#ifndef INSP_API_HTTP_LISTENER_H
#define INSP_API_HTTP_LISTENER_H

#include "api/listen/peers.h"
#include "core/base/error.h"

#include <uv.h>

struct api_server;

enum {
    API_ACCEPT_BURST = 64,      /* accepted in one turn of the loop, and in libmicrohttpd beyond the limit */
    API_DEAF_US = 10 * 1000000, /* clients wait for so long and none is accepted: the listener is deaf */
    API_CONNECTION_NOTE_US = 10 * 1000000, /* one line in the log at most for each reason in this time */
};

/* Why a connection was refused or another one made room for it. */
enum api_crowding {
    API_CROWDING_CONNECTIONS, /* server.connections */
    API_CROWDING_ADDRESS,     /* server.connections_per_address */
    API_CROWDING_DESCRIPTORS, /* EMFILE, ENFILE, ENOMEM... */
    API_CROWDINGS
};
extern const char *const api_crowding_name[API_CROWDINGS];

struct api_listener {
    uv_poll_t poll;
    uv_timer_t retry;
    bool open;      /* the handles are libuv's */
    bool accepting; /* until the server stops */
    struct api_peers peers;
    struct api_peer *admitted; /* the peer of the connection that libmicrohttpd is being given */
    uint64_t accepted;
    uint64_t refused[API_CROWDINGS], displaced[API_CROWDINGS];
    uint64_t noted_refused[API_CROWDINGS], noted_displaced[API_CROWDINGS]; /* as of the last line in the log */
    int64_t note_us[API_CROWDINGS];                                        /* monotonic: no line before */
    /* what api_listener_watch saw */
    uint64_t seen_accepted;
    int64_t waiting_since_us; /* monotonic; 0: nobody waits */
};

/* Starts to accept on server->listen_fd, which stays the server's. */
int api_listener_start(struct api_server *server, struct insp_error *reterr);
/* Accepts no more; who connects from now on waits for the descriptor to be closed. */
void api_listener_stop(struct api_server *server);
/* Hands the handles back to libuv. */
void api_listener_close(struct api_server *server, uv_close_cb closed);

/* The sweep's part: looks whether connections wait in the kernel's queue and none is accepted. */
void api_listener_watch(struct api_server *server, int64_t now_us);
/* False where that has been so for API_DEAF_US, or nothing waits for the socket any more. */
bool api_listener_answers(const struct api_server *server, int64_t now_us);

#endif
