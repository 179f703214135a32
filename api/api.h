/* api/api.h - what the daemon gives the HTTP side and how it starts and stops it. Everything here runs on the loop
 * thread. */
#ifndef INSP_API_API_H
#define INSP_API_API_H

#include "core/base/lanes/busy.h"
#include "core/inspect/engine.h"
#include "core/inspect/pipeline.h"
#include "core/store/retention/retention.h"
#include "core/store/store.h"

#include <uv.h>

struct api_server;
struct insp_models; /* which model serves which product; models.h */

/* Who needs no token for what a role may do; /v1/admin/ needs an admin token wherever. */
enum api_open_access {
    API_OPEN_AUTO,   /* programs on this machine, where the daemon listens on a loopback address */
    API_OPEN_ALWAYS, /* everybody */
    API_OPEN_NEVER,  /* nobody */
};

struct api_config {
    const char *listen; /* "127.0.0.1:8080", "[::1]:8080", "0.0.0.0:8080" */
    int listen_fd;      /* >= 0: a socket from systemd, `listen` is then for the log only */
    const char *state_dir;
    const char *tls_certificate, *tls_key; /* PEM files; both or none ("" none) */
    enum api_open_access open_access;
    const char *hosts, *origins, *trusted_proxies; /* lists, see access/hosts.h and access/proxies.h; "" none */
    unsigned hsts_s;                               /* Strict-Transport-Security over TLS; 0 none */

    unsigned inflight;                     /* limits.inflight */
    size_t body_bytes;                     /* limits.body_bytes */
    unsigned exports;                      /* limits.exports */
    unsigned event_streams;                /* limits.event_streams */
    size_t answer_bytes;                   /* limits.answer_bytes */
    unsigned connections;                  /* server.connections */
    unsigned connections_per_address;      /* 0: three quarters of them, on loopback all */
    unsigned request_timeout_s;            /* a client that stops sending */
    unsigned event_ping_s;                 /* between comments on an event stream without news */
    unsigned deadline_ms;                  /* default deadline of an inspection; 0 none */
    unsigned selftest_s;                   /* interval of the self-test behind /readyz */
    struct insp_image_limits image_limits; /* with the budget of all decodes */
    struct insp_retention retention;
    unsigned retention_interval_s;
    /* training */
    const char *dataset_roots; /* "a:b" */
    struct insp_device_config training_device;
    const char *cache_folder;
    uint64_t cache_bytes_max;
    bool cache_half;
    uint64_t job_memory_bytes;  /* training.memory_bytes */
    unsigned job_queue;         /* training.queue: jobs that may wait */
    struct insp_lanes *lanes;   /* borrowed */
    struct insp_busy *busy;     /* borrowed; the engine's: jobs wait while it is raised */
    struct insp_engine *engine; /* borrowed */
    struct insp_store *store;   /* borrowed */
};

/* Binds and listens (INSP_E_IO names address and cause, such as a port in use), loads tokens and the active
 * models. Answers /healthz at once and /readyz once the self-test has passed. Strings of config are copied. */
int api_server_new(uv_loop_t *loop, const struct api_config *config, struct api_server **ret,
                   struct insp_error *reterr);

/* "127.0.0.1:8080" with the port that was really bound (port 0 asks for any). */
const char *api_server_address(const struct api_server *server);

/* SIGHUP: reads tokens, the TLS certificate and manifests (thresholds) again; running requests go on, and what
 * cannot be read stays as it was. `done` runs on the loop when all of it is in force; a call while a reload runs
 * makes one more begin after it and takes the place of its `done`. */
void api_server_reload(struct api_server *server, void (*done)(void *arg), void *arg);

/* Says whether the loop turns, connections are accepted, the inference thread makes progress and its device works:
 * only then is the watchdog fed. */
bool api_server_healthy(struct api_server *server, int64_t now_us);
bool api_server_ready(const struct api_server *server);
bool api_server_device_failed(const struct api_server *server); /* insp_device_failed of the device that serves */

/* Stop sequence of STYLE 12: stop accepting, 503 for new requests, finish or expire what runs (at most grace_ms),
 * resume all, stop MHD, cancel the job; then `stopped` runs on the loop and the server's memory is gone. */
void api_server_stop(struct api_server *server, unsigned grace_ms, void (*stopped)(void *arg), void *arg);

#endif
