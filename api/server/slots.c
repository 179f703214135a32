#include "api/server/slots.h"

#include "api/listen/client.h"
#include "api/listen/listener.h"
#include "api/server/cut.h"
#include "api/server/server.h"

#include "core/base/clock.h"
#include "core/inspect/pipeline.h"

#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>

static void hold(struct api_request *request, enum api_place place) {
    request->place = place;
    request->places = 1;
    request->inspects |= place == API_PLACE_INSPECTION;
    request->server->held[place]++;
}

static bool same_token(const struct api_request *a, const struct api_request *b) {
    return a->principal[0] && !strcmp(a->principal, b->principal);
}

/* The key of the address that a request is counted under: behind a trusted proxy the client's. NULL under none: of
 * the programs on this machine only those without a token are counted together, a token tells the others apart. */
static const uint8_t *address_of(const struct api_request *request) {
    if (request->client[0])
        return request->client_key;
    if (!request->peer || (request->peer->local && request->principal[0]))
        return NULL;
    return request->peer->key;
}

static bool same_address(const struct api_request *a, const struct api_request *b) {
    const uint8_t *one = address_of(a), *other = address_of(b);
    return one && other && !memcmp(one, other, API_PEER_KEY_BYTES);
}

struct count {
    unsigned all, token, address;
};

/* Counts on each call, because the list has at most one request per connection, and a stored count could go
 * wrong. */
static struct count count(const struct api_request *request, enum api_place place) {
    struct count n = {0};
    for (const struct api_request *other = request->server->requests; other; other = other->next) {
        if (other->place != place)
            continue;
        n.all += other->places;
        n.token += same_token(request, other) ? other->places : 0;
        n.address += same_address(request, other) ? other->places : 0;
    }
    return n;
}

/* Checks that `more` places are free. */
static int check_share(const struct api_request *request, enum api_place place, unsigned more, unsigned limit,
                       const char *places, struct insp_error *reterr) {
    unsigned share = api_share(limit);
    struct count n = count(request, place);
    if (n.all + more > limit)
        return insp_fail(reterr, INSP_E_QUEUE_FULL, "all %u %s are in use", limit, places);
    if (n.token + more > share)
        return insp_fail(reterr, INSP_E_QUEUE_FULL,
                         "this token has %u of the %u %s; the rest is reserved for others", n.token, limit,
                         places);
    if (n.address + more > share)
        return insp_fail(reterr, INSP_E_QUEUE_FULL,
                         "this address has %u of the %u %s; the rest is reserved for others", n.address, limit,
                         places);
    return 0;
}

/* --- inspections --- */

/* Returns the time by which an upload is behind the slowest allowed pace, at most 0 if it is not. Unread bytes
 * count as received. A program on this machine without a token has less time, because no network delays it:
 * otherwise it could renew its uploads each second and hold all slots of such programs. */
static int64_t lag_us(const struct api_request *request, int64_t now) {
    enum { PATIENCE_US = 1000000, LOCAL_PATIENCE_US = 250000 };
    bool local = request->peer && request->peer->local && !request->client[0] && !request->principal[0];
    int unread = 0;
    if (ioctl(request->fd, FIONREAD, &unread) || unread < 0)
        unread = 0;
    return now - api_receive_deadline(request->started_us + (local ? LOCAL_PATIENCE_US : PATIENCE_US), 0,
                                      request->body_bytes + (size_t)unread);
}

/* Cuts the upload that is furthest behind. If the client's share is in use, considers the client's uploads
 * only. */
static bool make_room(struct api_request *request, struct count n, unsigned share) {
    struct api_server *server = request->server;
    int64_t now = insp_mono_us(), most = 0;
    struct api_connection *found = NULL;
    struct insp_error why;
    for (struct api_connection *c = server->connections; c; c = c->next) {
        const struct api_request *other = c->request;
        if (c->cut || !other || other->place != API_PLACE_INSPECTION || other->state != API_RECEIVING ||
            (n.token >= share && !same_token(request, other)) ||
            (n.address >= share && !same_address(request, other)))
            continue;
        int64_t lag = lag_us(other, now);
        if (lag > most) {
            most = lag;
            found = c;
        }
    }
    if (!found)
        return false;
    insp_fail(&why, INSP_E_TIMEOUT, "all slots for inspections are in use, and this upload is too slow");
    api_connection_cut(server, found, &why);
    server->slow_uploads++;
    return true;
}

