#include "daemon/serve.h"

#include "api/api.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/model/bundle.h"
#include "core/store/health.h"
#include "daemon/cli/cli.h"
#include "daemon/descriptors.h"
#include "daemon/notify.h"
#include "daemon/serve_config.h"
#include "daemon/state_lock.h"
#include "daemon/trunk_choice.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIGNALS = 3, PULSE_MS = 1000 };
static const int signal_numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

/* On daemon_serve's stack; outlives the loop. */
struct daemon {
    const struct daemon_settings *settings;
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS];
    uv_timer_t pulse; /* feeds the watchdog, reports readiness */
    struct insp_store *store;
    struct insp_lanes *lanes;
    struct insp_image_budget *budget;
    struct insp_busy *busy; /* raised by the engine, read by a job's process */
    struct insp_engine *engine;
    struct api_server *server;
    struct daemon_state_lock lock;
    bool watchdog, stopping, ready;
    char cache_folder[INSP_PATH_BYTES];
};

static const char *status_text(const struct daemon *daemon, char *buffer, size_t bytes) {
    snprintf(buffer, bytes, "%s on %s", daemon->ready ? "Inspecting" : "Not ready: see /readyz",
             api_server_address(daemon->server));
    return buffer;
}

/* --- stopping --- */

static void close_handles(struct daemon *daemon) {
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&daemon->signals[i], NULL);
    uv_close((uv_handle_t *)&daemon->pulse, NULL);
}

static void lanes_closed(void *arg) {
    struct daemon *daemon = arg;
    daemon->lanes = NULL;
    close_handles(daemon);
}

static void close_lanes(struct daemon *daemon) {
    if (daemon->lanes)
        insp_lanes_close(daemon->lanes, lanes_closed, daemon);
    else
        close_handles(daemon);
}

static void engine_closed(void *arg) {
    struct daemon *daemon = arg;
    daemon->engine = NULL;
    close_lanes(daemon);
}

static void server_stopped(void *arg) {
    struct daemon *daemon = arg;
    daemon->server = NULL;
    insp_engine_close(daemon->engine, engine_closed, daemon);
}

static void begin_stop(struct daemon *daemon, int number) {
    if (daemon->stopping) {
        insp_log_warning("stopping at once signal=%s", strsignal(number));
        _exit(CLI_FAILED);
    }
    daemon->stopping = true;
    insp_log_info("stopping signal=%s grace_s=%u", strsignal(number),
                  (unsigned)daemon->settings->server_shutdown_grace_s);
    daemon_notify_stopping("Stopping: finishing running inspections");
    api_server_stop(daemon->server, (unsigned)daemon->settings->server_shutdown_grace_s * 1000, server_stopped,
                    daemon);
}

/* --- running --- */

/* Reports the end of a reload, so that `systemctl reload` returns when the new tokens and models are in use. */
static void reloaded(void *arg) {
    struct daemon *daemon = arg;
    char status[512];
    if (!daemon->stopping)
        daemon_notify_ready(status_text(daemon, status, sizeof status));
}

static void reload(struct daemon *daemon) {
    if (daemon->stopping)
        return;
    insp_log_info("reading tokens and models again");
    daemon_notify_reloading();
    api_server_reload(daemon->server, reloaded, daemon);
}

static void on_signal(uv_signal_t *handle, int number) {
    struct daemon *daemon = handle->data;
    if (number == SIGHUP)
        reload(daemon);
    else
        begin_stop(daemon, number);
}

static void on_pulse(uv_timer_t *timer) {
    struct daemon *daemon = timer->data;
    char status[512];
    if (!daemon->server) /* the engine finishes its last pass */
        return;
    if (daemon->watchdog && api_server_healthy(daemon->server, insp_mono_us()))
        daemon_notify_watchdog();
    bool ready = api_server_ready(daemon->server);
    if (ready == daemon->ready || daemon->stopping)
        return;
    daemon->ready = ready;
    daemon_notify_status(status_text(daemon, status, sizeof status));
    if (ready)
        insp_log_info("ready address=%s", api_server_address(daemon->server));
    else
        insp_log_warning("no longer ready address=%s", api_server_address(daemon->server));
}

