/* Implements libmicrohttpd's callbacks: headers, pieces of the body, end of the request. A request is refused as
 * early as possible. POST and PUT are then answered before their body is read; other methods after their body was
 * discarded, because this libmicrohttpd would read an unread body of theirs as the next request. */
#include "api/server/connection.h"

#include "api/access/gate.h"
#include "api/http/framing.h"
#include "api/listen/listener.h"
#include "api/server/direct.h"
#include "api/server/error_pages.h"
#include "api/server/request_log.h"
#include "api/server/server.h"
#include "api/server/slots.h"

#include "core/base/clock.h"
#include "core/base/log.h"

#include <string.h>

static void link_request(struct api_server *server, struct api_request *request) {
    request->next = server->requests;
    if (request->next)
        request->next->previous = request;
    server->requests = request;
    server->request_count++;
}

static void unlink_request(struct api_server *server, struct api_request *request) {
    if (request->previous)
        request->previous->next = request->next;
    else
        server->requests = request->next;
    if (request->next)
        request->next->previous = request->previous;
    server->request_count--;
}

void api_connection_notify(void *arg, struct MHD_Connection *connection, void **socket_context,
                           enum MHD_ConnectionNotificationCode code) {
    struct api_server *server = arg;
    struct api_connection *c = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        c = calloc(1, sizeof *c);
        *socket_context = c;
        if (!c)
            return; /* the connection is served, but not watched for stalls */
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        c->server = server;
        c->fd = info ? info->connect_fd : -1;
        c->mhd = connection;
        c->quiet_since_us = insp_mono_us();
        c->peer = insp_take_ptr(server->listener->admitted);
        c->next = server->connections;
        if (c->next)
            c->next->previous = c;
        server->connections = c;
        server->connection_count++;
    } else if (c) {
        server->connection_count--;
        server->cut_count -= c->cut;
        api_peer_leave(&server->peers, c->peer);
        if (c->previous)
            c->previous->next = c->next;
        else
            server->connections = c->next;
        if (c->next)
            c->next->previous = c->previous;
        free(c);
        *socket_context = NULL;
    }
}

static struct MHD_Response *make(struct api_request *request) {
    const struct api_response *response = &request->response;
    if (response->streamed)
        return request->ops->respond(request);
    if (response->from_file)
        return MHD_create_response_from_fd64(response->bytes, response->file_fd);
    return MHD_create_response_from_buffer(response->bytes, response->body,
                                           response->body_static ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);
}

/* Hands the filled response to libmicrohttpd, the body without a copy. */
static enum MHD_Result queue(struct api_request *request) {
    struct api_response *response = &request->response;
    char keep_alive[32];
    struct MHD_Response *mhd = make(request);
    if (!mhd)
        return MHD_NO;
    request->held_bytes = response->body && !response->body_static ? response->bytes : 0;
    request->queued_us = insp_mono_us();
    response->body = NULL;
    response->from_file = false;
    if (response->content_type[0])
        MHD_add_response_header(mhd, "Content-Type", response->content_type);
    for (size_t i = 0; i < response->header_count; i++)
        MHD_add_response_header(mhd, response->header[i].name, response->header[i].value);
    MHD_add_response_header(mhd, "X-Content-Type-Options", "nosniff");
    /* Tells clients not to send a request when the sweep is about to close the idle connection. */
    snprintf(keep_alive, sizeof keep_alive, "timeout=%u", request->server->config.request_timeout_s);
    MHD_add_response_header(mhd, "Keep-Alive", keep_alive);
    MHD_set_response_options(mhd, MHD_RF_SEND_KEEP_ALIVE_HEADER, MHD_RO_END);
    api_gate_headers(&request->server->gate, request, mhd);
    if (request->server->stopping || request->must_close)
        MHD_add_response_header(mhd, "Connection", "close");
    enum MHD_Result result = api_queue_response(request->connection, response->status, mhd);
    MHD_destroy_response(mhd);
    if (request->state == API_RECEIVING) /* the handler answered on the loop */
        api_request_enter(request, API_ANSWERED);
    api_request_enter(request, API_SENDING);
    return result;
}

