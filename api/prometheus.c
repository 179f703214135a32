#include "api/prometheus.h"

#include "api/server.h"

#include "core/base/clock.h"
#include "core/inspect/inspection.h"
#include "core/inspect/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Seconds: 1 ms to 5 s, about 1-2-5. */
static const double bounds[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5};
enum { BUCKETS = INSP_COUNT(bounds), REASONS = 32 };

struct histogram {
    uint64_t bucket[BUCKETS + 1], count; /* the last bucket is +Inf; not cumulative */
    double sum;
};

struct series {
    char product[INSP_NAME_BYTES], model[INSP_NAME_BYTES];
    const char *camera; /* one of metrics->camera or "other" */
    enum insp_verdict verdict;
    uint64_t count;
};

enum stage { STAGE_DECODE, STAGE_QUEUE, STAGE_INFERENCE, STAGE_STORE, STAGE_TOTAL, STAGES };
static const char *const stage_name[STAGES] = {"decode", "queue", "inference", "store", "total"};

struct api_metrics {
    struct series series[API_METRICS_SERIES];
    size_t series_count, camera_count;
    uint64_t series_overflow;
    char camera[API_METRICS_CAMERAS][INSP_TAG_BYTES];
    struct histogram requests, stage[STAGES];
    uint64_t status[6]; /* by first digit */
    struct {
        char code[32];
        uint64_t count;
    } refused[REASONS];
    size_t refused_count;
    uint64_t deadline_misses;
    int64_t started_us;
};

int api_metrics_new(struct api_metrics **ret, struct insp_error *reterr) {
    struct api_metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the metrics");
    metrics->started_us = insp_wall_us();
    *ret = metrics;
    return 0;
}

void api_metrics_free(struct api_metrics *metrics) {
    free(metrics);
}

static void observe(struct histogram *histogram, int64_t us) {
    double seconds = (double)us / 1e6;
    size_t i = 0;
    while (i < BUCKETS && seconds > bounds[i])
        i++;
    histogram->bucket[i]++;
    histogram->count++;
    histogram->sum += seconds;
}

static void count_refusal(struct api_metrics *metrics, const char *code) {
    for (size_t i = 0; i < metrics->refused_count; i++)
        if (!strcmp(metrics->refused[i].code, code)) {
            metrics->refused[i].count++;
            return;
        }
    if (metrics->refused_count < REASONS) { /* the error table has about as many codes */
        snprintf(metrics->refused[metrics->refused_count].code, sizeof metrics->refused[0].code, "%s", code);
        metrics->refused[metrics->refused_count++].count = 1;
    }
}

void api_metrics_request(struct api_metrics *metrics, const struct api_request *request) {
    unsigned digit = request->response.status / 100;
    metrics->status[digit < INSP_COUNT(metrics->status) ? digit : 0]++;
    observe(&metrics->requests, insp_mono_us() - request->started_us);
    bool inspection = request->route && request->route->kind == API_ASYNC;
    if (inspection && !strcmp(request->response.code, insp_code_wire(INSP_E_DEADLINE)))
        metrics->deadline_misses++;
    if (inspection && request->response.code[0])
        count_refusal(metrics, request->response.code);
}

const char *api_metrics_camera(struct api_metrics *metrics, const char *camera) {
    for (size_t i = 0; i < metrics->camera_count; i++)
        if (!strcmp(metrics->camera[i], camera))
            return metrics->camera[i];
    if (metrics->camera_count == API_METRICS_CAMERAS)
        return "other";
    char *place = metrics->camera[metrics->camera_count++];
    snprintf(place, INSP_TAG_BYTES, "%s", camera);
    return place;
}

static void count_verdict(struct api_metrics *metrics, const struct insp_inspection *job) {
    const char *camera = api_metrics_camera(metrics, job->camera);
    const struct insp_manifest *manifest = job->model->manifest;
    for (size_t i = 0; i < metrics->series_count; i++) {
        struct series *s = &metrics->series[i];
        if (s->verdict == job->verdict && s->camera == camera && !strcmp(s->product, manifest->product) &&
            !strcmp(s->model, manifest->version)) {
            s->count++;
            return;
        }
    }
    if (metrics->series_count == API_METRICS_SERIES) {
        metrics->series_overflow++;
        return;
    }
    struct series *s = &metrics->series[metrics->series_count++];
    memcpy(s->product, manifest->product, sizeof s->product);
    memcpy(s->model, manifest->version, sizeof s->model);
    s->camera = camera;
    s->verdict = job->verdict;
    s->count = 1;
}

void api_metrics_inspection(struct api_metrics *metrics, const struct insp_inspection *job) {
    if (job->code)
        return;
    count_verdict(metrics, job);
    const int64_t us[STAGES] = {job->decode_us, job->queue_us, job->inference_us, job->store_us, job->total_us};
    for (size_t i = 0; i < STAGES; i++)
        observe(&metrics->stage[i], us[i]);
}

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
    fprintf(out, "# HELP inspectd_%s %s\n# TYPE inspectd_%s %s\n", name, help, name, type);
}

static void gauge(FILE *out, const char *name, const char *help, double value) {
    head(out, name, "gauge", help);
    fprintf(out, "inspectd_%s %.17g\n", name, value);
}

static void write_histogram(FILE *out, const char *name, const char *label, const char *value,
                            const struct histogram *h) {
    uint64_t below = 0;
    char pair[64] = "", comma[66] = "", braces[66] = "";
    if (label) {
        snprintf(pair, sizeof pair, "%s=\"%s\"", label, value);
        snprintf(comma, sizeof comma, "%s,", pair);
        snprintf(braces, sizeof braces, "{%s}", pair);
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        below += h->bucket[i];
        fprintf(out, "inspectd_%s_bucket{%sle=\"%g\"} %llu\n", name, comma, bounds[i], (unsigned long long)below);
    }
    fprintf(out, "inspectd_%s_bucket{%sle=\"+Inf\"} %llu\n", name, comma, (unsigned long long)h->count);
    fprintf(out, "inspectd_%s_sum%s %.6f\ninspectd_%s_count%s %llu\n", name, braces, h->sum, name, braces,
            (unsigned long long)h->count);
}

