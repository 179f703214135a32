#include "api/server/request_log.h"

#include "api/server/server.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/log.h"

#include <string.h>

/* Chooses the log level. Probes come every few seconds, and the daemon logs by itself when it is not ready. A
 * refusal under load is not a fault of the daemon; any other status from 500 on needs attention. */
static enum insp_log_level log_level(const struct api_request *request) {
    const struct api_response *response = &request->response;
    static const int load[] = {INSP_E_QUEUE_FULL, INSP_E_SHUTTING_DOWN, INSP_E_DEADLINE, INSP_E_NOT_READY};
    if (request->route && request->route->access == API_PUBLIC)
        return response->status < 500 ? INSP_LOG_DEBUG : INSP_LOG_INFO;
    if (response->status < 500)
        return request->routine && response->status == 200 ? INSP_LOG_DEBUG : INSP_LOG_INFO;
    for (size_t i = 0; i < INSP_COUNT(load); i++)
        if (!strcmp(response->code, insp_code_wire(load[i])))
            return INSP_LOG_WARNING;
    return INSP_LOG_ERROR;
}

void api_request_log(const struct api_request *request, enum MHD_RequestTerminationCode code) {
    int64_t now_us = insp_mono_us();
    if (!strcmp(request->response.code, insp_code_wire(INSP_E_QUEUE_FULL)) &&
        !api_log_admit(&request->server->log_credit, now_us))
        return;
    insp_log(log_level(request), "request method=%s path=%s status=%u%s%s%s%s%s%s total_ms=%.1f%s%s%s",
             INSP_LOG_WORD(request->method), INSP_LOG_WORD(request->path), request->response.status,
             request->client[0] ? " client=" : "", request->client, request->response.code[0] ? " code=" : "",
             request->response.code, request->principal[0] ? " token=" : "", request->principal,
             (double)(now_us - request->started_us) / 1000, request->note[0] ? " " : "", request->note,
             code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "" : " client=gone");
}

void api_request_log_left_out(struct api_server *server) {
    uint64_t count = server->log_credit.left_out;
    server->log_credit.left_out = 0;
    if (count)
        insp_log_warning("requests refused with queue_full were left out of the log count=%llu",
                         (unsigned long long)count);
}
