/* api/watch/meters.h - what is counted for Prometheus, with bounded labels. Loop thread. prometheus.h writes it
 * out. */
#ifndef INSP_API_WATCH_METERS_H
#define INSP_API_WATCH_METERS_H

#include "core/inspect/inspection.h"
#include "core/inspect/suspect.h"
#include "core/jobs/jobs.h"

enum {
    API_METERS_CAMERAS = 64,  /* distinct cameras in labels; a client chooses their names */
    API_METERS_SERIES = 2048, /* product x camera x verdict; beyond it new cameras are "other" */
    API_METERS_REASONS = 40,  /* at least the codes of the error table */
    API_METERS_BUCKETS = 12,
    API_METERS_KINDS = INSP_JOB_EVALUATE + 1,
    API_METERS_STATES = INSP_JOB_CANCELLED + 1
};

/* Upper bounds of the duration buckets in seconds: 1 ms to 5 s, about 1-2-5. */
extern const double api_meters_bounds[API_METERS_BUCKETS];

struct api_histogram {
    uint64_t bucket[API_METERS_BUCKETS + 1], count; /* each bucket alone; the last is +Inf */
    double sum;
};

struct api_meters_series {
    char product[INSP_NAME_BYTES];
    const char *camera; /* one of meters->camera or "other" */
    enum insp_verdict verdict;
    uint64_t count;
};

/* What a request was for: an inspection must be fast, a training list need not be. */
enum api_meters_call { API_CALL_INSPECT, API_CALL_READ, API_CALL_WRITE, API_CALLS };
extern const char *const api_meters_call_name[API_CALLS];

enum api_meters_stage {
    API_STAGE_RECEIVE,
    API_STAGE_WAIT,
    API_STAGE_DECODE,
    API_STAGE_QUEUE,
    API_STAGE_INFERENCE,
    API_STAGE_STORE,
    API_STAGE_COMMIT,
    API_STAGE_TOTAL,
    API_STAGES
};
extern const char *const api_meters_stage_name[API_STAGES];

struct api_meters {
    struct api_meters_series *series; /* owned: series_count of series_room */
    size_t series_count, series_room, camera_count;
    char camera[API_METERS_CAMERAS][INSP_TAG_BYTES];
    struct api_histogram request[API_CALLS], stage[API_STAGES];
    uint64_t status[6]; /* responses by first digit; 0: cut off before one */
    struct {
        char code[32];
        uint64_t count;
    } refused[API_METERS_REASONS];
    size_t refused_count;
    uint64_t deadline_misses;
    uint64_t suspect[INSP_SUSPECT_COUNT], jpeg_stray_bytes; /* of inspections with a verdict */
    int64_t started_us; /* wall; read once, or every step of the clock were a restart */
    uint64_t job[API_METERS_KINDS][API_METERS_STATES]; /* ended ones */
};

struct api_request;

int api_meters_new(struct api_meters **ret, struct insp_error *reterr);
void api_meters_free(struct api_meters *meters);

/* At the end of a request: its duration and status; of an inspection also why it was refused. Event streams count
 * by status only: they last as long as their reader stays. */
void api_meters_request(struct api_meters *meters, const struct api_request *request);

/* A finished inspection with a verdict: its labels and stages. One that failed is counted by api_meters_request.
 */
void api_meters_inspection(struct api_meters *meters, const struct insp_inspection *job);

/* A job moved on; counted when it ended. brief as insp_jobs_config.changed gives it. */
void api_meters_job(struct api_meters *meters, const json_t *brief);

/* The camera as a label: the first API_METERS_CAMERAS distinct names, then "other"; borrowed from meters. */
const char *api_meters_camera(struct api_meters *meters, const char *camera);

/* Adds a duration in microseconds; below 0 counts as 0. */
void api_histogram_add(struct api_histogram *histogram, int64_t us);

#endif
