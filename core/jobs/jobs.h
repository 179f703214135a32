/* core/jobs/jobs.h - queues and runs jobs: training, cross-validation and evaluation. The queue is bounded and
 * stored in SQLite. One job runs at a time, in a child process (job_process.h), so that no fault of a job ends the
 * daemon; one thread takes the jobs in order and supervises that process.
 *
 * Queued jobs survive a restart. A job that was running fails with `interrupted`; it leaves nothing half-written,
 * because bundles appear whole. The progress of a running job is in memory and is written to its row at each
 * stage, each epoch and the end.
 *
 * Threads: new, close, free and the callbacks `changed` and `activated` belong to the loop thread. submit, cancel,
 * get and list block on SQLite; any thread but the loop. */
#ifndef INSP_JOBS_JOBS_H
#define INSP_JOBS_JOBS_H

#include "core/base/error.h"
#include "core/base/lanes/busy.h"
#include "core/base/lanes/work.h"
#include "core/jobs/job_params.h"
#include "core/jobs/process/job_machine.h"
#include "core/store/store.h"

#include <jansson.h>
#include <uv.h>

struct insp_jobs;

enum insp_job_state { INSP_JOB_QUEUED, INSP_JOB_RUNNING, INSP_JOB_SUCCEEDED, INSP_JOB_FAILED, INSP_JOB_CANCELLED };
const char *insp_job_state_name(enum insp_job_state state); /* "queued" ... */

struct insp_jobs_config {
    struct insp_lanes *lanes; /* borrowed */
    struct insp_store *store; /* borrowed */
    struct insp_job_machine machine;
    const char *program;          /* job_process.h; NULL: this process's own binary */
    const struct insp_busy *busy; /* borrowed; jobs wait while it is raised; NULL: jobs never wait */
    unsigned queue_max;           /* largest number of queued jobs, without the running one; >= 1 */
    /* Reports progress or the end of a job: {id, kind, product, state, stage, progress, eta_s, epochs, log} with
     * the epochs and log lines since the last call, borrowed. Progress is reported about ten times a second at
     * most, each end exactly once. Loop thread. */
    void (*changed)(void *arg, const char *id, json_t *brief);
    /* Activates a trained version (insp_train_context.activate). NULL: insp_registry_set_active is called, without
     * a proof on the device that serves. The supervising thread. */
    int (*activate)(void *arg, const char *job_id, const char *product, const char *version,
                    struct insp_error *reterr);
    /* Reports that a training has activated `version` of `product`, so that it can be loaded. Loop thread. */
    void (*activated)(void *arg, const char *product, const char *version);
    void *arg;
};

/* Marks jobs that a crash left running as failed, then starts the oldest queued job. The strings of config are
 * copied. Fails with INSP_E_NOMEM and the errors of the store. */
int insp_jobs_new(uv_loop_t *loop, const struct insp_jobs_config *config, struct insp_jobs **ret,
                  struct insp_error *reterr);

/* Queues a job. product: "" for a job of a trunk. ret_id: INSP_UUID_BYTES bytes. Errors:
 *   INSP_E_QUEUE_FULL  queue_max jobs are queued
 *   INSP_E_FORBIDDEN   the dataset is outside the roots, also by ".." or by a link
 *   INSP_E_DATASET     there is no such folder
 *   and those of the store. A missing trunk or model fails the job when it runs. */
int insp_jobs_submit(struct insp_jobs *jobs, enum insp_job_kind kind, const char *product,
                     const struct insp_job_params *params, char *ret_id, struct insp_error *reterr);

/* Cancels a job: a queued one at once, a running one within a mini-batch or, at the latest, after
 * INSP_JOB_GRACE_MS (job_process.h), when its process is killed. Fails with INSP_E_NOT_FOUND and INSP_E_CONFLICT
 * (the job has ended). */
int insp_jobs_cancel(struct insp_jobs *jobs, const char *id, struct insp_error *reterr);

/* Returns a job as a new reference: {id, kind, product, state, progress, stage, params, epochs, folds, log,
 * result, error, created_at, started_at, finished_at}, and eta_s if it runs. Fails with INSP_E_NOT_FOUND. */
int insp_jobs_get(struct insp_jobs *jobs, const char *id, json_t **ret, struct insp_error *reterr);

/* Lists jobs, newest first, as a JSON array of objects without epochs, folds, log and result.
 *   before_id  NULL, or the last id of the previous page
 *   limit      largest number of jobs */
int insp_jobs_list(struct insp_jobs *jobs, const char *before_id, size_t limit, json_t **ret,
                   struct insp_error *reterr);

/* Returns true if a job runs; *ret_progress is 0..1. Any thread; does not block on SQLite. */
bool insp_jobs_running(struct insp_jobs *jobs, double *ret_progress);

/* Cancels the running job, whose row gets the error `interrupted`, and calls `closed` (may be NULL) on the loop
 * when it has ended. Returns at once. The functions above may still be called, but no job starts any more. */
void insp_jobs_close(struct insp_jobs *jobs, void (*closed)(void *arg), void *arg);
/* Frees the queue. Call it after `closed`, when no other thread is inside a function above. Accepts NULL. */
void insp_jobs_free(struct insp_jobs *jobs);

#endif