/* --- starting --- */

static int start_loop(struct daemon *daemon, struct insp_error *reterr) {
    int r = uv_loop_init(&daemon->loop);
    if (r < 0)
        return insp_fail(reterr, INSP_E_INTERNAL, "cannot create the event loop: %s", uv_strerror(r));
    uv_timer_init(&daemon->loop, &daemon->pulse);
    daemon->pulse.data = daemon;
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(&daemon->loop, &daemon->signals[i]);
        daemon->signals[i].data = daemon;
    }
    return 0;
}

static int start_store(struct daemon *daemon, struct insp_error *reterr) {
    const char *state_dir = daemon->settings->storage_state_dir;
    int r = daemon_state_lock(state_dir, &daemon->lock, reterr);
    if (r == 0)
        r = insp_path(daemon->cache_folder, reterr, "%s/cache/features", state_dir);
    if (r == 0)
        r = insp_bundle_sweep(state_dir, reterr);
    if (r == 0)
        r = insp_store_open(state_dir, daemon_durability(daemon->settings), &daemon->store, reterr);
    if (r == 0)
        r = insp_store_check_begin(daemon->store, reterr);
    return r;
}

static int start_lanes(struct daemon *daemon, struct insp_error *reterr) {
    const struct insp_lanes_config config = daemon_lanes_config(daemon->settings);
    int r = insp_image_budget_new(daemon->settings->limits_decode_pixels, daemon->settings->limits_decode_bytes,
                                  &daemon->budget, reterr);
    return r < 0 ? r : insp_lanes_new(&daemon->loop, &config, &daemon->lanes, reterr);
}

static int load_trunk(struct daemon *daemon, struct insp_error *reterr) {
    const char *state_dir = daemon->settings->storage_state_dir;
    char sha256[INSP_SHA256_HEX_BYTES];
    int r = daemon_choose_trunk(state_dir, sha256, reterr);
    if (r < 0)
        return r;
    if (!*sha256) {
        insp_log_warning("no trunk is installed, so no image can be inspected; run `inspectd trunk import` or "
                         "`inspectd trunk bank`, then `inspectd train`");
        return 0;
    }
    return insp_engine_open_trunk(daemon->engine, state_dir, sha256, reterr);
}

static int start_engine(struct daemon *daemon, struct insp_error *reterr) {
    int r = insp_busy_new(&daemon->busy, reterr);
    if (r < 0)
        return r;
    const struct insp_engine_config config = {
        .device = daemon_device_config(daemon->settings),
        .batch_max = (size_t)daemon->settings->limits_batch,
        .busy = daemon->busy,
    };
    r = insp_engine_new(&daemon->loop, &config, &daemon->engine, reterr);
    if (r < 0)
        return r;
    struct insp_engine_status status;
    insp_engine_status(daemon->engine, &status);
    insp_log_info("device opened asked=%s got=%s description=%s", daemon->settings->device_name, status.device,
                  INSP_LOG_QUOTED(status.description));
    return load_trunk(daemon, reterr);
}

static int start_server(struct daemon *daemon, struct insp_error *reterr) {
    struct api_config config = daemon_api_config(daemon->settings);
    config.lanes = daemon->lanes;
    config.image_limits.budget = daemon->budget;
    config.busy = daemon->busy;
    config.engine = daemon->engine;
    config.store = daemon->store;
    config.cache_folder = daemon->cache_folder;
    const struct daemon_settings *settings = daemon->settings;
    unsigned pool_threads = (unsigned)(settings->server_pool_threads + settings->server_background_threads);
    unsigned plcs = *settings->modbus_listen ? (unsigned)settings->modbus_connections + 1 : 0;
    int r = daemon_notify_socket(&config.listen_fd, reterr);
    if (r == 0)
        r = daemon_descriptors_raise(config.connections, pool_threads, plcs, &config.connections, reterr);
    if (r == 0)
        r = api_server_new(&daemon->loop, &config, &daemon->server, reterr);
    return r;
}

