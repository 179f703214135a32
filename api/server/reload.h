/* api/server/reload.h - reads tokens and the TLS certificate again in lane BACK, then the models (SIGHUP). Loop
 * thread. api_server_reload in api.h starts it. */
#ifndef INSP_API_HTTP_RELOAD_H
#define INSP_API_HTTP_RELOAD_H

#include "api/access/tokens.h"
#include "api/listen/certificate.h"
#include "core/base/lanes/work.h"

#include <stdbool.h>

/* State of a reload, part of the server. While `running`, the results belong to the task; all else to the loop. */
struct api_reload {
    struct insp_task task;
    bool running;       /* the task reads tokens and certificate */
    bool again;         /* another reload was requested meanwhile */
    unsigned verifying; /* requested readings of the models that have not ended */
    void (*done)(void *arg);
    void *arg;
    int tokens_code, certificate_code; /* results */
    struct insp_error tokens_error, certificate_error;
    struct api_tokens tokens;
    struct api_certificate *certificate;
};

struct api_server;

/* Logs the certificate's subject and dates; a warning if it is not valid now. */
void api_certificate_report(const struct api_certificate *certificate);

#endif
