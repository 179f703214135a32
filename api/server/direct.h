/* api/server/direct.h - writes an answer to the client past libmicrohttpd, for the moments at which the library
 * accepts none or would send its own: while it receives a body, and when it refuses a request itself. The library
 * must not be sending. Loop thread. */
#ifndef INSP_API_SERVER_DIRECT_H
#define INSP_API_SERVER_DIRECT_H

#include "api/http/response.h"

#include <microhttpd.h>

struct api_server;

/* Writes a response with `Connection: close`, over TLS through the connection's session. Returns false if the
 * client has not all of it.
 *   fd  the connection's socket */
bool api_direct_write(const struct api_server *server, struct MHD_Connection *connection, int fd,
                      const struct api_response *response);

/* Ends the sending side of the connection, so that the library sends nothing more. */
void api_direct_end(const struct api_server *server, struct MHD_Connection *connection, int fd);

/* Keeps a copy of the descriptor open and reads on (linger.h) after libmicrohttpd has closed its own, so that
 * unread bytes of the client do not cause a reset. */
void api_direct_linger(struct api_server *server, int fd);

#endif
