#include "api/watch/events.h"

#include "api/http/response.h"
#include "api/listen/client.h"
#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/uuid.h"

#include <string.h>
#include <sys/socket.h>

enum {
    RING = 1024,
    BLOCK_BYTES = 4096,
    SEND_BYTES = 64 << 10, /* SO_SNDBUF of a client; the kernel allows twice that */
};

struct event {
    char id[INSP_UUID_BYTES];
    char published[INSP_UUID_BYTES]; /* an id of the time at which it was published */
    int64_t published_us;            /* wall: when */
    char *text;                      /* "id: ...\nevent: ...\ndata: {...}\n\n"; owned */
    size_t bytes;
};

struct api_events {
    void (*kick)(void *arg);
    void *arg;
    struct event ring[RING]; /* event number n lies at n % RING */
    int64_t began_us;        /* wall */
    uint64_t head;           /* number of the next event */
    struct api_stream *streams;
    size_t clients;
    uint64_t dropped;
};

struct api_stream {
    struct api_events *events;
    struct MHD_Connection *connection;
    int fd;       /* its socket */
    char *replay; /* owned; sent first */
    size_t replay_bytes, replay_at;
    uint64_t replay_head; /* the store held the inspections below this number when the replay was read */
    char resume_id[INSP_UUID_BYTES];
    uint64_t resume_end; /* the number after that of resume_id; 0: the stream is not resumed in the ring */
    uint64_t next;       /* number of the next event */
    size_t at;           /* bytes of it that were sent */
    bool waiting;        /* the connection is suspended until the next event */
    bool ping, ended;
    bool partial; /* the store holds more than one replay: the stream ends after it, and the client comes back */
    struct api_stream *previous, *following;
};

int api_events_new(void (*kick)(void *arg), void *arg, struct api_events **ret, struct insp_error *reterr) {
    struct api_events *events = calloc(1, sizeof *events);
    if (!events)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for events");
    events->began_us = insp_wall_us();
    events->kick = kick;
    events->arg = arg;
    *ret = events;
    return 0;
}

void api_events_free(struct api_events *events) {
    for (size_t i = 0; events && i < RING; i++)
        free(events->ring[i].text);
    free(events);
}

static uint64_t oldest(const struct api_events *events) {
    return events->head > RING ? events->head - RING : 0;
}

/* --- publishing --- */

static void wake(struct api_stream *stream) {
    if (!stream->waiting)
        return;
    stream->waiting = false;
    MHD_resume_connection(stream->connection);
}

static void wake_all(struct api_events *events) {
    for (struct api_stream *stream = events->streams; stream; stream = stream->following)
        wake(stream);
    if (events->clients)
        events->kick(events->arg);
}

void api_events_publish_line(struct api_events *events, const char *type, const char *id, const char *line) {
    char made[INSP_UUID_BYTES], *text = NULL;
    if (!id) {
        insp_uuid7(made);
        id = made;
    }
    if (!line || asprintf(&text, "id: %s\nevent: %s\ndata: %s\n", id, type, line) < 0)
        return;
    struct event *event = &events->ring[events->head % RING];
    free(event->text);
    event->text = text;
    event->bytes = strlen(text);
    snprintf(event->id, sizeof event->id, "%s", id);
    insp_uuid7(event->published);
    event->published_us = insp_wall_us();
    events->head++;
    wake_all(events);
}

void api_events_publish(struct api_events *events, const char *type, const char *id, json_t *data) {
    size_t bytes;
    _cleanup_free_ char *line = api_json_line(data, &bytes);
    api_events_publish_line(events, type, id, line);
}

void api_events_ping(struct api_events *events) {
    for (struct api_stream *stream = events->streams; stream; stream = stream->following)
        stream->ping = stream->waiting;
    wake_all(events);
}

void api_events_reap(struct api_events *events) {
    bool any = false;
    for (struct api_stream *stream = events->streams; stream; stream = stream->following)
        if (stream->waiting && api_client_left(stream->fd, false)) {
            stream->ended = any = true;
            wake(stream);
        }
    if (any)
        events->kick(events->arg);
}

void api_events_end(struct api_events *events) {
    for (struct api_stream *stream = events->streams; stream; stream = stream->following)
        stream->ended = true;
    wake_all(events);
}

/* --- streams --- */

/* Searches the ring for an id. Ids are not in the order of the numbers: an inspection gets its id when it begins
 * and its number when it ends. */
static bool find(const struct api_events *events, const char *id, uint64_t *ret_number) {
    for (uint64_t n = events->head; n > oldest(events); n--)
        if (!strcmp(events->ring[(n - 1) % RING].id, id)) {
            *ret_number = n - 1;
            return true;
        }
    return false;
}

bool api_events_has(const struct api_events *events, const char *last_id) {
    uint64_t number, first = oldest(events);
    return find(events, last_id, &number) && (!first || strcmp(events->ring[first % RING].published, last_id) < 0);
}

static bool is_inspection(const struct event *event) {
    return strstr(event->text, "\nevent: inspection\n") != NULL;
}

