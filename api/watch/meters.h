/* api/watch/meters.h - counts requests, inspections and jobs for prometheus.h, with a bounded number of series.
 * Loop thread. */
#ifndef INSP_API_WATCH_METERS_H
#define INSP_API_WATCH_METERS_H

#include "core/inspect/inspection.h"
#include "core/inspect/suspect.h"
#include "core/jobs/jobs.h"

enum {
    API_METERS_CAMERAS = 64,  /* distinct cameras in labels: clients choose their names */
    API_METERS_SERIES = 2048, /* product x camera x verdict; beyond it new combinations count as camera "other" */
    API_METERS_REASONS = 48,  /* room for each code of the error table */
    API_METERS_BUCKETS = 12,
    API_METERS_KINDS = INSP_JOB_KINDS,
    API_METERS_STATES = INSP_JOB_CANCELLED + 1
};

/* Upper bounds of the duration buckets in seconds: 1 ms to 5 s, about 1-2-5. */
extern const double api_meters_bounds[API_METERS_BUCKETS];

struct api_histogram {
    uint64_t bucket[API_METERS_BUCKETS + 1], count; /* not cumulative; the last bucket is +Inf */
    double sum;                                     /* seconds */
};

struct api_meters_series {
    char product[INSP_NAME_BYTES];
    const char *camera; /* one of meters->camera or "other" */
    enum insp_verdict verdict;
    uint64_t count, late; /* late: of them */
};

/* Kinds of requests, so that slow lists do not hide slow inspections. */
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
    API_STAGE_PUBLISH,
    API_STAGE_TOTAL,
    API_STAGES
};
extern const char *const api_meters_stage_name[API_STAGES];

struct api_meters {
    struct api_meters_series *series; /* owned: series_count of series_room */
    size_t series_count, series_room, camera_count;
    char camera[API_METERS_CAMERAS][INSP_TAG_BYTES];
    struct api_histogram request[API_CALLS], stage[API_STAGES];
    uint64_t status[6]; /* responses by first digit; 0: the connection ended before one */
    struct {
        char code[32];
        uint64_t count;
    } refused[API_METERS_REASONS];
    size_t refused_count;
    uint64_t deadline_misses;
    uint64_t suspect[INSP_SUSPECT_COUNT], jpeg_stray_bytes; /* of inspections with a verdict */
    int64_t started_us; /* wall; kept, because a value that follows each step of the clock looks like a restart */
    uint64_t job[API_METERS_KINDS][API_METERS_STATES]; /* jobs that ended */
};

struct api_request;

/* Fails with INSP_E_NOMEM. */
int api_meters_new(struct api_meters **ret, struct insp_error *reterr);
void api_meters_free(struct api_meters *meters); /* accepts NULL */

/* Counts a request that ended: its status and duration, and the problem code of an inspection that was refused.
 * The durations of event streams and of lists with `wait_ms` are left out: they last as long as nothing happens.
 */
void api_meters_request(struct api_meters *meters, const struct api_request *request);

/* Counts the status of an answer to a request that was refused before its headers were complete. */
void api_meters_status(struct api_meters *meters, unsigned status);

/* Counts an inspection with a verdict: its series and its stages. Ignores one that failed: api_meters_request
 * counts it.
 *   publish_us  from the end of its commit until the PLC could read it; in no total */
void api_meters_inspection(struct api_meters *meters, const struct insp_inspection *job, int64_t publish_us);

/* Counts a job whose state is succeeded, failed or cancelled; ignores others.
 *   brief  the document of insp_jobs_config.changed, borrowed */
void api_meters_job(struct api_meters *meters, const json_t *brief);

/* Returns the camera as a label: one of the first API_METERS_CAMERAS distinct names, or "other". Borrowed from
 * meters. */
const char *api_meters_camera(struct api_meters *meters, const char *camera);

/* Adds a duration in microseconds; a negative one counts as 0. */
void api_histogram_add(struct api_histogram *histogram, int64_t us);

#endif