static int check_length(struct api_request *request, struct insp_error *reterr) {
    int64_t declared = api_request_content_length(request);
    request->body_limit =
        request->route->body_limit == SIZE_MAX ? request->server->config.body_bytes : request->route->body_limit;
    if (declared > 0 && (uint64_t)declared > request->body_limit)
        return insp_fail(reterr, INSP_E_TOO_LARGE, "the body has %lld bytes; at most %zu are allowed here",
                         (long long)declared, request->body_limit);
    return 0;
}

/* Checks framing and target; sets request->path and request->authority. */
static int check_framing(struct api_request *request, const char *url, const char *version,
                         struct insp_error *reterr) {
    struct api_framing framing;
    const char *path;
    api_framing_read(request->connection, url, version, &framing);
    int code = api_framing_judge(&framing, reterr);
    if (!code)
        code =
            api_target_split(request->method, url, request->authority, sizeof request->authority, &path, reterr);
    request->must_close = code != 0;
    snprintf(request->path, sizeof request->path, "%s", code ? url : path);
    request->response.kserve = !strncmp(request->path, "/v2", 3) && (!request->path[3] || request->path[3] == '/');
    if (!code && strlen(path) >= sizeof request->path)
        code = insp_fail(reterr, INSP_E_NOT_FOUND, "the path is too long to exist");
    return code;
}

static int check_body(struct api_request *request, struct insp_error *reterr) {
    const char *coding = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Content-Encoding");
    int code = api_request_has_body(request) ? api_coding_check(coding, reterr) : 0;
    return code ? code : check_length(request, reterr);
}

/* Runs all checks that need the headers only. */
static int at_headers(struct api_request *request, struct insp_error *reterr) {
    struct api_server *server = request->server;
    char allow[64];
    int code;
    if (api_gate_options(&server->gate, request, &code, reterr) || code)
        return code;
    code = api_route_find(api_routes, api_route_count, request->method, request->path, &request->route,
                          request->param, allow, reterr);
    if (code == INSP_E_METHOD)
        snprintf(request->note, sizeof request->note, "%s", allow); /* for the Allow header */
    if (!code)
        code = api_gate_check(&server->gate, &server->tokens, request, reterr);
    if (!code && server->stopping && request->route->access != API_PUBLIC)
        code = insp_fail(reterr, INSP_E_SHUTTING_DOWN, "the daemon is shutting down");
    if (!code)
        code = api_request_read_headers(request, reterr);
    if (!code)
        code = check_body(request, reterr);
    if (!code && request->route->accept)
        code = request->route->accept(request, reterr);
    return code;
}

