/* api/server/connection.h - implements libmicrohttpd's callbacks. `arg`: the server. Loop thread. */
#ifndef INSP_API_SERVER_CONNECTION_H
#define INSP_API_SERVER_CONNECTION_H

#include <microhttpd.h>

struct api_server;

enum MHD_Result api_connection_access(void *arg, struct MHD_Connection *connection, const char *url,
                                      const char *method, const char *version, const char *data, size_t *bytes,
                                      void **context);
void api_connection_completed(void *arg, struct MHD_Connection *connection, void **context,
                              enum MHD_RequestTerminationCode code);
void api_connection_notify(void *arg, struct MHD_Connection *connection, void **socket_context,
                           enum MHD_ConnectionNotificationCode code);

#endif