int api_events_ids(const struct api_events *events, const char *after, struct api_event_ids *ret,
                   struct insp_error *reterr) {
    struct api_event_ids ids = {0};
    uint64_t number = 0;
    ids.has_after = find(events, after, &number);
    ids.since_us = oldest(events) ? events->ring[oldest(events) % RING].published_us : events->began_us;
    number = ids.has_after ? number + 1 : oldest(events);
    if (number < events->head && !(ids.id = calloc((size_t)(events->head - number), sizeof *ids.id)))
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the events since then");
    for (; number < events->head; number++) {
        const struct event *event = &events->ring[number % RING];
        if (is_inspection(event))
            memcpy(ids.id[ids.count++], event->id, sizeof event->id);
    }
    *ret = ids;
    return 0;
}

void api_event_ids_clear(struct api_event_ids *ids) {
    free(ids->id);
    *ids = (struct api_event_ids){0};
}

static size_t take(char *out, size_t room, const char *text, size_t bytes, size_t *at) {
    size_t count = bytes - *at < room ? bytes - *at : room;
    memcpy(out, text + *at, count);
    *at += count;
    return count;
}

/* Says whether the client has an event: an inspection of its replay, or an event up to the one that it resumes
 * after. An inspection with a larger id than that one may be missing although its event is older: replays are in
 * the order of ids, so the client may come from the end of a replay. */
static bool is_known(const struct api_stream *stream, uint64_t number) {
    const struct event *event = &stream->events->ring[number % RING];
    bool inspection = is_inspection(event);
    if (number < stream->resume_end)
        return !inspection || strcmp(event->id, stream->resume_id) <= 0;
    return inspection && number < stream->replay_head;
}

/* Fills buf with whole or partial events; 0: there is no event now. */
static size_t fill(struct api_stream *stream, char *buf, size_t room) {
    struct api_events *events = stream->events;
    size_t used = 0;
    if (stream->replay_at < stream->replay_bytes) {
        used = take(buf, room, stream->replay, stream->replay_bytes, &stream->replay_at);
        if (stream->replay_at == stream->replay_bytes) { /* freed now, because a stream may live for days */
            free(stream->replay);
            stream->replay = NULL;
        }
    }
    while (used < room && stream->next < events->head) {
        const struct event *event = &events->ring[stream->next % RING];
        if (stream->at || !is_known(stream, stream->next))
            used += take(buf + used, room - used, event->text, event->bytes, &stream->at);
        else
            stream->at = event->bytes;
        if (stream->at == event->bytes) {
            stream->at = 0;
            stream->next++;
        }
    }
    if (!used && stream->ping && room > 3) {
        memcpy(buf, ":\n\n", 3);
        used = 3;
    }
    stream->ping = false;
    return used;
}

static ssize_t reader(void *arg, uint64_t position, char *buf, size_t room) {
    struct api_stream *stream = arg;
    (void)position;
    if (stream->ended || (stream->partial && stream->replay_at == stream->replay_bytes))
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (stream->next < oldest(stream->events)) {
        stream->events->dropped++;
        insp_log_info("event client dropped: it reads too slowly; it may come back with Last-Event-ID");
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    size_t used = fill(stream, buf, room);
    if (!used) {
        stream->waiting = true;
        MHD_suspend_connection(stream->connection);
    }
    return (ssize_t)used;
}

void api_events_drop(struct api_stream *stream) {
    if (!stream)
        return;
    if (stream->previous)
        stream->previous->following = stream->following;
    else
        stream->events->streams = stream->following;
    if (stream->following)
        stream->following->previous = stream->previous;
    stream->events->clients--;
    free(stream->replay);
    free(stream);
}

static void free_stream(void *arg) {
    api_events_drop(arg);
}

int api_events_open(struct api_events *events, struct MHD_Connection *connection, int fd, const char *last_id,
                    struct api_replay *replay, struct api_stream **ret, struct insp_error *reterr) {
    struct api_stream *stream = calloc(1, sizeof *stream);
    if (!stream) {
        free(insp_take_ptr(replay->text));
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for an event stream");
    }
    uint64_t number;
    stream->events = events;
    stream->connection = connection;
    stream->fd = fd;
    stream->replay = insp_take_ptr(replay->text);
    stream->replay_bytes = stream->replay ? strlen(stream->replay) : 0;
    stream->next = events->head;
    if (stream->replay) {
        stream->next = oldest(events);
        stream->partial = replay->partial;
        stream->replay_head = replay->head;
    } else if (last_id && find(events, last_id, &number)) {
        stream->next = oldest(events);
        stream->resume_end = number + 1;
        snprintf(stream->resume_id, sizeof stream->resume_id, "%s", last_id);
    }
    while (stream->next < events->head && is_known(stream, stream->next))
        stream->next++;          /* now, so that the ring does not pass the stream while it skips */
    int send_bytes = SEND_BYTES; /* the kernel's own limit is several megabytes for each client that stalls */
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
    stream->ping = true; /* sends the headers at once, with a first comment */
    stream->following = events->streams;
    if (stream->following)
        stream->following->previous = stream;
    events->streams = stream;
    events->clients++;
    *ret = stream;
    return 0;
}

struct MHD_Response *api_events_response(struct api_stream *stream) {
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, reader, stream, free_stream);
}

uint64_t api_events_head(const struct api_events *events) {
    return events->head;
}

size_t api_events_clients(const struct api_events *events) {
    return events->clients;
}

uint64_t api_events_dropped(const struct api_events *events) {
    return events->dropped;
}
