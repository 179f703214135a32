/* core/jobs/job_live.h - publishes the state of the running job: progress, epochs, folds and log lines, guarded by
 * one mutex. The supervising thread writes, any thread reads. Functions block on that mutex only. */
#ifndef INSP_JOBS_JOB_LIVE_H
#define INSP_JOBS_JOB_LIVE_H

#include "core/base/progress.h"
#include "core/jobs/job_rows.h"

struct insp_job_live;

struct insp_job_live *insp_job_live_new(void);       /* NULL without memory */
void insp_job_live_free(struct insp_job_live *live); /* accepts NULL */

/* Follow a job from its begin over its events to its end. The supervising thread. */
void insp_job_live_begin(struct insp_job_live *live, const char *id, enum insp_job_kind kind, const char *product);
void insp_job_live_event(struct insp_job_live *live, const struct insp_progress_event *event);
bool insp_job_live_cancelled(struct insp_job_live *live); /* true after insp_job_live_cancel */
/* product, version: the version that the job activated; product NULL: none. */
void insp_job_live_end(struct insp_job_live *live, enum insp_job_state state, const char *product,
                       const char *version);

/* Copies the state for the job's row; insp_job_live_release frees *ret. ret_id: INSP_UUID_BYTES bytes. The
 * supervising thread. */
void insp_job_live_snapshot(struct insp_job_live *live, char *ret_id, struct insp_job_update *ret);
void insp_job_live_release(struct insp_job_update *update);

/* Marks the running job as cancelled. Returns false if it is not the job `id` (NULL: any), or none runs. Any
 * thread. */
bool insp_job_live_cancel(struct insp_job_live *live, const char *id);

/* Replaces state, progress and stage in a job read from its row and adds eta_s, if it is the running job;
 * `documents`: epochs, folds and log too. Any thread. */
void insp_job_live_overlay(struct insp_job_live *live, json_t *object, bool documents);

/* Returns {id, kind, product, state, stage, progress, eta_s, epochs, log} of the running job as a new reference,
 * or NULL if none runs. epochs [{fold (0 outside cross-validation), epoch, loss, accuracy}] and log [{at, text}]
 * hold the entries since the previous brief. */
json_t *insp_job_live_brief(struct insp_job_live *live);

/* Returns an array of the last briefs of all jobs that ended since the previous call, as a new reference, or NULL
 * if there are none. */
json_t *insp_job_live_take_ended(struct insp_job_live *live);

/* Returns true if a job runs; *ret_progress is 0..1, 0 if none runs. */
bool insp_job_live_running(struct insp_job_live *live, double *ret_progress);

/* Returns the version that an ended job activated, once; false if there is none. ret_product, ret_version:
 * INSP_NAME_BYTES bytes. */
bool insp_job_live_take_activated(struct insp_job_live *live, char *ret_product, char *ret_version);

/* Estimates the seconds left from the share done (0..1) and the elapsed time; negative if the share is below 1 %.
 * Pure. */
double insp_job_eta_s(double progress, double elapsed_s);

#endif
