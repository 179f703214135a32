/* api/http/request.h - holds one HTTP request, from its headers to the last byte of its answer.
 *
 * Threads: the loop owns a request. While a task in lane BACK runs its handler, the connection is suspended and
 * the task owns it. All functions: the owning thread. */
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

/* States of a request. api_state_follows has the transitions. */
enum api_state {
    API_RECEIVING, /* the headers are accepted, the body is being received */
    API_REFUSED,   /* the answer is a problem; the rest of the body is discarded */
    API_WORKING,   /* suspended while a task in a lane or the inference thread makes the answer */
    API_ANSWERED,  /* the response is filled */
    API_SENDING,   /* libmicrohttpd has the response */
    API_FETCHING,  /* suspended while a task in a lane makes the next piece of the body */
    API_STATES
};

/* Kinds of scarce places; a request may hold places of one kind until it ends (api/server/slots.h). */
enum api_place {
    API_PLACE_NONE,
    API_PLACE_INSPECTION,
    API_PLACE_STREAM,
    API_PLACE_EXPORT,
    API_PLACE_UPLOAD,
    API_PLACES
};

/* Reasons to stop a part. */
enum api_stop {
    API_STOP_CLIENT_LEFT, /* the client has left */
    API_STOP_SERVER,      /* the daemon begins to stop: ends work that the client can request again */
    API_STOP_GRACE_OVER,  /* the grace time of the stop is over: ends all work */
    API_STOP_DEADLINE,    /* the time of api_deadline_set has passed */
};

/* Operations of the part of a request that is specific to its route. The request owns the part and uses it only
 * through these. Loop thread; all but drop may be NULL. */
struct api_part_ops {
    /* Ends the part's work and frees it. Called once, at the end of the request. */
    void (*drop)(struct api_request *request);
    /* Makes the body of a `streamed` response; NULL without memory. */
    struct MHD_Response *(*respond)(struct api_request *request);
    /* Says whether the client reads a streamed answer too slowly. A part with this operation is exempt from the
     * time limit for answers in memory. */
    bool (*stalled)(const struct api_request *request, int64_t now_us);
    /* Ends the work early and answers the request, if both are still possible. */
    void (*stop)(struct api_request *request, enum api_stop why);
};

struct api_request {
    struct api_server *server;
    struct MHD_Connection *connection;
    int fd;               /* the socket, owned by libmicrohttpd */
    enum api_state state; /* changed by api_request_enter only */
    enum api_place place;
    unsigned places;                /* places of that kind that it holds */
    bool inspects;                  /* it has or had a place for an inspection */
    bool unread;                    /* answered before its body was read */
    const struct api_peer *peer;    /* the connection's address; NULL if unknown. Borrowed */
    void *part;                     /* specific to the route; owned, NULL: none */
    const struct api_part_ops *ops; /* of the part; NULL: none */
    /* Set by a handler of API_WORK or API_HEAVY, or NULL: runs on the loop after it in place of api_server_finish,
     * which it calls at its end. */
    void (*worked)(struct api_request *request);
    const struct api_route *route; /* NULL where none matched */
    char method[16];
    char path[1024]; /* for the log */
    char param[API_PARAMS_MAX][API_PARAM_BYTES];
    struct api_query query;
    char principal[INSP_NAME_BYTES];        /* name of the token; "" without a token */
    char authority[API_HOST_BYTES];         /* of a target in absolute form, used in place of Host; else "" */
    char client[API_ADDRESS_BYTES];         /* the address that a trusted proxy names; "" for a direct client */
    uint8_t client_key[API_PEER_KEY_BYTES]; /* of that address */
    char cors_origin[API_HOST_BYTES + 16];  /* origin of a page of server.origins that sent it; else "" */
    _Atomic bool left;                      /* it only reads, and its client has left. Any thread */
    bool routine;                           /* a report that comes every second: its success is no news */
    bool gives_way;                         /* its connection makes room for others although it is suspended */
    bool must_close;                        /* the beginning of the connection's next request is ambiguous */
    char *content_type;                     /* owned; NULL if absent */
    char *if_none_match;                    /* owned; NULL if absent */
    char *accept;                           /* owned; "" if absent, NULL until the headers are read */
    uint8_t *body;                          /* owned; body_bytes of body_room are in use */
    size_t body_bytes, body_room, body_limit, discarded;
    struct api_response response;
    json_t *snapshot;    /* owned: state of the loop for the handler, copied by the route's `before` */
    int64_t received_us; /* monotonic: last piece of the body, or the headers */
    int64_t started_us;
    int64_t deadline_us; /* monotonic, set by api_deadline_set only; 0: none */
    int64_t queued_us;   /* monotonic: hand-over of the answer to libmicrohttpd; 0 before */
    size_t held_bytes;   /* bytes of the answer in memory until the client has read it */
    struct insp_task task;
    char note[400]; /* key=value texts for the log line */

    struct api_request *previous, *next; /* the server's list */
};

/* Makes a request of a connection; NULL without memory.
 *   hidden  folders that the request's problems must not name (response.h); borrowed */
struct api_request *api_request_new(struct api_server *server, const struct api_hidden *hidden,
                                    struct MHD_Connection *connection, const char *method);
void api_request_free(struct api_request *request); /* accepts NULL */

/* Says whether a request may change from one state to another. Pure; any thread. */
bool api_state_follows(enum api_state from, enum api_state to);
const char *api_state_name(enum api_state state); /* static string */

/* Changes the state of a request. A transition that api_state_follows does not allow is a bug: it is logged, and a
 * build with assertions aborts. */
void api_request_enter(struct api_request *request, enum api_state to);

/* Says whether the connection is suspended for the request. */
bool api_request_suspended(const struct api_request *request);

/* Says whether its body is being received, to keep or to discard. */
bool api_request_incoming(const struct api_request *request);

/* Gives a request without a part its part, which it owns from now on. */
void api_request_attach(struct api_request *request, void *part, const struct api_part_ops *ops);

/* Returns the part if it has these operations, else NULL. */
void *api_request_part(const struct api_request *request, const struct api_part_ops *ops);

/* Drops the part, if any. */
void api_request_drop(struct api_request *request);

/* Copies the query and the headers Content-Type, Accept and If-None-Match. Fails with INSP_E_QUERY,
 * INSP_E_NOMEM. */
int api_request_read_headers(struct api_request *request, struct insp_error *reterr);

/* Appends bytes to the body, at most body_limit in all. Fails with INSP_E_TOO_LARGE, INSP_E_NOMEM. */
int api_request_append(struct api_request *request, const void *data, size_t bytes, struct insp_error *reterr);

/* Parses the body as JSON; {} for an empty body. Removes members that are null, because clients in many languages
 * write unset fields as null.
 *   clears  a member of the outermost object that stays although it is null; NULL: none
 *   ret     new reference
 * Fails with INSP_E_REQUEST, which names line and column. */
int api_request_json(const struct api_request *request, const char *clears, json_t **ret,
                     struct insp_error *reterr);

/* Returns Content-Length, or -1 without the header (chunked or no body). */
int64_t api_request_content_length(const struct api_request *request);

/* Says whether the headers announce a body that is not empty. */
bool api_request_has_body(const struct api_request *request);

/* Adds ETag and Cache-Control to the response. Sets status 304 and returns true if If-None-Match holds the tag.
 *   etag  strong, with its quotes */
bool api_request_not_modified(struct api_request *request, const char *etag, const char *cache_control);

#endif
