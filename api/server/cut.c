#include "api/server/cut.h"

#include "api/http/raw_answer.h"
#include "api/server/server.h"

#include "core/base/cleanup.h"

#include <sys/socket.h>

/* Nothing was answered on this connection yet, so the bytes cannot fall into the middle of another answer; with
 * TLS they could not be written past the library. */
static void say(const struct api_server *server, struct api_request *request, const struct insp_error *why) {
    char text[API_RAW_ANSWER_BYTES];
    api_response_problem(&request->response, why);
    size_t length = api_raw_answer(&request->response, text);
    if (!server->tls)
        (void)!send(request->fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    api_request_enter(request, API_REFUSED);
}

/* libmicrohttpd sees the end of the stream and cleans up. */
void api_connection_cut(struct api_server *server, struct api_connection *connection,
                        const struct insp_error *why) {
    struct api_request *request = connection->request;
    if (connection->cut)
        return;
    connection->cut = true;
    server->cut_count++;
    api_peer_leave(&server->peers, insp_take_ptr(connection->peer));
    if (request && request->state == API_RECEIVING)
        say(server, request, why);
    if (request) {
        request->peer = NULL;
        if (request->place == API_PLACE_INSPECTION)
            api_place_release(request);
    }
    shutdown(connection->fd, SHUT_RDWR);
}
