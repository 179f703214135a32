#include "api/server/error_pages.h"

#include "api/http/framing.h"
#include "api/server/direct.h"
#include "api/server/server.h"

#include "core/base/cleanup.h"
#include "core/base/log.h"

#include <dlfcn.h>

typedef enum MHD_Result queue_response(struct MHD_Connection *connection, unsigned status,
                                       struct MHD_Response *response);

static queue_response *library;

int api_error_pages_open(struct insp_error *reterr) {
    union {
        void *found;
        queue_response *function;
    } next = {dlsym(RTLD_NEXT, "MHD_queue_response")};
    if (!next.found)
        return insp_fail(reterr, INSP_E_INTERNAL, "cannot find MHD_queue_response in libmicrohttpd");
    library = next.function;
    return 0;
}

enum MHD_Result api_queue_response(struct MHD_Connection *connection, unsigned status,
                                   struct MHD_Response *response) {
    return library ? library(connection, status, response) : MHD_NO;
}

void api_error_of_page(unsigned status, const char *content_length, struct insp_error *ret) {
    static const struct {
        unsigned status;
        int code;
        const char *detail;
    } pages[] = {
        {400, INSP_E_REQUEST, "the request line, a header line or the size of a chunk is malformed"},
        {413, INSP_E_TOO_LARGE, "no body can have as many bytes as the size of a chunk says"},
        {414, INSP_E_TARGET_LONG, "the request line is longer than the daemon reads"},
        {431, INSP_E_HEADERS_LARGE, "request line and headers together are longer than the daemon reads"},
        {500, INSP_E_INTERNAL, "the connection has no room for the request"},
        {505, INSP_E_HTTP_VERSION, "the daemon speaks HTTP/1.0 and HTTP/1.1"},
    };
    if (content_length && api_length_check(content_length, ret))
        return;
    for (size_t i = 0; i < INSP_COUNT(pages); i++)
        if (pages[i].status == status) {
            insp_fail(ret, pages[i].code, "%s", pages[i].detail);
            return;
        }
    insp_fail(ret, status < 500 ? INSP_E_REQUEST : INSP_E_INTERNAL, "libmicrohttpd refused the request");
}

/* Fills the response of the request, if the daemon knows it, and logs one that it does not know. A request that
 * the daemon has refused keeps its problem: the library found its fault while it discarded the body. */
static const struct api_response *problem(struct api_connection *c, unsigned status, struct api_response *fresh) {
    struct api_request *request = c->request;
    struct insp_error error;
    const char *length = request ? NULL : MHD_lookup_connection_value(c->mhd, MHD_HEADER_KIND, "Content-Length");
    if (request && request->state == API_REFUSED)
        return &request->response;
    api_error_of_page(status, length, &error);
    api_response_problem(request ? &request->response : fresh, &error);
    if (request) {
        api_request_enter(request, API_REFUSED);
        return &request->response;
    }
    insp_log_info("request refused before its headers were read address=%s status=%u code=%s",
                  c->peer ? c->peer->text : "unknown", fresh->status, fresh->code);
    api_meters_status(c->server->meters, fresh->status);
    return fresh;
}

/* Writes the problem itself and ends the sending side, because the library sends the headers of some of its pages
 * twice (0.9.75, an invalid Content-Length). Reads on for a while, because a client that is still sending would
 * get a reset instead of the answer. */
static void answer(struct api_connection *c, unsigned status) {
    struct api_server *server = c->server;
    struct api_response fresh = {0};
    api_direct_write(server, c->mhd, c->fd, problem(c, status, &fresh));
    api_response_clear(&fresh);
    c->cut = true;
    server->cut_count++;
    api_peer_leave(&server->peers, insp_take_ptr(c->peer));
    if (c->request)
        c->request->peer = NULL;
    api_direct_linger(server, c->fd);
    api_direct_end(server, c->mhd, c->fd);
}

/* Takes the call by which the library queues a page. The page is queued all the same, because the library then
 * goes on in its usual way; its attempt to send fails, and it closes the connection. */
enum MHD_Result MHD_queue_response(struct MHD_Connection *connection, unsigned status,
                                   struct MHD_Response *response) {
    struct api_connection *c = api_connection_of(connection);
    bool answerable = c && !c->cut && (!c->request || api_request_incoming(c->request));
    if (answerable)
        answer(c, status);
    return api_queue_response(connection, status, response);
}
