#include "api/server/direct.h"

#include "api/http/raw_answer.h"
#include "api/listen/client.h"
#include "api/server/server.h"

#include "core/base/clock.h"

#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <sys/socket.h>

static gnutls_session_t session_of(const struct api_server *server, struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        server->tls ? MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION) : NULL;
    return info ? info->tls_session : NULL;
}

bool api_direct_write(const struct api_server *server, struct MHD_Connection *connection, int fd,
                      const struct api_response *response) {
    char text[API_RAW_ANSWER_BYTES];
    size_t length = api_raw_answer(response, text);
    gnutls_session_t session = session_of(server, connection);
    if (!length || (server->tls && !session))
        return false;
    ssize_t sent =
        session ? gnutls_record_send(session, text, length) : send(fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent == (ssize_t)length;
}

void api_direct_end(const struct api_server *server, struct MHD_Connection *connection, int fd) {
    gnutls_session_t session = session_of(server, connection);
    if (session)
        gnutls_bye(session, GNUTLS_SHUT_WR);
    shutdown(fd, SHUT_WR);
}

void api_direct_linger(struct api_server *server, int fd) {
    uint64_t bytes = (uint64_t)server->config.body_bytes + API_DISCARD_BYTES_MAX;
    int copy = server->stopping ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0)
        api_linger_take(&server->lingers, copy, bytes,
                        api_receive_deadline(insp_mono_us(), server->config.request_timeout_s, bytes));
}
