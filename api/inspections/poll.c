#include "api/inspections/poll.h"

#include "api/http/request.h"
#include "api/http/response.h"
#include "api/inspections/inspection_json.h"
#include "api/inspections/list_filter.h"
#include "api/server/deadline.h"
#include "api/server/server.h"
#include "api/server/slots.h"
#include "api/watch/events.h"
#include "api/watch/late_refusal.h"
#include "api/watch/overtake.h"

#include "core/base/clock.h"

#include <string.h>

enum { WAIT_MS_MAX = 60000, REPEATS_MAX = 500 };

/* This route's part of a request. */
struct poll {
    struct insp_filter filter; /* borrows from the query */
    char after[INSP_UUID_BYTES];
    int64_t until_us; /* monotonic: end of the wait; 0: none */
    bool read;        /* the store has been read: the request waits on the loop */
    bool over;        /* it is to be answered as soon as the store has been read */
    struct insp_error stopped;
    /* Owned: the first result that was published while the store was read and that the filter admits. */
    char *line;
    /* The ring's inspections in the order of their events: those after `after` if the ring has it, else all. */
    struct api_event_ids ring;
};

static void drop(struct api_request *request) {
    struct poll *poll = request->part;
    api_event_ids_clear(&poll->ring);
    free(poll->line);
    free(poll);
}

/* Fills the response with a page of at most one result. line: NULL for none. */
static int fill(struct api_request *request, const char *line, struct insp_error *reterr) {
    char *text;
    int bytes = asprintf(&text, "{\"items\":[%.*s],\"next\":null}\n", line ? (int)strcspn(line, "\n") : 0,
                         line ? line : "");
    if (bytes < 0)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the answer");
    api_response_take(&request->response, 200, text, (size_t)bytes, "application/json");
    api_response_header(&request->response, "Cache-Control", "no-store");
    return 0;
}

static void answer(struct api_request *request, const char *line) {
    struct insp_error error;
    if (fill(request, line, &error))
        api_response_problem(&request->response, &error);
    api_server_finish(request);
}

static void stop(struct api_request *request, enum api_stop why) {
    struct poll *poll = request->part;
    if (request->state != API_WORKING || poll->over)
        return;
    poll->over = true;
    if (why == API_STOP_CLIENT_LEFT)
        insp_fail(&poll->stopped, INSP_E_CANCELLED, "the client left before the next result");
    else if (why != API_STOP_DEADLINE)
        insp_fail(&poll->stopped, INSP_E_SHUTTING_DOWN, "the daemon is shutting down");
    if (!poll->read)
        return; /* worked answers */
    if (poll->stopped.code)
        api_server_fail(request, &poll->stopped);
    else
        answer(request, NULL);
}

static const struct api_part_ops poll_ops = {.drop = drop, .stop = stop};

/* On the loop, after the store has been read. */
static void worked(struct api_request *request) {
    struct poll *poll = request->part;
    poll->read = true;
    api_event_ids_clear(&poll->ring); /* up to 37 KiB, which a wait does not need */
    if (request->response.status)
        api_server_finish(request);
    else if (poll->stopped.code)
        api_server_fail(request, &poll->stopped);
    else if (poll->line || poll->over || !poll->until_us)
        answer(request, poll->line);
    /* else it waits for api_poll_offer or stop */
}

void api_poll_offer(struct api_server *server, const struct insp_record *record, const char *line) {
    for (struct api_request *request = server->requests; request; request = request->next) {
        struct poll *poll = api_request_part(request, &poll_ops);
        if (!poll || request->state != API_WORKING || poll->over || poll->line ||
            !api_filter_admits(&poll->filter, record))
            continue;
        if (poll->read) {
            poll->over = true;
            answer(request, line);
        } else {
            poll->line = line ? strdup(line) : NULL;
            poll->over = !poll->line; /* no memory: an empty page, and the client asks again */
        }
    }
}

/* --- the request --- */

bool api_poll_wanted(const struct api_request *request) {
    return api_query_get(&request->query, "after") || api_query_get(&request->query, "wait_ms");
}

static int read_query(struct api_request *request, struct poll *poll, uint64_t *ret_wait_ms,
                      struct insp_error *reterr) {
    static const char *const known[] = {"product", "camera", "part",  "verdict", "label",   "model",
                                        "since",   "until",  "limit", "after",   "wait_ms", NULL};
    const char *after = api_query_get(&request->query, "after");
    int code = api_query_allow(&request->query, known, reterr);
    if (!code && (!after || !insp_uuid_valid(after)))
        code = insp_fail(reterr, INSP_E_QUERY, "query parameter \"after\" must be the id of an inspection");
    if (!code)
        code = api_query_number(&request->query, "wait_ms", 0, WAIT_MS_MAX, ret_wait_ms, reterr);
    if (!code)
        code = api_list_filter(&request->query, API_LIST_LIMIT, API_LIST_LIMIT_MAX, &poll->filter, reterr);
    if (!code)
        snprintf(poll->after, sizeof poll->after, "%s", after);
    return code;
}

