/* api/watch/events.h - GET /v1/events: server-sent events (WHATWG HTML, section 9.2) `inspection`, `job` and
 * `model`.
 *
 * What a client costs is bounded: a connection, a block of 4 KiB, 128 KiB in the kernel when it does not read, and
 * once, when it resumes, a replay of at most 500 inspections until that is sent. One that stalls altogether is
 * closed by the timeout for answers that nobody reads.
 *
 * Events lie once in a ring that all clients read from; a client is a position in it, so two hundred of them cost
 * little and a slow one costs nothing: when the ring has gone past its position its stream ends, and it comes back
 * with Last-Event-ID. What the ring no longer has of inspections is replayed from the store. All functions on the
 * loop thread. */
#ifndef INSP_API_WATCH_EVENTS_H
#define INSP_API_WATCH_EVENTS_H

#include "core/base/error.h"

#include <jansson.h>
#include <microhttpd.h>
#include <stddef.h>
#include <stdint.h>

struct api_server;
struct api_request;
struct api_events;
struct api_stream; /* one client */

int api_events_new(struct api_server *server, struct api_events **ret, struct insp_error *reterr);
void api_events_free(struct api_events *events); /* only when no stream is left */

/* Adds an event and wakes who waits. id: the inspection's, or NULL for a new one. Takes the reference to data;
 * without memory the event is dropped and clients see the next one. */
void api_events_publish(struct api_events *events, const char *type, const char *id, json_t *data);

/* The same with data as api_json_line wrote it (borrowed; NULL is dropped). */
void api_events_publish_line(struct api_events *events, const char *type, const char *id, const char *line);

/* The handler's part: a stream from the newest event, or from behind last_id where that is given (replay, from the
 * store, is then what comes first: text in the event-stream format, taken over; may be NULL). */
int api_events_open(struct api_events *events, struct api_request *request, const char *last_id, char *replay,
                    struct api_stream **ret, struct insp_error *reterr);

/* True where the ring still has what follows last_id, so that no replay is needed. */
bool api_events_has(const struct api_events *events, const char *last_id);

/* The response that reads a stream and frees it in the end; NULL without memory (the stream is then still there).
 */
struct MHD_Response *api_events_response(struct api_stream *stream);
void api_events_drop(struct api_stream *stream); /* NULL is fine */

/* Every few seconds: a comment to each waiting client, so that dead ones are noticed and proxies keep the line
 * open. */
void api_events_ping(struct api_events *events);

/* Ends the streams whose client has left: a waiting one does not notice. */
void api_events_reap(struct api_events *events);

/* Ends all streams (shutdown). */
void api_events_end(struct api_events *events);

uint64_t api_events_head(const struct api_events *events); /* the number that the next event gets */
size_t api_events_clients(const struct api_events *events);
uint64_t api_events_dropped(const struct api_events *events); /* clients that were too slow */

#endif
