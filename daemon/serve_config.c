#include "daemon/serve_config.h"

#include <string.h>

enum { CHORES = 2 }; /* housekeeping and reading models again */

static const int64_t day_us = INT64_C(86400) * 1000000;

struct insp_device_config daemon_device_config(const struct daemon_settings *settings) {
    const char *engine = settings->device_cpu_engine;
    return (struct insp_device_config){
        .name = settings->device_name,
        .threads = (unsigned)settings->device_threads,
        .engine = !strcmp(engine, "packed")  ? INSP_CPU_PACKED
                  : !strcmp(engine, "torch") ? INSP_CPU_TORCH
                                             : INSP_CPU_AUTO,
        .deterministic = false,
    };
}

struct insp_device_config daemon_training_device_config(const struct daemon_settings *settings) {
    struct insp_device_config config = daemon_device_config(settings);
    config.threads = (unsigned)settings->training_threads;
    config.deterministic = true;
    config.batch_max = 16; /* of an evaluation; the feature cache's are smaller */
    return config;
}

struct insp_image_limits daemon_image_limits(const struct daemon_settings *settings) {
    return (struct insp_image_limits){
        .bytes = (size_t)settings->limits_body_bytes,
        .width = (uint32_t)settings->limits_image_width,
        .height = (uint32_t)settings->limits_image_height,
        .pixels = settings->limits_image_pixels,
        .jpeg_stray_bytes = (uint32_t)settings->decode_jpeg_stray_bytes,
        .png16_bits = (unsigned)settings->decode_png16_bits,
    };
}

struct insp_lanes_config daemon_lanes_config(const struct daemon_settings *settings) {
    const size_t inflight = (size_t)settings->limits_inflight;
    struct insp_lanes_config config = {0};
    config.lane[INSP_LANE_LINE].threads = (unsigned)settings->server_pool_threads;
    config.lane[INSP_LANE_LINE].queue_max = 2 * inflight; /* the pipeline never queues more */
    config.lane[INSP_LANE_LARGE].threads = (unsigned)settings->server_pool_threads / 2;
    config.lane[INSP_LANE_LARGE].queue_max = 2 * inflight;
    config.lane[INSP_LANE_BACK].threads = (unsigned)settings->server_background_threads;
    config.lane[INSP_LANE_BACK].queue_max = (size_t)settings->limits_background_queue;
    config.lane[INSP_LANE_CHORE].threads = CHORES; /* one thread per chore, so that none waits for another */
    config.lane[INSP_LANE_CHORE].queue_max = CHORES;
    config.lane[INSP_LANE_JOB].threads = 1;
    config.lane[INSP_LANE_JOB].queue_max = 1;
    config.lane[INSP_LANE_FILES].threads = 1;
    config.lane[INSP_LANE_FILES].queue_max = 1;
    return config;
}

enum insp_durability daemon_durability(const struct daemon_settings *settings) {
    return !strcmp(settings->storage_durability, "power") ? INSP_DURABLE_POWER : INSP_DURABLE_PROCESS;
}

static enum api_open_access daemon_open_access(const struct daemon_settings *settings) {
    const char *text = settings->server_open_access;
    return !strcmp(text, "always") ? API_OPEN_ALWAYS : !strcmp(text, "never") ? API_OPEN_NEVER : API_OPEN_AUTO;
}

static struct insp_retention retention(const struct daemon_settings *settings) {
    return (struct insp_retention){
        .good_age_us = (int64_t)settings->storage_keep_good_days * day_us,
        .anomaly_age_us = (int64_t)settings->storage_keep_anomaly_days * day_us,
        .free_bytes_min = settings->storage_free_bytes_min == DAEMON_SIZE_AUTO ? INSP_FREE_BYTES_AUTO
                                                                               : settings->storage_free_bytes_min,
        .sweep_percent = (unsigned)settings->storage_sweep_percent,
        .hour_percent = (unsigned)settings->storage_hour_percent,
        .reserve_percent = (unsigned)settings->storage_reserve_percent,
        .quarantine_bytes_max = settings->storage_quarantine_bytes_max,
        .quarantine_age_us = (int64_t)settings->storage_quarantine_days * day_us,
        .image_bytes_max = settings->storage_image_bytes_max,
        .thumbnail_bytes_max = settings->storage_thumbnail_bytes_max,
    };
}

