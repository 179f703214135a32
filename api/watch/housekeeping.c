/* Runs the chore at intervals, one at a time, in lane CHORE: probes the store, reads its usage and runs retention.
 * Retention removes images for space only after the chore before has logged the alarm, unless the disk is full. */
#include "api/watch/housekeeping.h"

#include "api/server/server.h"
#include "api/server/stop.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/jobs/dataset_sets.h"
#include "core/store/health.h"

enum { AT_ONCE_US = 1 }; /* retention_due_us after a put that met a full disk */

static void look_at_disk(struct api_server *server, struct api_storage *storage) {
    const struct insp_retention *policy = &server->config.retention;
    struct insp_store_usage usage = {0};
    if (insp_store_usage(server->config.store, &usage, NULL))
        return;
    const struct insp_retention_disk disk = {usage.free_bytes, usage.total_bytes, usage.image_bytes};
    struct insp_retention_need need = {0};
    bool helpless;
    storage->usage = usage;
    storage->usage_known = true;
    storage->free_limit_bytes = insp_retention_free_min(policy->free_bytes_min, usage.total_bytes);
    insp_retention_need_free(policy, &disk, &need, &storage->low, &helpless);
}

static void look_at_store(struct api_server *server, struct api_storage *storage) {
    struct insp_error error = {0};
    bool healthy = insp_store_probe(server->config.store, &error) == 0;
    if (!healthy && (storage->healthy || !server->storage_told))
        insp_log_error("the storage fails code=%s detail=%s", insp_code_wire(error.code),
                       INSP_LOG_QUOTED(error.detail));
    if (healthy && !storage->healthy && server->storage_told)
        insp_log_info("the storage works again");
    server->storage_told = true;
    storage->healthy = healthy;
}

static void log_alarms(unsigned before, unsigned after) {
    for (unsigned bit = 1; bit < 1U << INSP_ALARMS; bit <<= 1) {
        if (after & ~before & bit)
            insp_log_warning("storage alarm=%s detail=%s", insp_retention_alarm_name(bit),
                             INSP_LOG_QUOTED(api_storage_alarm_text(bit)));
        if (before & ~after & bit)
            insp_log_info("storage alarm is over alarm=%s", insp_retention_alarm_name(bit));
    }
}

static void log_swept(const struct insp_retention_result *swept) {
    if (swept->aged || swept->images)
        insp_log(swept->alarms & INSP_ALARM_SPACE ? INSP_LOG_WARNING : INSP_LOG_INFO,
                 "retention removed rows=%llu images=%llu bytes=%llu", (unsigned long long)swept->aged,
                 (unsigned long long)swept->images, (unsigned long long)swept->bytes);
    if (swept->quarantined)
        insp_log_warning("moved image files without a row to the quarantine files=%llu",
                         (unsigned long long)swept->quarantined);
    if (swept->expired)
        insp_log_info("removed files from the quarantine files=%llu", (unsigned long long)swept->expired);
}

static void sweep_store(struct api_server *server, struct api_storage *storage, bool warned) {
    struct insp_retention policy = server->config.retention;
    const struct insp_retention_now now = {insp_wall_us(), insp_mono_us()};
    struct insp_retention_result swept;
    struct insp_error error = {0};
    if (!warned)
        policy.free_bytes_min = 0;
    if (insp_retention_sweep(server->config.store, &policy, &now, &swept, &error))
        insp_log_error("retention failed code=%s detail=%s", insp_code_wire(error.code),
                       INSP_LOG_QUOTED(error.detail));
    log_swept(&swept);
    storage->swept_alarms = swept.alarms;
    storage->aged += swept.aged;
    storage->images += swept.images;
    storage->quarantined += swept.quarantined;
    storage->expired += swept.expired;
    storage->orphans = swept.orphans;
    storage->quarantine_bytes = swept.quarantine_bytes;
}

/* Empties the trash of the datasets by age, unless the clock is doubted. */
static void sweep_trash(const struct api_server *server, const struct api_storage *storage) {
    int64_t days = server->config.trash_days, day_us = INT64_C(86400000000);
    struct insp_error error = {0};
    size_t changes;
    if (!days || (storage->swept_alarms & INSP_ALARM_CLOCK))
        return;
    if (insp_dataset_sets_forget(server->dataset_roots, insp_wall_us() - days * day_us, &changes, &error) < 0)
        insp_log_warning("the trash of a dataset is not emptied code=%s detail=%s", insp_code_wire(error.code),
                         INSP_LOG_QUOTED(error.detail));
    if (changes)
        insp_log_info("the trash of the datasets was emptied changes=%zu", changes);
}

static void chore(struct insp_task *task) {
    struct api_server *server = task->data;
    struct api_storage *storage = &server->chore_storage;
    unsigned alarms = api_storage_alarms(storage);
    bool warned = storage->low || server->retention_due_us == AT_ONCE_US;
    look_at_store(server, storage);
    look_at_disk(server, storage);
    api_drift_read(server->config.store, server->models, insp_wall_us(), &server->chore_drift);
    log_alarms(alarms, api_storage_alarms(storage));
    alarms = api_storage_alarms(storage);
    if (server->retention_due_us && insp_mono_us() >= server->retention_due_us) {
        sweep_store(server, storage, warned);
        sweep_trash(server, storage);
        server->retention_due_us = 0;
        look_at_disk(server, storage);
        log_alarms(alarms, api_storage_alarms(storage));
    }
}

static void chore_done(struct insp_task *task) {
    struct api_server *server = task->data;
    server->chore_running = false;
    server->storage = server->chore_storage;
    api_drift_keep_serving(&server->chore_drift, server->models);
    api_drift_log(&server->drift, &server->chore_drift);
    server->drift = server->chore_drift;
    if (!server->retention_due_us)
        server->retention_due_us = insp_mono_us() + (int64_t)server->config.retention_interval_s * 1000000;
    if (server->stopping)
        api_stop_check(server);
}

void api_housekeeping(uv_timer_t *timer) {
    struct api_server *server = timer->data;
    if (server->chore_running || server->stopping)
        return;
    server->chore = (struct insp_task){.run = chore, .done = chore_done, .data = server};
    server->chore_running = true;
    insp_work_always(server->config.lanes, INSP_LANE_CHORE, &server->chore);
}

void api_housekeeping_now(void *arg) {
    struct api_server *server = arg;
    if (server->chore_running || server->stopping)
        return;
    server->retention_due_us = AT_ONCE_US;
    api_housekeeping(&server->housekeeping);
}
