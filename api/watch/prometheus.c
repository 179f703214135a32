#include "api/watch/prometheus.h"

#include "api/cameras/cameras.h"
#include "api/listen/listener.h"
#include "api/modbus/modbus.h"
#include "api/server/server.h"
#include "api/shadow/shadow.h"
#include "api/sinks/sinks.h"
#include "api/sources/folder.h"
#include "api/watch/events.h"
#include "api/watch/process.h"

#include <stdio.h>
#include <stdlib.h>

void api_metrics_escape(const char *value, char *out, size_t bytes) {
    size_t used = 0;
    for (; *value && used + 3 <= bytes; value++) {
        if (*value == '\\' || *value == '"' || *value == '\n')
            out[used++] = '\\';
        out[used++] = *value == '\n' ? 'n' : *value;
    }
    out[used] = 0;
}

static void head(FILE *out, const char *name, const char *type, const char *help) {
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(FILE *out, const char *name, const char *help, double value) {
    head(out, name, "gauge", help);
    fprintf(out, "%s %.17g\n", name, value);
}

static void counter(FILE *out, const char *name, const char *help, double value) {
    head(out, name, "counter", help);
    fprintf(out, "%s %.17g\n", name, value);
}

static void write_histogram(FILE *out, const char *name, const char *label, const char *value,
                            const struct api_histogram *h) {
    uint64_t below = 0;
    for (size_t i = 0; i < API_METERS_BUCKETS; i++) {
        below += h->bucket[i];
        fprintf(out, "%s_bucket{%s=\"%s\",le=\"%g\"} %llu\n", name, label, value, api_meters_bounds[i],
                (unsigned long long)below);
    }
    fprintf(out, "%s_bucket{%s=\"%s\",le=\"+Inf\"} %llu\n", name, label, value, (unsigned long long)h->count);
    fprintf(out, "%s_sum{%s=\"%s\"} %.6f\n%s_count{%s=\"%s\"} %llu\n", name, label, value, h->sum, name, label,
            value, (unsigned long long)h->count);
}

static void write_inspections(FILE *out, const struct api_meters *meters) {
    char camera[2 * INSP_TAG_BYTES + 1];
    head(out, "inspectd_inspections_total", "counter", "Inspections with a verdict.");
    for (size_t i = 0; i < meters->series_count; i++) {
        const struct api_meters_series *s = &meters->series[i];
        api_metrics_escape(s->camera, camera, sizeof camera);
        fprintf(out, "inspectd_inspections_total{product=\"%s\",camera=\"%s\",verdict=\"%s\"} %llu\n", s->product,
                camera, insp_verdict_name(s->verdict), (unsigned long long)s->count);
    }
    head(out, "inspectd_late_verdicts_total", "counter",
         "Verdicts that came later than the takt of their product.");
    for (size_t i = 0; i < meters->series_count; i++) {
        const struct api_meters_series *s = &meters->series[i];
        api_metrics_escape(s->camera, camera, sizeof camera);
        fprintf(out, "inspectd_late_verdicts_total{product=\"%s\",camera=\"%s\",verdict=\"%s\"} %llu\n",
                s->product, camera, insp_verdict_name(s->verdict), (unsigned long long)s->late);
    }
    head(out, "inspectd_suspect_pictures_total", "counter", "Suspect pictures, by reason.");
    for (unsigned i = 0; i < INSP_SUSPECT_COUNT; i++)
        fprintf(out, "inspectd_suspect_pictures_total{reason=\"%s\"} %llu\n",
                insp_suspect_name((enum insp_suspect_reason)i), (unsigned long long)meters->suspect[i]);
    counter(out, "inspectd_jpeg_stray_bytes_total", "Bytes skipped before markers in the scans of JPEGs.",
            (double)meters->jpeg_stray_bytes);
    head(out, "inspectd_refused_total", "counter", "Inspections refused or failed, by problem code.");
    for (size_t i = 0; i < meters->refused_count; i++)
        fprintf(out, "inspectd_refused_total{reason=\"%s\"} %llu\n", meters->refused[i].code,
                (unsigned long long)meters->refused[i].count);
    counter(out, "inspectd_deadline_misses_total", "Inspections whose deadline passed before the verdict.",
            (double)meters->deadline_misses);
    head(out, "inspectd_stage_duration_seconds", "histogram", "Time of an inspection in each stage.");
    for (size_t i = 0; i < API_STAGES; i++)
        write_histogram(out, "inspectd_stage_duration_seconds", "stage", api_meters_stage_name[i],
                        &meters->stage[i]);
}

static void write_requests(FILE *out, const struct api_meters *meters) {
    head(out, "inspectd_http_requests_total", "counter",
         "HTTP requests by class of status; 0xx: the connection ended before an answer.");
    for (size_t i = 0; i < INSP_COUNT(meters->status); i++)
        fprintf(out, "inspectd_http_requests_total{status=\"%zuxx\"} %llu\n", i,
                (unsigned long long)meters->status[i]);
    head(out, "inspectd_request_duration_seconds", "histogram",
         "From the headers of a request to the end of its answer, without event streams.");
    for (size_t i = 0; i < API_CALLS; i++)
        write_histogram(out, "inspectd_request_duration_seconds", "call", api_meters_call_name[i],
                        &meters->request[i]);
}

/* Writes the batch sizes with the bounds 1, 2, 4 .. INSP_BATCH_LIMIT images. */
static void write_batches(FILE *out, const struct insp_engine_status *status) {
    uint64_t below = 0;
    size_t n = 1;
    head(out, "inspectd_batch_size", "histogram", "Images per forward pass.");
    for (size_t bound = 1; bound <= INSP_BATCH_LIMIT; bound *= 2) {
        for (; n <= bound; n++)
            below += status->passes_of[n];
        fprintf(out, "inspectd_batch_size_bucket{le=\"%zu\"} %llu\n", bound, (unsigned long long)below);
    }
    fprintf(out,
            "inspectd_batch_size_bucket{le=\"+Inf\"} %llu\ninspectd_batch_size_sum %llu\n"
            "inspectd_batch_size_count %llu\n",
            (unsigned long long)status->passes, (unsigned long long)status->images,
            (unsigned long long)status->passes);
}

static void write_device(FILE *out, const struct insp_engine_status *status) {
    const struct insp_device_usage *memory = &status->memory;
    if (!memory->total_bytes) /* a CPU has no separate memory; process_resident_memory_bytes covers it */
        return;
    const struct {
        const char *name, *help;
        uint64_t bytes;
    } row[] = {
        {"inspectd_device_memory_allocated_bytes", "Device memory in use by tensors.", memory->allocated_bytes},
        {"inspectd_device_memory_reserved_bytes", "Device memory held by this process's allocator.",
         memory->reserved_bytes},
        {"inspectd_device_memory_free_bytes", "Device memory that no process holds.", memory->free_bytes},
        {"inspectd_device_memory_total_bytes", "Total device memory.", memory->total_bytes},
    };
    for (size_t i = 0; i < INSP_COUNT(row); i++)
        gauge(out, row[i].name, row[i].help, (double)row[i].bytes);
}

static void write_engine(FILE *out, const struct api_server *server) {
    struct insp_engine_status status;
    insp_engine_status(server->config.engine, &status);
    gauge(out, "inspectd_in_flight", "Inspections between headers and answer.",
          (double)server->held[API_PLACE_INSPECTION]);
    gauge(out, "inspectd_in_flight_limit", "Setting limits.inflight.", server->config.inflight);
    gauge(out, "inspectd_queue_depth", "Images waiting for the device.", (double)status.queued);
    gauge(out, "inspectd_batch_images", "Images in the running pass.", (double)status.in_pass);
    counter(out, "inspectd_passes_total", "Forward passes.", (double)status.passes);
    counter(out, "inspectd_images_scored_total", "Images scored by forward passes.", (double)status.images);
    write_batches(out, &status);
    write_device(out, &status);
    head(out, "inspectd_model_info", "gauge",
         "Always 1: the version that serves a product, its trunk and the device.");
    for (size_t i = 0; i < insp_models_count(server->models); i++) {
        const struct insp_served_model *item = insp_models_at(server->models, i);
        if (item->model)
            fprintf(out, "inspectd_model_info{product=\"%s\",version=\"%s\",trunk=\"%.12s\",device=\"%s\"} 1\n",
                    item->product, item->model->manifest->version, item->model->trunk_sha256, status.device);
    }
}

static void write_lanes(FILE *out, const struct api_server *server) {
    struct insp_lane_status status[INSP_LANES];
    struct insp_image_budget_status budget;
    for (size_t i = 0; i < INSP_LANES; i++)
        insp_work_status(server->config.lanes, (enum insp_lane)i, &status[i]);
    head(out, "inspectd_lane_queued", "gauge", "Tasks waiting for a thread of the lane.");
    for (size_t i = 0; i < INSP_LANES; i++)
        fprintf(out, "inspectd_lane_queued{lane=\"%s\"} %zu\n", insp_lane_name((enum insp_lane)i),
                status[i].queued);
    head(out, "inspectd_lane_running", "gauge", "Threads of the lane that run a task.");
    for (size_t i = 0; i < INSP_LANES; i++)
        fprintf(out, "inspectd_lane_running{lane=\"%s\"} %zu\n", insp_lane_name((enum insp_lane)i),
                status[i].running);
    head(out, "inspectd_lane_threads", "gauge", "Threads of the lane.");
    for (size_t i = 0; i < INSP_LANES; i++)
        fprintf(out, "inspectd_lane_threads{lane=\"%s\"} %u\n", insp_lane_name((enum insp_lane)i),
                status[i].threads);
    head(out, "inspectd_lane_refused_total", "counter", "Tasks refused because the lane's queue was full.");
    for (size_t i = 0; i < INSP_LANES; i++)
        fprintf(out, "inspectd_lane_refused_total{lane=\"%s\"} %llu\n", insp_lane_name((enum insp_lane)i),
                (unsigned long long)status[i].refused);
    insp_image_budget_status(server->config.image_limits.budget, &budget);
    gauge(out, "inspectd_decode_pixels", "Pixels of the images being decoded.", (double)budget.pixels);
    gauge(out, "inspectd_decode_pixels_limit", "Setting limits.decode_pixels.", (double)budget.pixels_max);
    gauge(out, "inspectd_decode_bytes", "Memory of the images being decoded.", (double)budget.bytes);
    gauge(out, "inspectd_decode_bytes_limit", "Setting limits.decode_bytes.", (double)budget.bytes_max);
    gauge(out, "inspectd_decode_waiting", "Images waiting for the decode budget.", (double)budget.waiting);
    counter(out, "inspectd_decode_refused_total", "Images refused because the decode budget stayed full.",
            (double)budget.refused);
}

static void write_models(FILE *out, const struct api_server *server) {
    head(out, "inspectd_model_ready", "gauge", "1 if the product's model is loaded and passed its self-test.");
    for (size_t i = 0; i < insp_models_count(server->models); i++)
        fprintf(out, "inspectd_model_ready{product=\"%s\"} %d\n", insp_models_at(server->models, i)->product,
                insp_models_at(server->models, i)->passed);
    head(out, "inspectd_model_reload_failed", "gauge",
         "1 if the active version could not be loaded and the one before it still serves.");
    for (size_t i = 0; i < insp_models_count(server->models); i++)
        fprintf(out, "inspectd_model_reload_failed{product=\"%s\"} %d\n",
                insp_models_at(server->models, i)->product,
                insp_models_at(server->models, i)->reload_failure[0] != 0);
}

static void write_jobs(FILE *out, const struct api_server *server) {
    double progress = 0;
    bool running = insp_jobs_running(server->jobs, &progress);
    gauge(out, "inspectd_job_running",
          "1 while a job runs: a training, cross-validation or evaluation, or one that installs a trunk.",
          running);
    if (running)
        gauge(out, "inspectd_job_progress_ratio", "Progress of the running job, 0 to 1.", progress);
    head(out, "inspectd_jobs_total", "counter", "Jobs that ended.");
    for (int kind = 0; kind < API_METERS_KINDS; kind++)
        for (int state = INSP_JOB_SUCCEEDED; state < API_METERS_STATES; state++)
            fprintf(out, "inspectd_jobs_total{kind=\"%s\",state=\"%s\"} %llu\n",
                    insp_job_kind_name((enum insp_job_kind)kind), insp_job_state_name((enum insp_job_state)state),
                    (unsigned long long)server->meters->job[kind][state]);
}

/* Writes the metrics that every Prometheus client library has, under their names. */
static void write_process(FILE *out, const struct api_meters *meters) {
    struct api_process process;
    gauge(out, "process_start_time_seconds", "Start of the daemon, Unix time.", (double)meters->started_us / 1e6);
    if (api_process_read(&process, NULL))
        return; /* without /proc the client libraries leave these metrics out too */
    counter(out, "process_cpu_seconds_total", "User and system CPU time.", process.cpu_s);
    gauge(out, "process_resident_memory_bytes", "Resident memory.", (double)process.resident_bytes);
    gauge(out, "process_virtual_memory_bytes", "Virtual memory.", (double)process.virtual_bytes);
    gauge(out, "process_open_fds", "Open file descriptors.", (double)process.open_fds);
    gauge(out, "process_max_fds", "Limit of open file descriptors.", (double)process.max_fds);
}

static void write_crowding(FILE *out, const char *name, const char *help, const uint64_t count[API_CROWDINGS]) {
    head(out, name, "counter", help);
    for (int i = 0; i < API_CROWDINGS; i++)
        fprintf(out, "%s{reason=\"%s\"} %llu\n", name, api_crowding_name[i], (unsigned long long)count[i]);
}

static void write_server(FILE *out, const struct api_server *server) {
    head(out, "inspectd_build_info", "gauge", "Always 1: version of the daemon and of libtorch.");
    fprintf(out, "inspectd_build_info{version=\"%s\",libtorch=\"%s\"} 1\n", INSP_VERSION, insp_torch_version());
    gauge(out, "inspectd_ready", "1 while /readyz answers 200.", api_server_ready(server));
    gauge(out, "inspectd_open_connections", "Open TCP connections.",
          (double)(server->connection_count - server->cut_count));
    gauge(out, "inspectd_open_connections_limit", "Setting server.connections, or what the descriptors allow.",
          server->config.connections);
    write_crowding(out, "inspectd_connections_refused_total",
                   "Connections refused, by the limit that was reached.", server->listener->refused);
    write_crowding(
        out, "inspectd_connections_displaced_total",
        "Silent, slow or idle connections closed to make room for a new one, by the limit that was reached.",
        server->listener->displaced);
    counter(out, "inspectd_slow_uploads_displaced_total",
            "Slow uploads cut off because another inspection needed the slot.", (double)server->slow_uploads);
    gauge(out, "inspectd_event_clients", "Open streams of /v1/events.",
          (double)api_events_clients(server->events));
    counter(out, "inspectd_event_clients_dropped_total",
            "Event streams ended because their client read too slowly.",
            (double)api_events_dropped(server->events));
}

char *api_metrics_text(struct api_server *server, size_t *ret_bytes) {
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_bytes);
    if (!out)
        return NULL;
    write_server(out, server);
    write_inspections(out, server->meters);
    write_requests(out, server->meters);
    write_lanes(out, server);
    write_engine(out, server);
    write_models(out, server);
    write_jobs(out, server);
    api_modbus_metrics(server->modbus, server, out);
    api_sinks_metrics(server->sinks, out);
    api_sources_metrics(server->folder, out);
    api_cameras_metrics(server->cameras, out);
    api_storage_metrics(&server->storage, out);
    api_drift_metrics(&server->drift, out);
    api_shadow_metrics(server->shadow, out);
    write_process(out, server->meters);
    bool failed = ferror(out);
    if (fclose(out) || failed) {
        free(text);
        return NULL;
    }
    return text;
}
