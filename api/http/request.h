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
#include "core/base/uuid.h"

#include <microhttpd.h>
#include <uv.h>

struct api_server;
struct api_export;
struct insp_inspection;

enum api_phase {
    API_RECEIVING, /* headers were accepted, the body comes in */
    API_REFUSED,   /* the answer is a problem; what still comes in is thrown away */
    API_WORKING,   /* suspended: pool, inference thread */
    API_ANSWERED,  /* response is filled: to be queued, or queued */
};

struct api_request {
    struct api_server *server;
    struct MHD_Connection *connection;
    int fd; /* the socket; libmicrohttpd's */
    enum api_phase phase;
    bool suspended;
    bool unread;                 /* it was answered before its body was read */
    bool follows;                /* holds one of the places for event streams */
    const struct api_peer *peer; /* the connection's address; NULL where it is not known */
    /* With reload_models, on the loop, once the models have been read again and before the answer goes out: may
     * answer otherwise. May be NULL. */
    void (*reread)(struct api_request *request);
    bool reload_models; /* a work handler changed the registry: the answer goes out once the loop has read it again
                         */
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

    /* GET /v1/events */
    struct api_stream *stream;       /* owned until its response is queued */
    char *replay;                    /* owned until the stream has it */
    uint64_t replay_head;            /* api_events_head before the store was read */
    char resume_id[INSP_UUID_BYTES]; /* the client's Last-Event-ID */
    bool replay_partial;

    struct api_export *exporting; /* owned; NULL where it is no export */

    /* POST /v1/inspections */
    struct insp_inspection *job; /* owned until submitted; then the pipeline's, which comes back through done */
    bool slot;
    bool submitted;
    bool upload;         /* holds one of the places for uploads into a dataset */
    int64_t deadline_us; /* monotonic; 0 none */
    char note[400];      /* key=value text for the log line */

    struct api_request *previous, *next; /* the server's list */
};

struct api_request *api_request_new(struct api_server *server, struct MHD_Connection *connection,
                                    const char *method);
void api_request_free(struct api_request *request);

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
