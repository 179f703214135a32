/* api/listen/listener.h - accepts connections, decides which to keep, and hands them to libmicrohttpd. All
 * functions: loop thread.
 *
 * libmicrohttpd does not accept connections itself: at its limit and after EMFILE it would stop watching its
 * listening socket until something else makes it run. The listener accepts under any load. At a limit another
 * connection makes room (peers.h), or the new one gets 503 and is closed. Without a free descriptor the listener
 * tries again after RETRY_MS. */
#ifndef INSP_API_LISTEN_LISTENER_H
#define INSP_API_LISTEN_LISTENER_H

#include "core/base/error.h"

#include <uv.h>

struct api_peer;
struct api_server;

enum {
    API_ACCEPT_BURST = 64, /* connections accepted per turn of the loop, and held beyond the limit until closed */
    API_DEAF_US = 10 * 1000000, /* the listener has failed if clients wait this long and none is accepted */
    API_CONNECTION_NOTE_US = 10 * 1000000, /* between two log lines for the same reason */
};

/* Limits at which a connection is refused, or another one makes room for it. */
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
    bool open;                 /* libuv has the handles */
    bool accepting;            /* the server is not stopping */
    struct api_peer *admitted; /* peer of the connection during its hand-over to libmicrohttpd */
    bool turn_over;            /* no further client is accepted in this turn of the loop */
    uint64_t accepted;
    uint64_t refused[API_CROWDINGS], displaced[API_CROWDINGS];
    uint64_t noted_refused[API_CROWDINGS], noted_displaced[API_CROWDINGS]; /* as of the last log line */
    int64_t note_us[API_CROWDINGS];                                        /* monotonic: no log line before */
    uint64_t seen_accepted;                                                /* at the last api_listener_watch */
    int64_t waiting_since_us;                                              /* monotonic; 0: no client waits */
};

/* Makes server->listener, the server's until api_listener_free, and starts accepting on server->listen_fd. Fails
 * with INSP_E_INTERNAL. */
int api_listener_start(struct api_server *server, struct insp_error *reterr);

/* Returns the number of connections that an address may have; UINT_MAX: any. */
unsigned api_listener_address_limit(const struct api_server *server, const struct api_peer *peer);

/* Stops accepting. Clients that connect from now on wait until the descriptor is closed. */
void api_listener_stop(struct api_server *server);

/* Closes the handles; `closed` is called for each of the two. */
void api_listener_close(struct api_server *server, uv_close_cb closed);
void api_listener_free(struct api_listener *listener); /* accepts NULL */

/* Logs refused and displaced connections, and notes whether clients wait in the kernel's queue although none was
 * accepted since the last call. Called by the sweep. now_us: monotonic. */
void api_listener_watch(struct api_server *server, int64_t now_us);

/* Says whether the listener works: false if clients have waited in vain for API_DEAF_US, or if neither the socket
 * nor the retry timer is active. True while the server stops. */
bool api_listener_answers(const struct api_server *server, int64_t now_us);

#endif
