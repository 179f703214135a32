#include "api/http/request.h"
#include "api/resources/handlers.h"
#include "api/watch/meters.h"
#include "core/base/clock.h"
#include "tests/unit/harness.h"

#include <string.h>

static struct insp_error err;

static struct api_meters *fresh(void) {
    struct api_meters *meters;
    ck_insp_ok(api_meters_new(&meters, &err), err);
    return meters;
}

/* A client chooses the names of cameras: their number is bounded. */
START_TEST(test_cameras_are_bounded) {
    struct api_meters *meters = fresh();
    char name[32];
    for (int i = 0; i < API_METERS_CAMERAS; i++) {
        snprintf(name, sizeof name, "camera-%d", i);
        ck_assert_str_eq(api_meters_camera(meters, name), name);
    }
    ck_assert_str_eq(api_meters_camera(meters, "one more"), "other");
    ck_assert_str_eq(api_meters_camera(meters, "camera-0"), "camera-0");
    api_meters_free(meters);
    api_meters_free(NULL);
}
END_TEST

static uint64_t counted(const struct api_meters *meters, const char *product) {
    uint64_t count = 0;
    for (size_t i = 0; i < meters->series_count; i++)
        count += strcmp(meters->series[i].product, product) ? 0 : meters->series[i].count;
    return count;
}

/* A version that is activated makes no series: 1000 retrainings later each product is counted as on the first day.
 */
START_TEST(test_series_do_not_grow_with_versions) {
    struct api_meters *meters = fresh();
    struct insp_manifest *manifest = insp_manifest_new();
    struct insp_model model = {.manifest = manifest};
    struct insp_inspection job = {.model = &model, .camera = "c1"};
    for (int version = 0; version < 1000; version++)
        for (int product = 0; product < 3; product++) {
            snprintf(manifest->version, sizeof manifest->version, "v%d", version);
            snprintf(manifest->product, sizeof manifest->product, "p%d", product);
            job.verdict = version & 1 ? INSP_VERDICT_ANOMALY : INSP_VERDICT_GOOD;
            api_meters_inspection(meters, &job, 1500);
        }
    ck_assert_uint_eq(meters->series_count, 6);
    ck_assert_uint_eq(counted(meters, "p2"), 1000);
    insp_manifest_free(manifest);
    api_meters_free(meters);
}
END_TEST

/* 100 products with 70 cameras each: cameras are merged, products never. */
START_TEST(test_series_are_bounded_and_products_told_apart) {
    struct api_meters *meters = fresh();
    struct insp_manifest *manifest = insp_manifest_new();
    struct insp_model model = {.manifest = manifest};
    struct insp_inspection job = {.model = &model};
    for (int product = 0; product < 100; product++)
        for (int camera = 0; camera < 70; camera++) {
            snprintf(manifest->product, sizeof manifest->product, "p%d", product);
            snprintf(job.camera, sizeof job.camera, "c%d", camera);
            job.verdict = camera & 1 ? INSP_VERDICT_ANOMALY : INSP_VERDICT_GOOD;
            api_meters_inspection(meters, &job, 1500);
        }
    ck_assert_uint_le(meters->series_count, API_METERS_SERIES + 2 * 100);
    ck_assert_uint_eq(counted(meters, "p0"), 70);
    ck_assert_uint_eq(counted(meters, "p99"), 70);
    ck_assert_uint_eq(meters->stage[API_STAGE_TOTAL].count, 7000);
    job.code = INSP_E_DEADLINE; /* no verdict: not here */
    api_meters_inspection(meters, &job, 1500);
    ck_assert_uint_eq(meters->stage[API_STAGE_TOTAL].count, 7000);
    insp_manifest_free(manifest);
    api_meters_free(meters);
}
END_TEST

