#include "api/http/request.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_FIRST_BYTES = 64 << 10 };

/* --- states --- */

#define TO(state) (1U << (state))
static const unsigned followers[API_STATES] = {
    [API_RECEIVING] = TO(API_REFUSED) | TO(API_WORKING) | TO(API_ANSWERED),
    [API_REFUSED] = TO(API_SENDING),
    [API_WORKING] = TO(API_ANSWERED),
    [API_ANSWERED] = TO(API_SENDING),
    [API_SENDING] = TO(API_FETCHING),
    [API_FETCHING] = TO(API_SENDING),
};

static const char *const names[API_STATES] = {"receiving", "refused", "working",
                                              "answered",  "sending", "fetching"};

bool api_state_follows(enum api_state from, enum api_state to) {
    return from < API_STATES && followers[from] & TO(to);
}

const char *api_state_name(enum api_state state) {
    return names[state];
}

void api_request_enter(struct api_request *request, enum api_state to) {
    bool legal = api_state_follows(request->state, to);
    if (!legal)
        insp_log_error("request in a wrong state path=%s from=%s to=%s", INSP_LOG_WORD(request->path),
                       names[request->state], names[to]);
    assert(legal);
    request->state = to;
}

bool api_request_suspended(const struct api_request *request) {
    return request->state == API_WORKING || request->state == API_FETCHING;
}

bool api_request_incoming(const struct api_request *request) {
    return request->state == API_RECEIVING || request->state == API_REFUSED;
}

/* --- the route's part --- */

void api_request_attach(struct api_request *request, void *part, const struct api_part_ops *ops) {
    assert(!request->part);
    request->part = part;
    request->ops = ops;
}

void *api_request_part(const struct api_request *request, const struct api_part_ops *ops) {
    return request->ops == ops ? request->part : NULL;
}

void api_request_drop(struct api_request *request) {
    if (request->ops)
        request->ops->drop(request);
    request->ops = NULL;
    request->part = NULL;
}

/* --- beginning and end --- */

/* Makes a request of a connection; NULL without memory. */
struct api_request *api_request_new(struct api_server *server, const struct api_hidden *hidden,
                                    struct MHD_Connection *connection, const char *method) {
    struct api_request *request = calloc(1, sizeof *request);
    if (!request)
        return NULL;
    request->server = server;
    request->response.hidden = hidden;
    request->connection = connection;
    request->started_us = request->received_us = insp_mono_us();
    snprintf(request->method, sizeof request->method, "%s", method);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    request->fd = info ? info->connect_fd : -1;
    return request;
}

void api_request_free(struct api_request *request) {
    if (!request)
        return;
    api_request_drop(request);
    api_query_clear(&request->query);
    api_response_clear(&request->response);
    json_decref(request->snapshot);
    free(request->accept);
    free(request->content_type);
    free(request->if_none_match);
    free(request->body);
    free(request);
}

/* --- headers and body --- */

struct query_reader {
    struct api_request *request;
    int code;
    struct insp_error error;
};

static enum MHD_Result read_argument(void *arg, enum MHD_ValueKind kind, const char *name, const char *value) {
    struct query_reader *reader = arg;
    (void)kind;
    reader->code = api_query_add(&reader->request->query, name, value, &reader->error);
    return reader->code ? MHD_NO : MHD_YES;
}

static int copy_header(struct api_request *request, const char *name, char **ret, struct insp_error *reterr) {
    const char *value = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
    if (value && !(*ret = strdup(value)))
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the headers");
    return 0;
}

int api_request_read_headers(struct api_request *request, struct insp_error *reterr) {
    struct query_reader reader = {.request = request};
    MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, read_argument, &reader);
    if (reader.code)
        return insp_fail(reterr, reader.code, "%s", reader.error.detail);
    int code = copy_header(request, "Accept", &request->accept, reterr);
    if (!code && !request->accept && !(request->accept = strdup("")))
        code = insp_fail(reterr, INSP_E_NOMEM, "no memory for the headers");
    if (!code)
        code = copy_header(request, "Content-Type", &request->content_type, reterr);
    return code ? code : copy_header(request, "If-None-Match", &request->if_none_match, reterr);
}

int api_request_append(struct api_request *request, const void *data, size_t bytes, struct insp_error *reterr) {
    if (bytes > request->body_limit - request->body_bytes)
        return insp_fail(reterr, INSP_E_TOO_LARGE, "the body is larger than %zu bytes", request->body_limit);
    size_t need = request->body_bytes + bytes;
    if (need > request->body_room) {
        size_t room = request->body_room ? 2 * request->body_room : BODY_FIRST_BYTES;
        int64_t declared = api_request_content_length(request);
        if (declared > 0 && (uint64_t)declared <= request->body_limit)
            room = (size_t)declared;
        room = room < need ? need : room > request->body_limit ? request->body_limit : room;
        uint8_t *grown = realloc(request->body, room);
        if (!grown)
            return insp_fail(reterr, INSP_E_NOMEM, "no memory for a body of %zu bytes", room);
        request->body = grown;
        request->body_room = room;
    }
    memcpy(request->body + request->body_bytes, data, bytes);
    request->body_bytes = need;
    return 0;
}

int64_t api_request_content_length(const struct api_request *request) {
    const char *text = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Content-Length");
    return text ? strtoll(text, NULL, 10) : -1;
}

/* Says whether the headers announce a body that is not empty. */
bool api_request_has_body(const struct api_request *request) {
    return api_request_content_length(request) > 0 ||
           MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Transfer-Encoding");
}

bool api_request_not_modified(struct api_request *request, const char *etag, const char *cache_control) {
    api_response_header(&request->response, "ETag", "%s", etag);
    api_response_header(&request->response, "Cache-Control", "%s", cache_control);
    const char *given = request->if_none_match;
    if (!given || (strcmp(given, "*") && !strstr(given, etag)))
        return false;
    request->response.status = 304;
    return true;
}

static void drop_nulls(json_t *json, const char *clears) {
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(json, next, name, value) {
        if (!json_is_null(value))
            drop_nulls(value, NULL);
        else if (!clears || strcmp(name, clears) != 0)
            json_object_del(json, name);
    }
}

int api_request_json(const struct api_request *request, const char *clears, json_t **ret,
                     struct insp_error *reterr) {
    static const char nothing[] = "{}";
    const char *text = request->body_bytes ? (const char *)request->body : nothing;
    size_t bytes = request->body_bytes ? request->body_bytes : sizeof nothing - 1;
    json_error_t why;
    json_t *json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &why);
    if (!json)
        return insp_fail(reterr, INSP_E_REQUEST, "the body is not JSON: line %d column %d: %s", why.line,
                         why.column, why.text);
    drop_nulls(json, clears);
    *ret = json;
    return 0;
}
