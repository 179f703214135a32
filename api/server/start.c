/* Makes a server with all that it holds; stop.c frees it. */
#include "api/cameras/cameras.h"
#include "api/http/framing.h"
#include "api/listen/certificate.h"
#include "api/listen/listen.h"
#include "api/listen/listener.h"
#include "api/modbus/modbus.h"
#include "api/modbus/stations.h"
#include "api/server/connection.h"
#include "api/server/error_pages.h"
#include "api/server/reload.h"
#include "api/server/server.h"
#include "api/server/stop.h"
#include "api/server/sweep.h"
#include "api/shadow/shadow.h"
#include "api/sinks/mqtt.h"
#include "api/sinks/sinks.h"
#include "api/sinks/webhook.h"
#include "api/sources/folder.h"
#include "api/sparkplug/sparkplug.h"
#include "api/watch/events.h"
#include "api/watch/housekeeping.h"

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/inspect/pipeline.h"
#include "core/serving/model_change.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    SWEEP_MS = 50, /* interval at which clients that left are noticed */
    HOUSEKEEPING_MS = 5000,
    /* libmicrohttpd's pool per connection; mapped, and touched only as far as needed. Far above the limits of
     * framing.h, so that larger headers still arrive and are refused with a problem. */
    HEADER_MEMORY_BYTES = 64 << 10,
};

/* --- settings --- */

static int copy_text(const char *text, char **owned, const char **place, struct insp_error *reterr) {
    *owned = strdup(text ? text : "");
    *place = *owned;
    return *owned ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the settings");
}

static int copy_config(struct api_server *server, const struct api_config *config, struct insp_error *reterr) {
    server->config = *config;
    struct api_config *c = &server->config;
    int code = copy_text(config->listen, &server->listen_text, &c->listen, reterr);
    if (!code)
        code = copy_text(config->state_dir, &server->state_dir, &c->state_dir, reterr);
    if (!code)
        code = copy_text(config->tls_certificate, &server->certificate, &c->tls_certificate, reterr);
    if (!code)
        code = copy_text(config->tls_key, &server->key, &c->tls_key, reterr);
    if (!code)
        code = copy_text(config->hosts, &server->hosts, &c->hosts, reterr);
    if (!code)
        code = copy_text(config->origins, &server->origins, &c->origins, reterr);
    if (!code)
        code = copy_text(config->dataset_roots, &server->dataset_roots, &c->dataset_roots, reterr);
    if (!code)
        code = copy_text(config->cache_folder, &server->cache_folder, &c->cache_folder, reterr);
    if (!code)
        code = copy_text(config->takt, &server->takt, &c->takt, reterr);
    if (!code)
        code = copy_text(config->modbus.listen, &server->modbus_text[0], &c->modbus.listen, reterr);
    if (!code)
        code = copy_text(config->modbus.stations, &server->modbus_text[1], &c->modbus.stations, reterr);
    if (!code)
        code = copy_text(config->modbus.products, &server->modbus_text[2], &c->modbus.products, reterr);
    if (!code)
        code = copy_text(config->modbus.clients, &server->modbus_text[3], &c->modbus.clients, reterr);
    if (!code) {
        api_hidden_add(&server->hidden, server->state_dir, "<state>");
        api_hidden_add(&server->hidden, server->cache_folder, "<cache>");
        api_hidden_add(&server->hidden, server->dataset_roots, "<datasets>");
    }
    return code;
}

/* Only warns: Kubernetes mounts secrets with mode 0644 in a private folder. */
static void look_at_key_mode(const char *path) {
    struct stat info;
    if (!stat(path, &info) && info.st_mode & S_IROTH)
        insp_log_warning(
            "every user can read the TLS key file=%s mode=%04o; chmod 0640 and give it to the daemon's group",
            path, info.st_mode & 07777u);
}