/* A bound belongs to its bucket (le: less or equal); beyond the last one there is +Inf. */
START_TEST(test_histogram) {
    struct api_histogram h = {0};
    const int64_t us[] = {-5, 0, 1000, 1001, 5000000, 5000001};
    for (size_t i = 0; i < INSP_COUNT(us); i++)
        api_histogram_add(&h, us[i]);
    ck_assert_uint_eq(h.bucket[0], 3);
    ck_assert_uint_eq(h.bucket[1], 1);
    ck_assert_uint_eq(h.bucket[API_METERS_BUCKETS - 1], 1);
    ck_assert_uint_eq(h.bucket[API_METERS_BUCKETS], 1);
    ck_assert_uint_eq(h.count, INSP_COUNT(us));
    ck_assert_double_eq_tol(h.sum, 10.002002, 1e-9);
    for (size_t i = 1; i < API_METERS_BUCKETS; i++)
        ck_assert_double_lt(api_meters_bounds[i - 1], api_meters_bounds[i]);
}
END_TEST

static uint64_t refusals(const struct api_meters *meters, const char *code) {
    for (size_t i = 0; i < meters->refused_count; i++)
        if (!strcmp(meters->refused[i].code, code))
            return meters->refused[i].count;
    return UINT64_MAX;
}

START_TEST(test_requests_by_call_and_reason) {
    struct api_meters *meters = fresh();
    const struct api_route post = {.handler = api_inspections_post}, stream = {.handler = api_events_get};
    struct api_request request = {.method = "POST", .route = &post, .started_us = insp_mono_us()};
    ck_assert_uint_eq(refusals(meters, "queue_full"), 0); /* there before the first one */
    ck_assert_uint_eq(refusals(meters, "image_too_large"), 0);
    request.response.status = 200;
    api_meters_request(meters, &request);
    request.response.status = 504;
    strcpy(request.response.code, "deadline_exceeded");
    api_meters_request(meters, &request);
    request.route = &stream; /* lasts for hours: no duration */
    strcpy(request.method, "GET");
    api_meters_request(meters, &request);
    request.route = NULL;
    request.response.status = 404;
    api_meters_request(meters, &request);
    strcpy(request.method, "DELETE");
    api_meters_request(meters, &request);
    ck_assert_uint_eq(meters->request[API_CALL_INSPECT].count, 2);
    ck_assert_uint_eq(meters->request[API_CALL_READ].count, 1);
    ck_assert_uint_eq(meters->request[API_CALL_WRITE].count, 1);
    ck_assert_uint_eq(meters->deadline_misses, 1);
    ck_assert_uint_eq(refusals(meters, "deadline_exceeded"), 1);
    ck_assert_uint_eq(meters->status[5], 2);
    ck_assert_uint_eq(meters->status[4], 2);
    for (int i = 0; i < 100; i++) { /* whatever comes, there is an end */
        request.route = &post;
        snprintf(request.response.code, sizeof request.response.code, "code-%d", i);
        api_meters_request(meters, &request);
    }
    ck_assert_uint_eq(meters->refused_count, API_METERS_REASONS);
    api_meters_free(meters);
}
END_TEST

START_TEST(test_jobs_count_when_they_end) {
    struct api_meters *meters = fresh();
    const char *const states[] = {"queued", "running", "succeeded", "failed", "cancelled", "running"};
    for (size_t i = 0; i < INSP_COUNT(states); i++) {
        json_t *brief = json_pack("{s:s,s:s}", "kind", "cross-validate", "state", states[i]);
        api_meters_job(meters, brief);
        json_decref(brief);
    }
    uint64_t all = 0;
    for (int kind = 0; kind < API_METERS_KINDS; kind++)
        for (int state = 0; state < API_METERS_STATES; state++)
            all += meters->job[kind][state];
    ck_assert_uint_eq(all, 3);
    ck_assert_uint_eq(meters->job[INSP_JOB_CROSS_VALIDATE][INSP_JOB_FAILED], 1);
    api_meters_free(meters);
}
END_TEST

INSP_TESTS(test_cameras_are_bounded, test_series_do_not_grow_with_versions,
           test_series_are_bounded_and_products_told_apart, test_histogram, test_requests_by_call_and_reason,
           test_jobs_count_when_they_end);
