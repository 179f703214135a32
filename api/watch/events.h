/* api/watch/events.h - publishes server-sent events (WHATWG HTML, section 9.2) of the types `inspection`, `job`
 * and `model` to the clients of GET /v1/events. All functions: loop thread.
 *
 * A ring holds the last 1024 events once for all clients; a client is a position in it. When the ring has passed
 * the position of a slow client, its stream ends, and the client may come back with Last-Event-ID. Inspections
 * that the ring no longer holds are replayed from the store; jobs and models are not.
 *
 * Each client uses a bounded amount of memory: its connection, a block of 4 KiB, up to 128 KiB in the kernel while
 * it does not read, and, while resuming, a replay of up to 500 inspections. libmicrohttpd's connection timeout
 * closes a client that stops reading. */
#ifndef INSP_API_WATCH_EVENTS_H
#define INSP_API_WATCH_EVENTS_H

#include "core/base/error.h"
#include "core/base/uuid.h"

#include <jansson.h>
#include <microhttpd.h>
#include <stddef.h>
#include <stdint.h>

struct api_events;
struct api_stream; /* one client */

/* Makes the ring. Fails with INSP_E_NOMEM.
 *   kick  called with arg after streams were woken; must let libmicrohttpd run soon */
int api_events_new(void (*kick)(void *arg), void *arg, struct api_events **ret, struct insp_error *reterr);
void api_events_free(struct api_events *events); /* only when no stream is left */

/* Adds an event and wakes the waiting clients. Without memory the event is lost.
 *   type  "inspection", "job" or "model"
 *   id    the inspection's id, or NULL to make a new one
 *   data  takes the reference; NULL is ignored */
void api_events_publish(struct api_events *events, const char *type, const char *id, json_t *data);

/* The same with the data as text of api_json_line; borrowed. NULL is ignored. */
void api_events_publish_line(struct api_events *events, const char *type, const char *id, const char *line);

/* Inspections from the store that a stream sends first. */
struct api_replay {
    char *text;    /* in the event-stream format; NULL: none */
    bool partial;  /* the store holds more: the stream ends after the text, and the client resumes */
    uint64_t head; /* api_events_head before the store was read */
};

/* Opens a stream on a connection and its socket.
 *
 *   last_id  the stream begins after this event if the ring holds it, and repeats older events of inspections with
 *            a larger id, because the client may lack them; NULL or unknown: begins with the next event
 *   replay   with a text the stream goes on with the oldest event of the ring and leaves out the inspections that
 *            the text holds. Takes the text (free), also on failure
 *   ret      the caller's until api_events_response
 *
 * Fails with INSP_E_NOMEM. */
int api_events_open(struct api_events *events, struct MHD_Connection *connection, int fd, const char *last_id,
                    struct api_replay *replay, struct api_stream **ret, struct insp_error *reterr);

/* Says whether the ring holds the event last_id and all events since its inspection began, so that no replay is
 * needed. */
bool api_events_has(const struct api_events *events, const char *last_id);

/* Ids of inspections whose events the ring holds, in the order of their events. */
struct api_event_ids {
    char (*id)[INSP_UUID_BYTES]; /* owned */
    size_t count;
    int64_t since_us; /* wall: the ring holds all events of inspections that ended since then */
    bool has_after;   /* the ring holds `after`: the ids are those behind it. Else they are all */
};
/* Copies them. *ret is the caller's (api_event_ids_clear). Fails with INSP_E_NOMEM. */
int api_events_ids(const struct api_events *events, const char *after, struct api_event_ids *ret,
                   struct insp_error *reterr);
void api_event_ids_clear(struct api_event_ids *ids); /* accepts a zeroed one */

/* Makes the response that sends a stream and frees it at the end. NULL without memory: the stream is then still
 * the caller's. */
struct MHD_Response *api_events_response(struct api_stream *stream);
/* Frees a stream that has no response; accepts NULL. */
void api_events_drop(struct api_stream *stream);

/* Sends a comment to each waiting client (every event_ping_s), so that broken connections are noticed and proxies
 * keep the others open. */
void api_events_ping(struct api_events *events);

/* Ends the streams whose client has left: libmicrohttpd does not watch a suspended connection. */
void api_events_reap(struct api_events *events);

/* Ends all streams (shutdown). */
void api_events_end(struct api_events *events);

uint64_t api_events_head(const struct api_events *events); /* the number that the next event gets */
size_t api_events_clients(const struct api_events *events);
uint64_t
api_events_dropped(const struct api_events *events); /* streams that ended because the client was too slow */

#endif
