/* api/server/connection.h - libmicrohttpd's callbacks; `arg` is the server. Loop thread. */
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

/* The request line has come, the headers follow. */
void api_connection_head(struct MHD_Connection *connection);

/* libmicrohttpd is about to say something in its log, and perhaps to refuse a request by itself. A Content-Length
 * that is none is answered here first. */
void api_connection_refused(struct api_server *server);

#endif