static void write_inspections(FILE *out, const struct api_metrics *metrics) {
    char camera[2 * INSP_TAG_BYTES + 1];
    head(out, "inspections_total", "counter", "Inspections that were answered with a verdict.");
    for (size_t i = 0; i < metrics->series_count; i++) {
        const struct series *s = &metrics->series[i];
        api_metrics_escape(s->camera, camera, sizeof camera);
        fprintf(out, "inspectd_inspections_total{product=\"%s\",camera=\"%s\",verdict=\"%s\",model=\"%s\"} %llu\n",
                s->product, camera, insp_verdict_name(s->verdict), s->model, (unsigned long long)s->count);
    }
    if (metrics->series_overflow)
        fprintf(out,
                "inspectd_inspections_total{product=\"other\",camera=\"other\",verdict=\"other\",model=\"other\"} "
                "%llu\n",
                (unsigned long long)metrics->series_overflow);
    head(out, "refused_total", "counter", "Inspections that were not answered with a verdict, by problem code.");
    for (size_t i = 0; i < metrics->refused_count; i++)
        fprintf(out, "inspectd_refused_total{reason=\"%s\"} %llu\n", metrics->refused[i].code,
                (unsigned long long)metrics->refused[i].count);
    head(out, "deadline_misses_total", "counter", "Inspections whose deadline passed before the verdict.");
    fprintf(out, "inspectd_deadline_misses_total %llu\n", (unsigned long long)metrics->deadline_misses);
    head(out, "stage_duration_seconds", "histogram", "Time of an inspection in each stage.");
    for (size_t i = 0; i < STAGES; i++)
        write_histogram(out, "stage_duration_seconds", "stage", stage_name[i], &metrics->stage[i]);
}

static void write_requests(FILE *out, const struct api_metrics *metrics) {
    head(out, "http_requests_total", "counter",
         "HTTP requests by class of status; 0xx: cut off before an answer.");
    for (size_t i = 0; i < INSP_COUNT(metrics->status); i++)
        fprintf(out, "inspectd_http_requests_total{status=\"%zuxx\"} %llu\n", i,
                (unsigned long long)metrics->status[i]);
    head(out, "request_duration_seconds", "histogram", "From the headers to the end of the answer.");
    write_histogram(out, "request_duration_seconds", NULL, NULL, &metrics->requests);
}

static void write_engine(FILE *out, struct api_server *server) {
    struct insp_engine_status status;
    insp_engine_status(server->config.engine, &status);
    gauge(out, "in_flight", "Inspections between headers and answer.", (double)server->slots);
    gauge(out, "in_flight_limit", "limits.inflight.", server->config.inflight);
    gauge(out, "queue_depth", "Images that wait for the device.", (double)status.queued);
    gauge(out, "batch_images", "Images in the pass that runs now.", (double)status.in_pass);
    head(out, "passes_total", "counter", "Forward passes.");
    fprintf(out, "inspectd_passes_total %llu\n", (unsigned long long)status.passes);
    head(out, "images_scored_total", "counter", "Images scored in those passes.");
    fprintf(out, "inspectd_images_scored_total %llu\n", (unsigned long long)status.images);
    head(out, "model_info", "gauge", "1 for each active model that passed its self-test, else 0.");
    for (size_t i = 0; i < api_models_count(server->models); i++) {
        const struct api_model *item = api_models_at(server->models, i);
        fprintf(out, "inspectd_model_info{product=\"%s\",version=\"%s\",trunk=\"%.12s\",device=\"%s\"} %d\n",
                item->product, item->model ? item->model->manifest->version : "",
                item->model ? item->model->trunk_sha256 : "", status.device, item->passed);
    }
}

static void write_process(FILE *out, const struct api_server *server) {
    gauge(out, "ready", "1 while /readyz answers 200.", api_server_ready(server));
    gauge(out, "start_time_seconds", "Start of the daemon, Unix time.", (double)server->metrics->started_us / 1e6);
    size_t resident = 0;
    if (!uv_resident_set_memory(&resident))
        gauge(out, "resident_memory_bytes", "Resident memory of the process.", (double)resident);
    gauge(out, "open_connections", "TCP connections.",
          (double)MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections);
    if (!server->usage_known)
        return;
    gauge(out, "store_inspections", "Rows in the store.", (double)server->usage.inspections);
    gauge(out, "store_images", "Posted images that are kept.", (double)server->usage.images);
    gauge(out, "store_image_bytes", "Their size.", (double)server->usage.image_bytes);
    gauge(out, "store_database_bytes", "Size of the database.", (double)server->usage.database_bytes);
    gauge(out, "store_free_bytes", "Free bytes in the state folder's file system.",
          (double)server->usage.free_bytes);
}

char *api_metrics_text(struct api_server *server, size_t *ret_bytes) {
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_bytes);
    if (!out)
        return NULL;
    head(out, "build_info", "gauge", "Version of the daemon.");
    fprintf(out, "inspectd_build_info{version=\"%s\"} 1\n", INSP_VERSION);
    write_inspections(out, server->metrics);
    write_requests(out, server->metrics);
    write_engine(out, server);
    write_process(out, server);
    bool failed = ferror(out);
    if (fclose(out) || failed) {
        free(text);
        return NULL;
    }
    return text;
}
