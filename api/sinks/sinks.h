/* api/sinks/sinks.h - run the sinks: the receivers that get each committed inspection (core/line/feed.h), of which
 * each protocol has a file. Loop thread, except api_sinks_new, which runs before the loop. */
#ifndef INSP_API_SINKS_SINKS_H
#define INSP_API_SINKS_SINKS_H

#include "core/line/feed.h"
#include "core/line/sink.h"

#include <jansson.h>
#include <stdio.h>
#include <uv.h>

struct api_request;
struct api_server;
struct api_sinks;
struct api_sink;

/* A protocol's operations. */
struct api_sink_ops {
    void (*start)(struct api_sink *sink);                /* opens handles; the peer may be away */
    void (*tick)(struct api_sink *sink, int64_t now_us); /* once in a second; monotonic */
    /* A model or its threshold changed; NULL: of no interest. */
    void (*model_changed)(struct api_sink *sink);
    /* Sends a test message; api_sink_tested follows unless it fails. */
    int (*test)(struct api_sink *sink, struct insp_error *reterr);
    /* Says farewell to the peer, closes all handles, then calls api_sink_closed. Not called if it was not started.
     */
    void (*close)(struct api_sink *sink);
    void (*free)(struct api_sink *sink); /* frees a closed or never started sink, without its feed */
};

struct api_sink {
    const struct api_sink_ops *ops;
    struct api_server *server; /* borrowed */
    const char *name;          /* static */
    char target[320];          /* its peer, without secrets */
    struct insp_sink condition;
    struct insp_feed *feed;        /* owned by api_sinks */
    struct insp_feed_ops feed_ops; /* set by the protocol's constructor; their argument is the sink */
    struct api_request *tested;    /* the request that waits for the test; NULL: none */
    int64_t test_us;               /* monotonic: when it began */
    bool closed;
};

/* Makes the sink of one protocol, the caller's; *ret is NULL if the settings do not ask for it. Fails with
 * INSP_E_CONFIG, INSP_E_NOMEM. */
typedef int api_sink_maker(struct api_server *server, struct api_sink **ret, struct insp_error *reterr);

/* Makes the sinks of `makers` [count, at most 4], reads their cursors and begins to note places in the store. *ret
 * is the caller's. Fails as the makers and insp_outbox_open do. */
int api_sinks_new(struct api_server *server, api_sink_maker *const *makers, size_t count, struct api_sinks **ret,
                  struct insp_error *reterr);

/* Starts them. */
void api_sinks_start(struct api_sinks *sinks);

/* Tells all sinks that an inspection was committed; that a model changed. */
void api_sinks_came(struct api_sinks *sinks);
void api_sinks_model_changed(struct api_sinks *sinks);

/* Finds a sink; NULL if there is none of that name. */
struct api_sink *api_sinks_find(struct api_sinks *sinks, const char *name);

/* Returns {"items": [...]} for GET /v1/sinks; NULL without memory. */
json_t *api_sinks_json(const struct api_sinks *sinks);

/* Writes the metrics inspectd_sink_... Errors are the stream's. */
void api_sinks_metrics(const struct api_sinks *sinks, FILE *out);

/* Closes all sinks and writes their cursors, then calls `closed` on the loop, not inside this call. */
void api_sinks_close(struct api_sinks *sinks, void (*closed)(void *arg), void *arg);
bool api_sinks_closed(const struct api_sinks *sinks);

/* Frees sinks that are closed or were never started; accepts NULL. */
void api_sinks_free(struct api_sinks *sinks);

/* --- for the protocols --- */

/* Enters a state; logs when a peer comes and goes. */
void api_sink_enter(struct api_sink *sink, enum insp_sink_state state);

/* Counts, keeps and logs an error. */
void api_sink_error(struct api_sink *sink, const char *text);

/* Ends the test that runs, if any. error: NULL if the peer has the message. */
void api_sink_tested(struct api_sink *sink, const struct insp_error *error);

/* Says that the handles of the sink are closed. */
void api_sink_closed(struct api_sink *sink);

#endif