static int load_tls(struct api_server *server, struct insp_error *reterr) {
    bool certificate = server->certificate[0], key = server->key[0];
    struct api_certificate *loaded;
    if (!certificate && !key)
        return 0;
    if (certificate != key)
        return insp_fail(reterr, INSP_E_CONFIG,
                         "TLS needs a certificate and a key: set both server.tls_certificate and server.tls_key");
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES ||
        MHD_is_feature_supported(MHD_FEATURE_HTTPS_CERT_CALLBACK2) != MHD_YES)
        return insp_fail(reterr, INSP_E_CONFIG, "this libmicrohttpd was built without TLS");
    int code = api_certificate_load(server->certificate, server->key, &loaded, reterr);
    if (code)
        return code;
    api_certificate_free(api_certificate_serve(loaded));
    api_certificate_report(loaded);
    look_at_key_mode(server->key);
    server->tls = true;
    return 0;
}

static int load_access(struct api_server *server, struct insp_error *reterr) {
    bool created = false, loopback = false;
    int code = api_tokens_ensure_admin(server->state_dir, &created, reterr);
    if (!code && created)
        insp_log_info("made the first admin token file=%s/admin.token", server->state_dir);
    if (!code)
        code = api_tokens_load(server->state_dir, &server->tokens, reterr);
    if (!code)
        code = api_listen_describe(server->listen_fd, server->address, sizeof server->address, &loopback, reterr);
    if (!code)
        code = api_gate_open(&server->gate, &server->config, server->address, loopback, reterr);
    return code;
}

/* --- libmicrohttpd --- */

static void log_mhd(void *arg, const char *format, va_list args) {
    char line[512];
    (void)arg;
    vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\r\n")] = 0;
    insp_log_debug("libmicrohttpd: %s", line);
}

/* Decodes as libmicrohttpd does, except %00, which stays: no decoded text has a NUL inside. */
static size_t unescape(void *arg, struct MHD_Connection *connection, char *text) {
    (void)arg;
    (void)connection;
    char *out = text;
    for (const char *in = text; *in;) {
        unsigned value;
        char hex[3] = {0};
        if (*in == '%' && in[1] && in[2]) {
            memcpy(hex, in + 1, 2);
            if (strspn(hex, "0123456789abcdefABCDEF") == 2 && sscanf(hex, "%x", &value) == 1 && value) {
                *out++ = (char)value;
                in += 3;
                continue;
            }
        }
        *out++ = *in++;
    }
    *out = 0;
    return (size_t)(out - text);
}

/* Cuts the target after API_QUERY_MAX + 1 arguments before libmicrohttpd parses it: with more arguments than fit
 * into its pool it would close without an answer. One more than allowed remains, so that the query is refused. */
static void *bound_arguments(void *arg, const char *target, struct MHD_Connection *connection) {
    (void)arg;
    (void)connection;
    union {
        const char *constant;
        char *plain; /* libmicrohttpd's writable buffer */
    } at = {target ? strchr(target, '?') : NULL};
    for (int i = 0; at.constant && i <= API_QUERY_MAX; i++)
        at.constant = strchr(at.constant + 1, '&');
    if (at.constant)
        *at.plain = 0;
    return NULL; /* the context of a new request */
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    api_server_run(poll->data);
}

static int start_mhd(struct api_server *server, struct insp_error *reterr) {
    unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     (server->tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(intptr_t)api_certificate_retrieve},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(intptr_t)api_tls_priorities},
        {MHD_OPTION_END, 0, NULL}};
    server->mhd = MHD_start_daemon(
        flags, 0, NULL, NULL, api_connection_access, server, MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL,
        /* The listener enforces server.connections; the rest is for connections that it has cut. */
        MHD_OPTION_CONNECTION_LIMIT, server->config.connections + API_ACCEPT_BURST + 1,
        /* The sweep closes stalled senders sooner; this is for clients that do not read their answer. */
        MHD_OPTION_CONNECTION_TIMEOUT, 2 * server->config.request_timeout_s + 1,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_MEMORY_BYTES, MHD_OPTION_NOTIFY_COMPLETED,
        api_connection_completed, server, MHD_OPTION_NOTIFY_CONNECTION, api_connection_notify, server,
        MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_URI_LOG_CALLBACK, bound_arguments, NULL, MHD_OPTION_ARRAY, server->tls ? tls : tls + 2,
        MHD_OPTION_END);
    if (!server->mhd)
        return insp_fail(reterr, INSP_E_INTERNAL, "cannot start %s", server->tls ? "HTTPS" : "HTTP");
    return 0;
}

