/* api/api.h - configures, starts, watches and stops the HTTP server. All functions: loop thread. */
#ifndef INSP_API_API_H
#define INSP_API_API_H

#include "core/base/lanes/busy.h"
#include "core/inspect/engine.h"
#include "core/inspect/pipeline.h"
#include "core/store/retention/retention.h"
#include "core/store/store.h"

#include <uv.h>

struct api_server;

/* Callers that need no token on routes of API_OPEN. Paths below /v1/admin/ need an admin token in any case. */
enum api_open_access {
    API_OPEN_AUTO,   /* programs on this machine, if the daemon listens on a loopback address */
    API_OPEN_ALWAYS, /* everybody */
    API_OPEN_NEVER,  /* nobody */
};

/* Settings of Modbus/TCP; "" where there is none. */
struct api_modbus_config {
    const char *listen;                        /* address and port; "": off */
    const char *stations;                      /* "1=cam1, 2=cam2": modbus/stations.h */
    const char *products;                      /* "1=carpet, 2=bottle" */
    const char *clients;                       /* addresses and networks of PLCs; "": all */
    unsigned connections, idle_s, heartbeat_s; /* limits */
};

/* The settings mqtt.*; texts are "" if not set. */
struct api_mqtt_config {
    const char *url; /* "": no MQTT */
    const char *prefix, *username, *password_file, *ca_file, *certificate, *key;
    const char *sparkplug_group, *sparkplug_node; /* group "": no Sparkplug */
    bool commands, last;
};

/* The settings webhook.*. */
struct api_webhook_config {
    const char *url;         /* "": no webhook */
    const char *secret_file; /* "": requests are not signed */
    const char *ca_file;     /* "": the authorities of the system */
    const char *verdicts, *products;
    bool private_redirects;
};

/* The settings watch.*. */
struct api_watch_config {
    const char *folder; /* "": none */
    const char *pattern, *result, *after;
    unsigned settle_ms;
};

struct api_config {
    const char *listen; /* "127.0.0.1:8080", "[::1]:8080", "0.0.0.0:8080" */
    int listen_fd; /* >= 0: a listening socket from systemd, which the server owns from now on; `listen` is then
                      only the name that api_host_allowed compares */
    const char *state_dir;
    const char *tls_certificate, *tls_key; /* PEM files; both or none ("" none) */
    enum api_open_access open_access;
    const char *hosts, *origins, *trusted_proxies; /* lists, see access/hosts.h and access/proxies.h; "" none */
    unsigned hsts_s;                               /* Strict-Transport-Security over TLS; 0 none */

    unsigned inflight;                /* limits.inflight */
    unsigned batch;                   /* limits.batch: images of one request at most */
    size_t body_bytes;                /* limits.body_bytes */
    unsigned exports;                 /* limits.exports */
    unsigned event_streams;           /* limits.event_streams */
    size_t answer_bytes;              /* limits.answer_bytes */
    unsigned connections;             /* server.connections */
    unsigned connections_per_address; /* 0: three quarters of `connections`; all for clients on this machine */
    unsigned request_timeout_s;       /* for a client that stops sending */
    unsigned event_ping_s;            /* between comments on an event stream without events */
    unsigned deadline_ms;             /* default deadline of an inspection; 0 none */
    unsigned selftest_s;              /* interval of the self-test behind /readyz */
    struct insp_image_limits image_limits; /* with the budget that all decodes share */
    const char *takt;                      /* line.takt: core/line/takt.h; "" none */
    unsigned frozen_repeats;               /* line.frozen_repeats; 0: not noticed */
    struct api_modbus_config modbus;
    struct insp_retention retention;
    unsigned retention_interval_s;
    /* training */
    const char *dataset_roots; /* "a:b" */
    unsigned trash_days;       /* training.trash_days; 0: the trash is emptied by hand only */
    struct insp_device_config training_device;
    const char *cache_folder;
    uint64_t cache_bytes_max;
    bool cache_half;
    uint64_t job_memory_bytes;            /* training.memory_bytes */
    const char *trunk_url, *trunk_sha256; /* of the trunk that can be fetched */
    struct api_mqtt_config mqtt;
    struct api_webhook_config webhook;
    struct api_watch_config watch;
    unsigned job_queue;         /* training.queue: jobs that may wait */
    struct insp_lanes *lanes;   /* borrowed */
    struct insp_busy *busy;     /* borrowed; the engine's: jobs wait while it is raised */
    struct insp_engine *engine; /* borrowed */
    struct insp_store *store;   /* borrowed */
};

/* Binds the address, loads certificate and tokens, loads and proves the active models (waits for that), opens the
 * job queue and starts to accept connections, which are answered once the loop runs. A model that fails does not
 * stop the start: /readyz says so. Strings of config are copied, what it points to is borrowed.
 * Fails with
 *   INSP_E_CONFIG      a setting, the certificate or tokens.json is wrong; the detail names it
 *   INSP_E_IO          address and cause, such as a port in use; also the disk
 *   INSP_E_PERMISSION, INSP_E_NOSPACE, INSP_E_NOMEM, INSP_E_INTERNAL */
int api_server_new(uv_loop_t *loop, const struct api_config *config, struct api_server **ret,
                   struct insp_error *reterr);

/* Returns "127.0.0.1:8080" with the port that the system chose for port 0. Lives as long as the server. */
const char *api_server_address(const struct api_server *server);

/* Reads tokens, the TLS certificate and the models again (SIGHUP). Running requests continue; a file that cannot
 * be read keeps its old content in force, and the log says so. `done` (may be NULL) runs on the loop when all of
 * it is in force, and not at all if the server stops first. A call during a reload replaces its `done` and starts
 * another reload after it. */
void api_server_reload(struct api_server *server, void (*done)(void *arg), void *arg);

/* Says whether the daemon may feed the watchdog at now_us (monotonic): the loop turned within 10 s, connections
 * are accepted, no pass of the inference thread has run for more than 60 s, and the serving device works. */
bool api_server_healthy(struct api_server *server, int64_t now_us);

/* Says whether /readyz answers 200: a trunk is loaded, a model passed its self-test, the device works, inspections
 * can be stored, and the server is not stopping. */
bool api_server_ready(const struct api_server *server);

/* insp_device_failed of the serving device. */
bool api_server_device_failed(const struct api_server *server);

/* Stops the server: ends event streams and exports, cancels the running job, stops accepting, answers new requests
 * with 503, waits at most grace_ms for inspections, answers the rest with 503, stops libmicrohttpd, waits for its
 * tasks in the lanes, closes its handles and frees the server. Then `stopped` runs on the loop. */
void api_server_stop(struct api_server *server, unsigned grace_ms, void (*stopped)(void *arg), void *arg);

#endif