static void refuse(struct api_request *request, const struct insp_error *error) {
    api_response_problem(&request->response, error);
    if (error->code == INSP_E_METHOD) {
        api_response_header(&request->response, "Allow", "%s", request->note);
        request->note[0] = 0;
    }
    if (error->code == INSP_E_MEDIA_TYPE &&
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Content-Encoding"))
        api_response_header(&request->response, "Accept-Encoding", "identity"); /* RFC 9110, section 15.5.16 */
    api_request_enter(request, API_REFUSED);
}

static enum MHD_Result begin(struct api_server *server, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, void **context) {
    struct api_request *request = api_request_new(server, &server->hidden, connection, method);
    if (!request)
        return MHD_NO;
    *context = request;
    link_request(server, request);
    struct api_connection *c = api_connection_of(connection);
    if (c) {
        c->request = request;
        request->peer = c->peer;
    }
    struct insp_error error = {0};
    if (!check_framing(request, url, version, &error))
        at_headers(request, &error);
    if (!error.code)
        return MHD_YES;
    refuse(request, &error);
    bool early = !strcmp(method, "POST") || !strcmp(method, "PUT");
    request->unread = request->must_close || (early && api_request_has_body(request));
    return request->unread ? queue(request) : MHD_YES;
}

static void work(struct insp_task *task) {
    struct api_request *request = task->data;
    struct insp_error error = {0};
    int code = api_server_check_wanted(request, &error);
    if (!code)
        code = request->route->handler(request, &error);
    if (code == INSP_E_CANCELLED && request->server->hurry)
        error.code = INSP_E_SHUTTING_DOWN;
    if (code)
        api_response_problem(&request->response, &error);
}

static void worked(struct insp_task *task) {
    struct api_request *request = task->data;
    if (request->worked)
        request->worked(request);
    else
        api_server_finish(request);
}

/* Handles a complete request. */
static enum MHD_Result dispatch(struct api_request *request) {
    struct insp_error error = {0};
    const struct api_route *route = request->route;
    int code = 0;
    if (route->kind != API_LOOP && route->kind != API_ASYNC)
        code = api_answer_room(request, &error);
    if (!code && route->before)
        code = route->before(request, &error);
    if (!code && !request->response.status && request->state == API_RECEIVING) {
        if (route->kind == API_LOOP || route->kind == API_ASYNC)
            code = route->handler(request, &error);
        else
            code = api_server_work(request, route->kind == API_HEAVY ? INSP_WORK_HEAVY : INSP_WORK_QUICK, work,
                                   worked, &error);
        if (!code && route->kind != API_LOOP && route->kind != API_ASYNC) {
            api_server_suspend(request);
            return MHD_YES;
        }
    }
    if (request->state == API_WORKING) /* a task owns the response now */
        return MHD_YES;
    if (code)
        api_response_problem(&request->response, &error);
    return request->response.status ? queue(request) : MHD_YES;
}

/* Writes the answer directly and closes: libmicrohttpd accepts no answer in the middle of a body. */
static enum MHD_Result answer_and_close(struct api_request *request) {
    if (api_direct_write(request->server, request->connection, request->fd, &request->response))
        api_direct_linger(request->server, request->fd);
    return MHD_NO;
}

/* Receives a piece of the body. Discards the body of a refused request, up to API_DISCARD_BYTES_MAX. */
static enum MHD_Result body_piece(struct api_request *request, const char *data, size_t *bytes) {
    struct insp_error error = {0};
    size_t count = *bytes;
    *bytes = 0;
    request->received_us = insp_mono_us();
    if (request->state == API_RECEIVING && !api_request_append(request, data, count, &error))
        return MHD_YES;
    if (request->state == API_RECEIVING)
        refuse(request, &error);
    request->discarded += count;
    return request->discarded > API_DISCARD_BYTES_MAX ? answer_and_close(request) : MHD_YES;
}

enum MHD_Result api_connection_access(void *arg, struct MHD_Connection *connection, const char *url,
                                      const char *method, const char *version, const char *data, size_t *bytes,
                                      void **context) {
    struct api_request *request = *context;
    if (!request)
        return begin(arg, connection, url, method, version, context);
    if (*bytes)
        return body_piece(request, data, bytes);
    if (request->state == API_RECEIVING)
        return dispatch(request);
    bool due = request->state == API_REFUSED || request->state == API_ANSWERED;
    return due ? queue(request) : MHD_YES;
}

void api_connection_completed(void *arg, struct MHD_Connection *connection, void **context,
                              enum MHD_RequestTerminationCode code) {
    struct api_server *server = arg;
    struct api_request *request = *context;
    struct api_connection *c = api_connection_of(connection);
    if (!request)
        return;
    *context = NULL;
    if (c) {
        c->request = NULL;
        c->requests += code == MHD_REQUEST_TERMINATED_COMPLETED_OK;
        c->inspected = request->inspects && request->response.status == 200;
        c->quiet_since_us = insp_mono_us();
    }
    api_request_drop(request);
    api_place_release(request);
    if (request->unread && code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        api_direct_linger(server, request->fd);
    api_request_log(request, code);
    api_meters_request(server->meters, request);
    unlink_request(server, request);
    api_request_free(request);
    if (server->stopping)
        api_server_kick(server); /* continues the stop sequence */
}
