/* Chores on the pool at intervals: how full the store is, and retention. One at a time. */
#include "api/server.h"

#include "core/base/clock.h"
#include "core/base/log.h"

static void sweep_store(struct api_server *server, int64_t now) {
    struct insp_retention_result swept = {0};
    struct insp_error error = {0};
    if (insp_retention_sweep(server->config.store, &server->config.retention, now, &swept, &error))
        insp_log_error("retention failed code=%s detail=\"%s\"", insp_code_wire(error.code), error.detail);
    else if (swept.rows || swept.images)
        insp_log_info("retention removed rows=%llu images=%llu bytes=%llu", (unsigned long long)swept.rows,
                      (unsigned long long)swept.images, (unsigned long long)swept.bytes);
}

static void chore(uv_work_t *work) {
    struct api_server *server = work->data;
    int64_t now = insp_wall_us();
    if (server->retention_due_us && insp_mono_us() >= server->retention_due_us) {
        sweep_store(server, now);
        server->retention_due_us = 0;
    }
    struct insp_store_usage usage = {0};
    if (!insp_store_usage(server->config.store, &usage, NULL)) {
        server->chore_usage = usage;
        server->chore_usage_known = true;
    }
}

static void chore_done(uv_work_t *work, int status) {
    (void)status;
    struct api_server *server = work->data;
    server->chore_running = false;
    server->usage = server->chore_usage;
    server->usage_known = server->chore_usage_known;
    if (!server->retention_due_us)
        server->retention_due_us = insp_mono_us() + (int64_t)server->config.retention_interval_s * 1000000;
    if (server->stopping)
        api_stop_check(server);
}

void api_housekeeping(uv_timer_t *timer) {
    struct api_server *server = timer->data;
    if (server->chore_running || server->stopping)
        return;
    server->chore.data = server;
    server->chore_running = !uv_queue_work(server->loop, &server->chore, chore, chore_done);
}

void api_housekeeping_now(void *arg) {
    struct api_server *server = arg;
    if (server->chore_running || server->stopping)
        return;
    server->retention_due_us = 1; /* overdue */
    api_housekeeping(&server->housekeeping);
}
