/* core/jobs/job_live.h - the running job as others see it: progress, epochs, folds and log lines, behind one
 * mutex. The job's thread writes; any thread reads. No function blocks on anything but that mutex. */
#ifndef INSP_JOBS_JOB_LIVE_H
#define INSP_JOBS_JOB_LIVE_H

#include "core/base/progress.h"
#include "core/jobs/job_rows.h"

struct insp_job_live;

struct insp_job_live *insp_job_live_new(void); /* NULL without memory */
void insp_job_live_free(struct insp_job_live *live);

/* The job's thread. */
void insp_job_live_begin(struct insp_job_live *live, const char *id, enum insp_job_kind kind, const char *product);
void insp_job_live_event(struct insp_job_live *live, const struct insp_progress_event *event);
bool insp_job_live_cancelled(struct insp_job_live *live);
/* product NULL: the job activated nothing. */
void insp_job_live_end(struct insp_job_live *live, enum insp_job_state state, const char *product,
                       const char *version);

/* What is to be written to the row; holds references until released. The job's thread. ret_id INSP_UUID_BYTES. */
void insp_job_live_snapshot(struct insp_job_live *live, char *ret_id, struct insp_job_update *ret);
void insp_job_live_release(struct insp_job_update *update);

/* Any thread. id NULL: whichever runs. True where that job runs and is told to stop. */
bool insp_job_live_cancel(struct insp_job_live *live, const char *id);

/* Lays the present progress over a job read from its row, where it is the one that runs; adds eta_s. */
void insp_job_live_overlay(struct insp_job_live *live, json_t *object, bool documents);

/* {id, kind, product, state, stage, progress, eta_s, epochs, log} of the running job (new reference), NULL where
 * none runs. epochs [{fold (0 outside cross-validation), epoch, loss, accuracy}] and log [{at, text}] hold what
 * came since the last brief: each is told once. */
json_t *insp_job_live_brief(struct insp_job_live *live);

/* The same of each job that ended since the last call, in an array (new reference); NULL where none did. */
json_t *insp_job_live_take_ended(struct insp_job_live *live);

bool insp_job_live_running(struct insp_job_live *live, double *ret_progress);

/* Takes what an ended job activated, once. */
bool insp_job_live_take_activated(struct insp_job_live *live, char *ret_product, char *ret_version);

/* Seconds left, from the share done and the time it took; negative where nothing can be said yet. Pure. */
double insp_job_eta_s(double progress, double elapsed_s);

#endif
