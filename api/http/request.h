/* api/http/request.h - one HTTP request, from its headers to the last byte of its answer.
 *
 * Threads: owned by the loop thread, handed to a pool thread while a work handler runs (the connection is
 * suspended then, and nothing on the loop touches it but `departed`). */
#ifndef INSP_API_HTTP_REQUEST_H
#define INSP_API_HTTP_REQUEST_H

#include "api/access/hosts.h"
#include "api/access/proxies.h"
#include "api/access/tokens.h"
#include "api/http/query.h"
#include "api/http/response.h"
#include "api/http/router.h"
#include "api/listen/peers.h"
#include "core/base/lanes/work.h"

#include <microhttpd.h>
#include <uv.h>

struct api_server;
struct api_request;

/* The life of a request. api_state_follows has the transitions. */
enum api_state {
    API_RECEIVING, /* headers were accepted, the body comes in */
    API_REFUSED,   /* the answer is a problem; the rest of the body is thrown away */
    API_WORKING,   /* suspended: a lane's thread or the inference thread makes the answer */
    API_ANSWERED,  /* the response is filled */
    API_SENDING,   /* libmicrohttpd has the response */
    API_FETCHING,  /* suspended in the middle of sending: a lane's thread makes the next piece of the body */
    API_STATES
};

/* One of the scarce places that a request may hold until it ends (api/server/slots.h). */
enum api_place {
    API_PLACE_NONE,
    API_PLACE_INSPECTION,
    API_PLACE_STREAM,
    API_PLACE_EXPORT,
    API_PLACE_UPLOAD,
    API_PLACES
};

/* Why a part is told to stop. */
enum api_stop {
    API_STOP_CLIENT_LEFT, /* nobody waits for the answer any more */
    API_STOP_SERVER,      /* the daemon begins to stop: work that can be asked for again ends now */
    API_STOP_GRACE_OVER,  /* the daemon waits no longer */
};

/* The operations of a route's own part of a request. The request owns the part and knows nothing else of it. Loop
 * thread; each but drop may be NULL. */
struct api_part_ops {
    /* Ends what the part still does and frees it. Called once, at the end of the request. */
    void (*drop)(struct api_request *request);
    /* Makes the body of an answer whose response is `streamed`; NULL without memory. */
    struct MHD_Response *(*respond)(struct api_request *request);
    /* True where the client takes a streamed answer too slowly. A part that has it is exempt from the time limit
     * for answers that lie in memory as a whole. */
    bool (*stalled)(const struct api_request *request, int64_t now_us);
    /* Ends the work early for the reason given and answers the request, where both are still possible. */
    void (*stop)(struct api_request *request, enum api_stop why);
};

struct api_request {
    struct api_server *server;
    struct MHD_Connection *connection;
    int fd;               /* the socket; libmicrohttpd's */
    enum api_state state; /* changed by api_request_enter only */
    enum api_place place;
    bool unread;                    /* it was answered before its body was read */
    const struct api_peer *peer;    /* the connection's address; NULL where it is not known */
    void *part;                     /* the route's own; owned, NULL where there is none */
    const struct api_part_ops *ops; /* of part; NULL where there is none */
    /* Set by a work handler: runs on the loop after it, in place of api_server_finish, which it calls in the end.
     * May be NULL. */
    void (*worked)(struct api_request *request);
    const struct api_route *route; /* NULL where none matched */
    char method[16];
    char path[1024]; /* for the log */
    char param[API_PARAMS_MAX][API_PARAM_BYTES];
    struct api_query query;
    char principal[INSP_NAME_BYTES]; /* name of the token; "" without one */
    char authority[API_HOST_BYTES];  /* of a target in absolute form, which counts in place of Host; else "" */
    char client[API_ADDRESS_BYTES];  /* the address that a trusted proxy names; "" for a direct client */
    uint8_t client_key[API_PEER_KEY_BYTES]; /* of that address */
    char cors_origin[API_HOST_BYTES + 16];  /* a page of server.origins that asks; "" none */
    bool must_close;                        /* nobody can tell where the next request of this connection begins */
    char *content_type;                     /* owned; NULL where not given */
    char *if_none_match;                    /* owned; NULL */
    char *accept;                           /* owned; "" where not given, NULL before the headers were read */
    uint8_t *body;                          /* owned, body_bytes of body_room */
    size_t body_bytes, body_room, body_limit, discarded;
    struct api_response response;
    json_t *snapshot;    /* owned: what a work handler needs of the loop's state, made by the route's `before` */
    int64_t received_us; /* of the last piece of the body; the start before the first */
    int64_t started_us;
    int64_t queued_us; /* the answer was handed to libmicrohttpd; 0 before */
    size_t held_bytes; /* of the answer, in memory until the client has it */
    struct insp_task task;
    char note[400]; /* key=value text for the log line */

    struct api_request *previous, *next; /* the server's list */
};

/* hidden: folders that its problems must not name (response.h); borrowed. NULL without memory. */
struct api_request *api_request_new(struct api_server *server, const struct api_hidden *hidden,
                                    struct MHD_Connection *connection, const char *method);
void api_request_free(struct api_request *request);

/* True where a request may go from one state to another. Pure; any thread. */
bool api_state_follows(enum api_state from, enum api_state to);
const char *api_state_name(enum api_state state);

/* Moves the request to another state. A transition that api_state_follows does not have is an error of the
 * program: it is logged, and a build with assertions ends there. */
void api_request_enter(struct api_request *request, enum api_state to);

/* True while the connection is suspended for it. */
bool api_request_suspended(const struct api_request *request);
/* True while its body comes in, kept or thrown away. */
bool api_request_incoming(const struct api_request *request);

/* Gives the request a part of its route, which it owns from now on; it has none yet. */
void api_request_attach(struct api_request *request, void *part, const struct api_part_ops *ops);
/* The part where it is one of these operations, else NULL. */
void *api_request_part(const struct api_request *request, const struct api_part_ops *ops);
/* Drops the part; fine where there is none. */
void api_request_drop(struct api_request *request);

/* Copies query, Content-Type, Accept, If-None-Match. INSP_E_QUERY, INSP_E_NOMEM. */
int api_request_read_headers(struct api_request *request, struct insp_error *reterr);

/* Appends to the body. INSP_E_TOO_LARGE, INSP_E_NOMEM. */
int api_request_append(struct api_request *request, const void *data, size_t bytes, struct insp_error *reterr);

/* Reads the body as JSON (new reference; {} for an empty body). A member that is null is taken out, as if it were
 * absent: clients of many languages write unset fields so. `clears` (or NULL) names the one member of the
 * outermost object whose null says something. INSP_E_REQUEST says where the body is wrong. */
int api_request_json(const struct api_request *request, const char *clears, json_t **ret,
                     struct insp_error *reterr);

/* Content-Length, or -1 where there is none (chunked or no body). */
int64_t api_request_content_length(const struct api_request *request);
bool api_request_has_body(const struct api_request *request);

/* Answers 304 and returns true where If-None-Match holds the tag (quoted, strong). Sets ETag on the response
 * either way; cache_control as given. */
bool api_request_not_modified(struct api_request *request, const char *etag, const char *cache_control);

#endif
