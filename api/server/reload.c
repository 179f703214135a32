#include "api/server/reload.h"

#include "api/access/tokens.h"
#include "api/listen/certificate.h"
#include "api/server/server.h"
#include "core/base/clock.h"
#include "core/base/log.h"

#include <stdlib.h>
#include <string.h>

/* While `running`, the results belong to the task; all else to the loop thread. */
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

struct api_reload *api_reload_new(void) {
    return calloc(1, sizeof(struct api_reload));
}

void api_reload_free(struct api_reload *reload) {
    free(reload);
}

bool api_reload_running(const struct api_reload *reload) {
    return reload->running;
}

void api_certificate_report(const struct api_certificate *certificate) {
    char from[INSP_RFC3339_BYTES], until[INSP_RFC3339_BYTES];
    int64_t now_us = insp_wall_us();
    bool valid = now_us >= certificate->not_before_us && now_us < certificate->not_after_us;
    insp_rfc3339(certificate->not_before_us, from);
    insp_rfc3339(certificate->not_after_us, until);
    insp_log(valid ? INSP_LOG_INFO : INSP_LOG_WARNING, "TLS certificate%s subject=%s not_before=%s not_after=%s",
             valid ? "" : " is not valid now: clients will refuse it", INSP_LOG_QUOTED(certificate->subject), from,
             until);
}

static void read_again(struct insp_task *task) {
    struct api_server *server = task->data;
    struct api_reload *reload = server->reload;
    reload->tokens_code = api_tokens_load(server->state_dir, &reload->tokens, &reload->tokens_error);
    if (server->tls)
        reload->certificate_code = api_certificate_load(server->certificate, server->key, &reload->certificate,
                                                        &reload->certificate_error);
}

static void was_read(struct insp_task *task);

static void begin(struct api_server *server) {
    struct api_reload *reload = server->reload;
    reload->running = true;
    reload->task = (struct insp_task){.run = read_again, .done = was_read, .data = server};
    insp_work_always(server->config.lanes, INSP_LANE_BACK, &reload->task);
}

static void put_tokens(struct api_server *server) {
    struct api_reload *reload = server->reload;
    if (reload->tokens_code) {
        insp_log_error("tokens not read again, the old ones stay in force detail=%s",
                       INSP_LOG_QUOTED(reload->tokens_error.detail));
        return;
    }
    api_tokens_clear(&server->tokens);
    server->tokens = reload->tokens;
    reload->tokens = (struct api_tokens){0};
    insp_log_info("tokens read again count=%zu", server->tokens.count);
}

static void put_certificate(struct api_server *server) {
    struct api_reload *reload = server->reload;
    if (reload->certificate_code) {
        insp_log_error("TLS certificate not read again, the old one stays in force detail=%s",
                       INSP_LOG_QUOTED(reload->certificate_error.detail));
        return;
    }
    api_certificate_free(api_certificate_serve(reload->certificate));
    api_certificate_report(reload->certificate);
    reload->certificate = NULL;
}

/* Ends a reload. Another reload may run meanwhile: new tokens do not wait for the models, which take longer. */
static void verified(void *arg) {
    struct api_server *server = arg;
    struct api_reload *reload = server->reload;
    reload->verifying--;
    if (server->stopping || reload->verifying || reload->running)
        return;
    void (*done)(void *arg) = reload->done;
    reload->done = NULL;
    if (done)
        done(reload->arg);
}

static void was_read(struct insp_task *task) {
    struct api_server *server = task->data;
    struct api_reload *reload = server->reload;
    reload->running = false;
    if (server->stopping) {
        api_tokens_clear(&reload->tokens);
        api_certificate_free(reload->certificate);
        return;
    }
    put_tokens(server);
    if (server->tls)
        put_certificate(server);
    if (reload->again) {
        reload->again = false;
        begin(server);
    } else {
        reload->verifying++;
        insp_models_verify(server->models, verified, server);
    }
}

void api_server_reload(struct api_server *server, void (*done)(void *arg), void *arg) {
    struct api_reload *reload = server->reload;
    reload->done = done;
    reload->arg = arg;
    if (reload->running)
        reload->again = true;
    else
        begin(server);
}