static int start_handles(struct daemon *daemon, struct insp_error *reterr) {
    uint64_t watchdog_ms = daemon_notify_watchdog_ms();
    uint64_t pulse_ms = watchdog_ms && watchdog_ms < PULSE_MS ? watchdog_ms : PULSE_MS;
    daemon->watchdog = watchdog_ms > 0;
    int r = uv_timer_start(&daemon->pulse, on_pulse, 0, pulse_ms);
    for (size_t i = 0; r == 0 && i < SIGNALS; i++)
        r = uv_signal_start(&daemon->signals[i], on_signal, signal_numbers[i]);
    return r < 0 ? insp_fail(reterr, INSP_E_INTERNAL, "cannot watch signals: %s", uv_strerror(r)) : 0;
}

static int start(struct daemon *daemon, struct insp_error *reterr) {
    char status[512];
    int r = start_store(daemon, reterr);
    if (r == 0)
        r = start_lanes(daemon, reterr);
    if (r == 0)
        r = start_engine(daemon, reterr);
    if (r == 0)
        r = start_handles(daemon, reterr);
    if (r == 0)
        r = start_server(daemon, reterr);
    if (r < 0)
        return r;
    daemon_notify_ready(status_text(daemon, status, sizeof status));
    return 0;
}

/* Closes what start() had opened when it failed; runs the loop so that handles close. */
static void undo_start(struct daemon *daemon) {
    if (daemon->engine)
        insp_engine_close(daemon->engine, engine_closed, daemon);
    else
        close_lanes(daemon);
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
}

/* Fixes glibc's malloc limits. By default they grow to the largest freed buffer (a model's weights, tens of
 * megabytes), so each thread that has loaded a model keeps that much in its arena after a swap. With fixed limits,
 * weights are mapped and returned to the system at once, and the smaller buffers of inspections stay in the
 * arenas. */
static void bound_memory(void) {
    enum { MAPPED_FROM = 8 << 20, KEPT_AT_MOST = 16 << 20 };
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    mallopt(M_TRIM_THRESHOLD, KEPT_AT_MOST);
#endif
}

int daemon_serve(const struct daemon_settings *settings, struct insp_error *reterr) {
    struct daemon daemon = {.settings = settings, .lock = {-1, -1}};
    enum insp_log_level level = INSP_LOG_INFO;
    insp_log_level_parse(settings->log_level, &level);
    insp_log_set_level(level);
    bound_memory();
    umask(0077);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* a parent that ignored it would take the exit status of jobs away */
    insp_log_info("inspectd starts version=%s libtorch=%s", INSP_VERSION, insp_torch_version());
    int r = start_loop(&daemon, reterr);
    if (r < 0)
        return r;
    r = start(&daemon, reterr);
    if (r == 0)
        uv_run(&daemon.loop, UV_RUN_DEFAULT);
    else
        undo_start(&daemon);
    insp_busy_free(daemon.busy);
    insp_store_close(daemon.store);
    insp_image_budget_free(daemon.budget);
    if (uv_loop_close(&daemon.loop) < 0)
        insp_log_warning("the event loop still had open handles when it ended");
    daemon_state_unlock(&daemon.lock);
    if (r == 0)
        insp_log_info("stopped");
    return r;
}

int cli_serve(const struct cli_command *command, int argc, char **argv) {
    struct cli_call call;
    struct insp_error error;
    int code;
    if (!cli_parse(&call, command, argc, argv, NULL, 0, 0, 0, &code))
        return code;
    return daemon_serve(&call.settings, &error) == 0 ? CLI_OK : cli_fail(command, &error);
}