int api_poll_before(struct api_request *request, struct insp_error *reterr) {
    uint64_t wait_ms = 0;
    struct poll *poll = calloc(1, sizeof *poll);
    if (!poll)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the list");
    api_request_attach(request, poll, &poll_ops);
    request->worked = worked;
    int code = read_query(request, poll, &wait_ms, reterr);
    if (!code && wait_ms)
        code = api_stream_take(request, reterr);
    if (code == INSP_E_QUEUE_FULL)
        return api_refuse_late(request, reterr, reterr);
    if (!code)
        code = api_events_ids(request->server->events, poll->after, &poll->ring, reterr);
    if (!code && wait_ms) {
        poll->until_us = request->started_us + (int64_t)wait_ms * 1000;
        api_deadline_set(request, poll->until_us);
    }
    return code;
}

/* --- the page, in lane BACK --- */

struct page {
    const struct api_request *request;
    const struct poll *poll;
    json_t *items, *repeats;
    bool late;        /* `repeats` has results whose events are not in the ring yet */
    bool known;       /* `after` is in the store */
    int64_t ended_us; /* results that ended before it were published before `after` */
};

static bool full(const struct page *page) {
    return json_array_size(page->items) >= page->poll->filter.limit;
}

static bool in_ring(const struct poll *poll, const char *id) {
    for (size_t i = 0; i < poll->ring.count; i++)
        if (!strcmp(poll->ring.id[i], id))
            return true;
    return false;
}

/* Adds a row of the store that the ring does not hold. One that was stored after the ring had been copied must not
 * end the page, because the client would go on behind it and miss the ring's: it comes before the items, and once
 * more when its event is in the ring. */
static int add_old(void *arg, const struct insp_record *record) {
    struct page *page = arg;
    const int64_t ended_us = api_overtake_ended(record);
    int order = strcmp(record->id, page->poll->after);
    bool room = json_array_size(page->repeats) < REPEATS_MAX;
    bool late = order > 0 && ended_us >= page->poll->ring.since_us && room;
    if (api_server_unwanted(page->request))
        return 1;
    if (!order || in_ring(page->poll, record->id))
        return 0;
    if (order > 0 && !late) {
        json_array_append_new(page->items, api_inspection_json(record));
        return full(page);
    }
    if (late || (page->known && ended_us >= page->ended_us && room))
        json_array_append_new(page->repeats, api_inspection_json(record));
    page->late |= late;
    return 0;
}

static int add_known(void *arg, const struct insp_record *record) {
    struct page *page = arg;
    if (api_filter_admits(&page->poll->filter, record))
        json_array_append_new(page->items, api_inspection_json(record));
    return 0;
}

/* Adds the rows of the store before those of the ring. */
static int read_old(struct insp_store *store, struct page *page, struct insp_error *reterr) {
    char from[INSP_UUID_BYTES];
    struct insp_filter filter = page->poll->filter;
    int code = api_overtake_since(store, page->poll->after, from, &page->ended_us, reterr);
    page->known = !code && page->ended_us != INT64_MIN;
    filter.after_id = from;
    filter.limit = INT32_MAX;
    return code ? code : insp_store_list(store, &filter, add_old, page, reterr);
}

static int read_page(struct insp_store *store, struct page *page, struct insp_error *reterr) {
    const struct api_event_ids *ring = &page->poll->ring;
    int code = ring->has_after ? 0 : read_old(store, page, reterr);
    for (size_t i = 0; !code && i < ring->count && !full(page) && !api_server_unwanted(page->request); i++) {
        if (!ring->has_after && !page->known && strcmp(ring->id[i], page->poll->after) <= 0)
            continue; /* a place in time that the client made up: ids are all that there is to compare */
        code = insp_store_get(store, ring->id[i], add_known, page, reterr);
        if (code == INSP_E_NOT_FOUND) /* retention removed it */
            code = 0;
    }
    return code;
}

int api_poll_read(struct api_request *request, struct insp_error *reterr) {
    const struct poll *poll = request->part;
    struct page page = {.request = request, .poll = poll, .items = json_array(), .repeats = json_array()};
    int code = page.items && page.repeats ? read_page(request->server->config.store, &page, reterr)
                                          : insp_fail(reterr, INSP_E_NOMEM, "no memory for the list");
    if (!code)
        code = api_server_check_wanted(request, reterr);
    bool any = !code && (page.late || json_array_size(page.items));
    if (any && !json_array_extend(page.repeats, page.items))
        code = api_response_json(&request->response, 200, json_pack("{s:O,s:n}", "items", page.repeats, "next"),
                                 reterr);
    json_decref(page.items);
    json_decref(page.repeats);
    return code;
}
