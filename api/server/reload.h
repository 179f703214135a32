/* api/http/reload.h - what SIGHUP reads again: tokens and the TLS certificate off the loop, then the models. */
#ifndef INSP_API_HTTP_RELOAD_H
#define INSP_API_HTTP_RELOAD_H

#include "api/access/tokens.h"
#include "api/listen/certificate.h"
#include "core/base/lanes/work.h"

#include <stdbool.h>

/* Part of the server; the loop thread's but for the results, which are the task's while `running`. */
struct api_reload {
    struct insp_task task;
    bool running;       /* the task reads tokens and certificate */
    bool again;         /* it was asked for once more meanwhile */
    unsigned verifying; /* readings of the models that were asked for and are not done */
    void (*done)(void *arg);
    void *arg;
    int tokens_code, certificate_code; /* results */
    struct insp_error tokens_error, certificate_error;
    struct api_tokens tokens;
    struct api_certificate *certificate;
};

struct api_server;

/* Logs the certificate's subject and dates, with a warning where it is not valid now. Loop thread. */
void api_certificate_report(const struct api_certificate *certificate);

#endif
