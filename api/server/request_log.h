/* api/server/request_log.h - writes a line for each request that ended, except for some of a crowd that is refused
 * for want of room (log_credit.h). Loop thread. */
#ifndef INSP_API_SERVER_REQUEST_LOG_H
#define INSP_API_SERVER_REQUEST_LOG_H

#include <microhttpd.h>

struct api_request;
struct api_server;

/* Logs a request; code: how it ended. */
void api_request_log(const struct api_request *request, enum MHD_RequestTerminationCode code);

/* Logs how many lines were left out since the last call, if any. Called by the sweep once a second. */
void api_request_log_left_out(struct api_server *server);

#endif
