#include "api/resources/handlers.h"
#include "api/server/server.h"

#include "core/base/clock.h"

static const int64_t window_default_us = 24 * 3600 * 1000000LL;
enum { BUCKETS_WANTED = 60 };

/* Chooses a round length so that there are at most about BUCKETS_WANTED steps (windows have at most 366 days); at
 * least a minute, the resolution of the store. */
static int64_t bucket_of(int64_t window_us) {
    static const int64_t seconds[] = {60, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 604800};
    size_t i = 0;
    while (i + 1 < INSP_COUNT(seconds) && window_us > seconds[i] * 1000000 * BUCKETS_WANTED)
        i++;
    return seconds[i] * 1000000;
}

/* The share of anomalies in all inspections, `review` included. Null without an inspection. */
static json_t *anomaly_rate(uint64_t good, uint64_t anomaly, uint64_t review) {
    uint64_t of = good + anomaly + review;
    return of ? json_real((double)anomaly / (double)of) : json_null();
}

static json_t *bucket_json(const struct insp_statistics_bucket *b) {
    json_t *latency = json_pack("{s:o,s:o,s:o}", "p50", api_json_ms(b->total_p50_us), "p99",
                                api_json_ms(b->total_p99_us), "max", api_json_ms(b->total_max_us));
    return json_pack("{s:o,s:I,s:I,s:I,s:I,s:o,s:o}", "start", api_json_time(b->start_us), "good",
                     (json_int_t)b->good, "anomaly", (json_int_t)b->anomaly, "review", (json_int_t)b->review,
                     "late", (json_int_t)b->late, "anomaly_rate", anomaly_rate(b->good, b->anomaly, b->review),
                     "latency_ms", latency);
}

static json_t *buckets(const struct insp_statistics *s) {
    json_t *list = json_array();
    for (size_t i = 0; i < s->bucket_count; i++)
        json_array_append_new(list, bucket_json(&s->bucket[i]));
    return list;
}

int api_statistics_get(struct api_request *request, struct insp_error *reterr) {
    static const char *const known[] = {"product", "window", NULL};
    const char *product = NULL;
    int64_t window = window_default_us, now = insp_wall_us();
    struct insp_statistics s = {0};
    int code = api_query_allow(&request->query, known, reterr);
    if (!code)
        code = api_query_name(&request->query, "product", &product, reterr);
    if (!code)
        code = api_query_duration(&request->query, "window", &window, reterr);
    int64_t bucket = bucket_of(window);
    if (!code)
        code = insp_store_statistics(request->server->config.store, product, now - window, now + 1, bucket, &s,
                                     reterr);
    if (code)
        return code;
    json_t *latency =
        json_pack("{s:o,s:o,s:o,s:o}", "p50", api_json_ms(s.total_p50_us), "p90", api_json_ms(s.total_p90_us),
                  "p99", api_json_ms(s.total_p99_us), "max", api_json_ms(s.total_max_us));
    json_t *json =
        json_pack("{s:s?,s:o,s:o,s:I,s:I,s:I,s:I,s:I,s:o,s:{s:I,s:I},s:o,s:o}", "product", product, "since",
                  api_json_time(now - window), "until", api_json_time(now), "bucket_s",
                  (json_int_t)(bucket / 1000000), "good", (json_int_t)s.good, "anomaly", (json_int_t)s.anomaly,
                  "review", (json_int_t)s.review, "late", (json_int_t)s.late, "anomaly_rate",
                  anomaly_rate(s.good, s.anomaly, s.review), "labelled", "good", (json_int_t)s.labelled_good,
                  "anomaly", (json_int_t)s.labelled_anomaly, "latency_ms", latency, "buckets", buckets(&s));
    insp_statistics_clear(&s);
    return api_response_json(&request->response, 200, json, reterr);
}
