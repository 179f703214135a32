#include "api/server/slots.h"

#include "api/server/server.h"

#include "core/base/clock.h"
#include "core/inspect/pipeline.h"

#include <string.h>

static bool has_slot(const struct api_request *request) {
    return request->slot;
}

static bool has_stream(const struct api_request *request) {
    return request->follows;
}

static bool same_token(const struct api_request *a, const struct api_request *b) {
    return a->principal[0] && !strcmp(a->principal, b->principal);
}

static bool same_address(const struct api_request *a, const struct api_request *b) {
    return a->peer && !a->peer->local && a->peer == b->peer;
}

/* Counted anew each time: the list is as short as the connections, and no count can go wrong. */
static int check_share(const struct api_request *request, bool (*holds)(const struct api_request *),
                       unsigned limit, const char *places, struct insp_error *reterr) {
    unsigned of_all = 0, of_token = 0, of_address = 0, share = api_share(limit);
    for (const struct api_request *other = request->server->requests; other; other = other->next) {
        if (!holds(other))
            continue;
        of_all++;
        of_token += same_token(request, other);
        of_address += same_address(request, other);
    }
    if (of_all >= limit)
        return insp_fail(reterr, INSP_E_QUEUE_FULL, "all %u %s are taken", limit, places);
    if (of_token >= share)
        return insp_fail(reterr, INSP_E_QUEUE_FULL, "this token has %u of the %u %s, the rest is kept for others",
                         of_token, limit, places);
    if (of_address >= share)
        return insp_fail(reterr, INSP_E_QUEUE_FULL,
                         "this address has %u of the %u %s, the rest is kept for others", of_address, limit,
                         places);
    return 0;
}

/* --- inspections
 * -------------------------------------------------------------------------------------------------- */

/* Of the uploads that are behind, the one that began first. */
static struct api_connection *slowest(const struct api_server *server) {
    int64_t now = insp_mono_us();
    struct api_connection *found = NULL;
    for (struct api_connection *c = server->connections; c; c = c->next) {
        const struct api_request *request = c->request;
        if (c->cut || !request || !request->slot || request->phase != API_RECEIVING ||
            now <= api_receive_deadline(request->started_us, 1, request->body_bytes))
            continue;
        if (!found || request->started_us < found->request->started_us)
            found = c;
    }
    return found;
}

int api_slot_take(struct api_request *request, struct insp_error *reterr) {
    struct api_server *server = request->server;
    unsigned limit = server->config.inflight;
    struct api_connection *slow = server->slots >= limit ? slowest(server) : NULL;
    if (slow) {
        struct insp_error why;
        insp_fail(&why, INSP_E_TIMEOUT, "all inspections in flight are taken, and this upload is too slow");
        api_connection_cut(server, slow, &why);
        server->slow_uploads++;
    }
    int code = check_share(request, has_slot, limit, "inspections in flight", reterr);
    if (!code && insp_pipeline_in_flight(server->pipeline) >= 2 * (size_t)limit)
        code = insp_fail(reterr, INSP_E_QUEUE_FULL, "%u inspections are in flight already", limit);
    if (code)
        return code;
    server->slots++;
    request->slot = true;
    return 0;
}

void api_slot_release(struct api_request *request) {
    request->server->slots -= request->slot;
    request->slot = false;
}

/* --- event streams
 * ------------------------------------------------------------------------------------------------ */

int api_stream_take(struct api_request *request, struct insp_error *reterr) {
    int code = check_share(request, has_stream, request->server->config.event_streams, "event streams", reterr);
    request->follows = code == 0;
    return code;
}

/* --- answers
 * ------------------------------------------------------------------------------------------------------ */

int api_answer_room(const struct api_request *request, struct insp_error *reterr) {
    size_t limit = request->server->config.answer_bytes, share = limit - limit / 4;
    size_t of_all = 0, of_token = 0, of_address = 0;
    for (const struct api_request *other = request->server->requests; other; other = other->next) {
        of_all += other->held_bytes;
        of_token += same_token(request, other) ? other->held_bytes : 0;
        of_address += same_address(request, other) ? other->held_bytes : 0;
    }
    if (of_all >= limit || of_token >= share || of_address >= share)
        return insp_fail(reterr, INSP_E_QUEUE_FULL,
                         "answers that their clients have not read yet take %zu bytes, as many as "
                         "limits.answer_bytes allows",
                         of_all);
    return 0;
}