int api_slot_take(struct api_request *request, struct insp_error *reterr) {
    struct api_server *server = request->server;
    unsigned limit = server->config.inflight, share = api_share(limit);
    struct count n = count(request, API_PLACE_INSPECTION);
    if (n.all >= limit || n.token >= share || n.address >= share)
        make_room(request, n, share);
    int code = check_share(request, API_PLACE_INSPECTION, 1, limit, "inspections in flight", reterr);
    if (!code && insp_pipeline_in_flight(server->pipeline) >= 2 * (size_t)limit)
        code = insp_fail(reterr, INSP_E_QUEUE_FULL, "%u inspections are already in flight", limit);
    if (!code)
        hold(request, API_PLACE_INSPECTION);
    return code;
}

int api_slot_grow(struct api_request *request, unsigned images, struct insp_error *reterr) {
    struct api_server *server = request->server;
    unsigned limit = server->config.inflight, more = images - request->places;
    if (!more)
        return 0;
    if (check_share(request, API_PLACE_INSPECTION, more, limit, "", NULL) ||
        insp_pipeline_in_flight(server->pipeline) + images > 2 * (size_t)limit)
        return insp_fail(
            reterr, INSP_E_QUEUE_FULL,
            "%u images need as many of the %u inspections in flight, and fewer are free to this client", images,
            limit);
    request->places += more;
    server->held[API_PLACE_INSPECTION] += more;
    return 0;
}

/* --- event streams --- */

/* Checks that streams leave half of the connections, and half of those of their address, to other requests: a
 * stream never makes room for a connection. */
static int check_connections(const struct api_request *request, struct insp_error *reterr) {
    const struct api_server *server = request->server;
    unsigned of_all = server->config.connections / 2, of_address = 0;
    unsigned limit = request->peer ? api_listener_address_limit(server, request->peer) / 2 : UINT_MAX;
    for (const struct api_request *other = server->requests; other; other = other->next)
        of_address += other->place == API_PLACE_STREAM && other->peer == request->peer;
    if (server->held[API_PLACE_STREAM] >= of_all)
        return insp_fail(reterr, INSP_E_QUEUE_FULL,
                         "event streams have half of all connections; the rest is reserved for other requests");
    if (of_address >= limit)
        return insp_fail(reterr, INSP_E_QUEUE_FULL,
                         "event streams have half of this address's connections; the rest is reserved for other "
                         "requests");
    return 0;
}

int api_stream_take(struct api_request *request, struct insp_error *reterr) {
    int code =
        check_share(request, API_PLACE_STREAM, 1, request->server->config.event_streams, "event streams", reterr);
    if (!code)
        code = check_connections(request, reterr);
    if (!code)
        hold(request, API_PLACE_STREAM);
    return code;
}

/* --- exports and uploads --- */

int api_export_take(struct api_request *request, struct insp_error *reterr) {
    const struct api_server *server = request->server;
    unsigned running = server->held[API_PLACE_EXPORT];
    if (running >= server->config.exports)
        return insp_fail(reterr, INSP_E_QUEUE_FULL, "%u exports are running, as many as limits.exports allows",
                         running);
    hold(request, API_PLACE_EXPORT);
    return 0;
}

int api_upload_take(struct api_request *request, struct insp_error *reterr) {
    if (request->server->held[API_PLACE_UPLOAD] >= API_UPLOADS_MAX)
        return insp_fail(reterr, INSP_E_QUEUE_FULL, "%d uploads are already in progress", API_UPLOADS_MAX);
    hold(request, API_PLACE_UPLOAD);
    return 0;
}

/* --- answers --- */

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
                         "answers that clients have not read yet take %zu bytes: limits.answer_bytes is "
                         "reached",
                         of_all);
    return 0;
}
