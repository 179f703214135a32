/* api/server/cut.h - ends connections that libmicrohttpd still serves. Loop thread. */
#ifndef INSP_API_SERVER_CUT_H
#define INSP_API_SERVER_CUT_H

#include "core/base/error.h"

struct api_connection;
struct api_server;

/* Shuts a connection down. Answers a request that is being received with the problem `why`. Not while the request
 * is suspended. */
void api_connection_cut(struct api_server *server, struct api_connection *connection,
                        const struct insp_error *why);

#endif