static struct api_mqtt_config mqtt_config(const struct daemon_settings *settings) {
    return (struct api_mqtt_config){
        .url = settings->mqtt_url,
        .prefix = settings->mqtt_prefix,
        .username = settings->mqtt_username,
        .password_file = settings->mqtt_password_file,
        .ca_file = settings->mqtt_ca_file,
        .certificate = settings->mqtt_certificate,
        .key = settings->mqtt_key,
        .sparkplug_group = settings->mqtt_sparkplug_group,
        .sparkplug_node = settings->mqtt_sparkplug_node,
        .commands = settings->mqtt_commands,
        .last = settings->mqtt_last,
    };
}

static struct api_watch_config watch_config(const struct daemon_settings *settings) {
    return (struct api_watch_config){
        .folder = settings->watch_folder,
        .pattern = settings->watch_pattern,
        .result = settings->watch_result,
        .after = settings->watch_after,
        .settle_ms = (unsigned)settings->watch_settle_ms,
    };
}

struct api_config daemon_api_config(const struct daemon_settings *settings) {
    return (struct api_config){
        .listen = settings->server_listen,
        .listen_fd = -1,
        .state_dir = settings->storage_state_dir,
        .tls_certificate = settings->server_tls_certificate,
        .tls_key = settings->server_tls_key,
        .open_access = daemon_open_access(settings),
        .hosts = settings->server_hosts,
        .origins = settings->server_origins,
        .trusted_proxies = settings->server_trusted_proxies,
        .hsts_s = (unsigned)settings->server_hsts_s,
        .inflight = (unsigned)settings->limits_inflight,
        .batch = (unsigned)settings->limits_batch,
        .body_bytes = (size_t)settings->limits_body_bytes,
        .exports = (unsigned)settings->limits_exports,
        .event_streams = (unsigned)settings->limits_event_streams,
        .answer_bytes = (size_t)settings->limits_answer_bytes,
        .connections = (unsigned)settings->server_connections,
        .connections_per_address = (unsigned)settings->server_connections_per_address,
        .request_timeout_s = (unsigned)settings->server_request_timeout_s,
        .event_ping_s = (unsigned)settings->server_event_ping_s,
        .deadline_ms = (unsigned)settings->limits_deadline_ms,
        .selftest_s = (unsigned)settings->device_selftest_interval_s,
        .image_limits = daemon_image_limits(settings),
        .takt = settings->line_takt,
        .frozen_repeats = (unsigned)settings->line_frozen_repeats,
        .modbus =
            {
                .listen = settings->modbus_listen,
                .stations = settings->modbus_stations,
                .products = settings->modbus_products,
                .clients = settings->modbus_clients,
                .connections = (unsigned)settings->modbus_connections,
                .idle_s = (unsigned)settings->modbus_idle_s,
                .heartbeat_s = (unsigned)settings->modbus_heartbeat_s,
            },
        .retention = retention(settings),
        .retention_interval_s = (unsigned)settings->storage_sweep_interval_s,
        .dataset_roots = settings->training_dataset_roots,
        .trash_days = (unsigned)settings->training_trash_days,
        .training_device = daemon_training_device_config(settings),
        .cache_bytes_max = settings->training_cache_bytes,
        .cache_half = settings->training_cache_half,
        .job_memory_bytes = settings->training_memory_bytes,
        .trunk_url = settings->training_trunk_url,
        .trunk_sha256 = settings->training_trunk_sha256,
        .job_queue = (unsigned)settings->training_queue,
        .mqtt = mqtt_config(settings),
        .watch = watch_config(settings),
        .webhook = {.url = settings->webhook_url,
                    .secret_file = settings->webhook_secret_file,
                    .ca_file = settings->webhook_ca_file,
                    .verdicts = settings->webhook_verdicts,
                    .products = settings->webhook_products,
                    .private_redirects = settings->webhook_private_redirects},
    };
}
