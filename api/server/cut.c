#include "api/server/cut.h"

#include "api/server/direct.h"
#include "api/server/server.h"

#include "core/base/cleanup.h"

#include <sys/socket.h>

/* Writes the problem directly. The request has no answer yet, so the bytes cannot get into another one. */
static void answer(const struct api_server *server, struct api_request *request, const struct insp_error *why) {
    api_response_problem(&request->response, why);
    api_direct_write(server, request->connection, request->fd, &request->response);
    api_direct_end(server, request->connection, request->fd);
    api_request_enter(request, API_REFUSED);
}

void api_connection_cut(struct api_server *server, struct api_connection *connection,
                        const struct insp_error *why) {
    struct api_request *request = connection->request;
    if (connection->cut)
        return;
    connection->cut = true;
    server->cut_count++;
    api_peer_leave(&server->peers, insp_take_ptr(connection->peer));
    if (request && request->state == API_RECEIVING)
        answer(server, request, why);
    else if (request && request->gives_way && request->state == API_WORKING) {
        request->ops->stop(request, API_STOP_CLIENT_LEFT); /* resumes it, so that libmicrohttpd ends it */
        api_direct_write(server, request->connection, request->fd, &request->response);
        api_direct_end(server, request->connection, request->fd);
    }
    if (request) {
        request->peer = NULL;
        if (request->place == API_PLACE_INSPECTION)
            api_place_release(request);
    }
    shutdown(connection->fd, SHUT_RDWR);
}