static void start_timer(struct api_server *server, uv_timer_t *timer) {
    uv_timer_init(server->loop, timer);
    timer->data = server;
    server->handles_open++;
}

static void on_selftest(uv_timer_t *timer) {
    struct api_server *server = timer->data;
    insp_models_test(server->models);
}

static void on_ping(uv_timer_t *timer) {
    struct api_server *server = timer->data;
    api_events_ping(server->events);
}

static int start_handles(struct api_server *server, struct insp_error *reterr) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    const uint64_t ping_ms = 1000 * (uint64_t)server->config.event_ping_s;
    const uint64_t sweep_ms = 1000 * (uint64_t)server->config.retention_interval_s;
    int why = info ? uv_poll_init(server->loop, &server->poll, info->epoll_fd) : UV_EINVAL;
    if (why)
        return insp_fail(reterr, INSP_E_INTERNAL, "uv_poll_init: %s", uv_strerror(why));
    server->poll.data = server;
    server->handles_open++;
    uv_timer_t *timers[] = {&server->mhd_timer, &server->sweep, &server->deadline, &server->housekeeping,
                            &server->selftest,  &server->grace, &server->ping,     &server->shadow_group};
    for (size_t i = 0; i < INSP_COUNT(timers); i++)
        start_timer(server, timers[i]);
    uv_poll_start(&server->poll, UV_READABLE, on_readable);
    server->lingers = (struct api_lingers){.loop = server->loop, .closed = api_stop_handle_closed, .arg = server};
    int code = api_listener_start(server, reterr);
    if (!code) /* the last: it opens handles only if it succeeds */
        code = api_modbus_start(server, api_stop_handle_closed, &server->modbus, reterr);
    if (code)
        return code;
    uv_timer_start(&server->sweep, api_sweep, SWEEP_MS, SWEEP_MS);
    uv_timer_start(&server->housekeeping, api_housekeeping, 0,
                   sweep_ms < HOUSEKEEPING_MS ? sweep_ms : HOUSEKEEPING_MS);
    uv_timer_start(&server->selftest, on_selftest, 0, 1000 * (uint64_t)server->config.selftest_s);
    uv_timer_start(&server->ping, on_ping, ping_ms, ping_ms);
    api_sinks_start(server->sinks);
    api_folder_start(server->folder);
    api_server_kick(server);
    return 0;
}

static void on_job_changed(void *arg, const char *id, json_t *brief) {
    struct api_server *server = arg;
    (void)id;
    api_meters_job(server->meters, brief);
    api_hide_json(&server->hidden, brief);
    api_events_publish(server->events, "job", NULL, json_incref(brief));
}

/* Proves the new version on the serving device and makes it the active one. Runs on the thread that supervises the
 * job. */
static int on_job_activate(void *arg, const char *job_id, const char *product, const char *version,
                           struct insp_error *reterr) {
    struct api_server *server = arg;
    char who[64];
    snprintf(who, sizeof who, "job:%s", job_id);
    const struct insp_changer changer = {
        .state_dir = server->state_dir, .store = server->config.store, .who = who};
    return insp_models_switch(server->models, &changer, insp_change_activate, product, version, reterr);
}

static void on_job_activated(void *arg, const char *product, const char *version) {
    struct api_server *server = arg;
    insp_log_info("training activated product=%s version=%s", product, version);
    insp_models_reload(server->models, NULL, NULL);
}

static void on_model_changed(void *arg, const char *product, const char *version) {
    struct api_server *server = arg;
    api_events_publish(server->events, "model", NULL,
                       json_pack("{s:s, s:s}", "product", product, "version", version));
    api_sinks_model_changed(server->sinks);
}

static int start_jobs(struct api_server *server, struct insp_error *reterr) {
    const struct api_config *c = &server->config;
    struct insp_jobs_config config = {
        .lanes = c->lanes,
        .store = c->store,
        .machine =
            {
                .state_dir = c->state_dir,
                .dataset_roots = c->dataset_roots,
                .device = c->training_device,
                .cache_folder = c->cache_folder,
                .cache_bytes_max = c->cache_bytes_max,
                .cache_half = c->cache_half,
                .memory_bytes_max = c->job_memory_bytes,
                .limits = c->image_limits,
            },
        .busy = c->busy,
        .queue_max = c->job_queue,
        .changed = on_job_changed,
        .activate = on_job_activate,
        .activated = on_job_activated,
        .arg = server,
    };
    struct insp_job_machine *machine = &config.machine;
    snprintf(machine->trunk_url, sizeof machine->trunk_url, "%s", c->trunk_url ? c->trunk_url : "");
    snprintf(machine->trunk_sha256, sizeof machine->trunk_sha256, "%s", c->trunk_sha256 ? c->trunk_sha256 : "");
    return insp_jobs_new(server->loop, &config, &server->jobs, reterr);
}

static void kick(void *arg) {
    api_server_kick(arg);
}

static api_sink_maker *const sink_makers[] = {api_mqtt_new, api_sparkplug_new, api_webhook_new};

static int start(struct api_server *server, const struct api_config *config, struct insp_error *reterr) {
    int code = copy_config(server, config, reterr);
    if (!code)
        code = load_tls(server, reterr);
    server->listen_fd = config->listen_fd;
    if (!code && server->listen_fd < 0)
        code = api_listen_open(config->listen, &server->listen_fd, reterr);
    else if (!code)
        api_listen_bound_buffers(server->listen_fd); /* a socket of systemd */
    if (!code)
        code = load_access(server, reterr);
    if (!code)
        code = api_meters_new(&server->meters, reterr);
    if (!code)
        code = api_events_new(kick, server, &server->events, reterr);
    if (!code && !(server->reload = api_reload_new()))
        code = insp_fail(reterr, INSP_E_NOMEM, "no memory for the server");
    struct insp_pipeline_config pipeline = {.image_limits = config->image_limits, /* the line's share */
                                            .lanes = config->lanes,
                                            .engine = config->engine,
                                            .store = config->store,
                                            .frozen_repeats = config->frozen_repeats,
                                            .on_nospace = api_housekeeping_now,
                                            .on_nospace_arg = server,
                                            .opinion = api_shadow_opinion,
                                            .opinion_arg = server};
    if (!code)
        code = api_shadow_new(server, &server->shadow, reterr);
    if (!code)
        code = insp_pipeline_new(&pipeline, &server->pipeline, reterr);
    if (!code)
        code = insp_models_new(config->lanes, config->engine, server->state_dir, &server->models, reterr);
    if (!code)
        insp_models_on_change(server->models, on_model_changed, server);
    if (!code && config->modbus.listen[0])
        code = api_stations_new(config->modbus.stations, config->modbus.products, config->modbus.heartbeat_s,
                                &server->stations, reterr);
    if (!code)
        code = api_cameras_new(&server->cameras, reterr);
    if (!code)
        code = api_error_pages_open(reterr);
    if (!code)
        code = start_mhd(server, reterr);
    if (!code) /* before start_handles, because it fails on a full disk, and handles would need the loop to close
                */
        code = start_jobs(server, reterr);
    if (!code)
        code = api_sinks_new(server, sink_makers, INSP_COUNT(sink_makers), &server->sinks, reterr);
    if (!code)
        code = api_folder_new(server, &server->folder, reterr);
    if (!code)
        code = start_handles(server, reterr);
    if (!code)
        insp_models_load_pending(server->models);
    return code;
}

int api_server_new(uv_loop_t *loop, const struct api_config *config, struct api_server **ret,
                   struct insp_error *reterr) {
    struct api_server *server = calloc(1, sizeof *server);
    if (!server)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the server");
    server->loop = loop;
    server->listen_fd = -1;
    server->turned_us = insp_mono_us();
    int code = start(server, config, reterr);
    if (code) {
        api_server_free(server);
        return code;
    }
    insp_log_info("listening address=%s tls=%s access=%s products=%zu state_dir=%s", server->address,
                  server->tls ? "yes" : "no", api_gate_is_open(&server->gate) ? "open" : "tokens",
                  insp_models_count(server->models), server->state_dir);
    *ret = server;
    return 0;
}
