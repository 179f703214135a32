/* core/jobs/jobs.h - training, cross-validation and evaluation as jobs: a bounded queue that lives in SQLite, one
 * job at a time, each in a process of its own.
 *
 * A job survives restarts as far as it can: queued ones run after the restart, one that was running is failed with
 * `interrupted` (nothing half-written is left: bundles appear whole). Progress is kept in memory while a job runs
 * and written to its row at each stage, epoch and end.
 *
 * The work itself runs in a process of its own (job_process.h), so that no fault of a job ends the daemon; one
 * thread takes the jobs in turn and supervises that process.
 *
 * Threads: new, close and the callbacks on the loop thread; submit, cancel, get and list on any thread, they block
 * on SQLite. */
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
    const struct insp_busy *busy; /* borrowed; raised: jobs wait for the line. NULL: they never do */
    unsigned queue_max;           /* jobs that may wait, not counting the running one; 1.. */
    /* Loop thread. A job moved on or ended: {id, kind, product, state, stage, progress, eta_s, epochs, log} with
     * the epochs and log lines since the last time, borrowed. Progress comes at most some ten times a second, each
     * end exactly once. */
    void (*changed)(void *arg, const char *id, json_t *brief);
    /* The supervising thread. Makes a trained version the active one (insp_train_context.activate). NULL:
     * insp_registry_set_active, without a proof on the device that serves. */
    int (*activate)(void *arg, const char *job_id, const char *product, const char *version,
                    struct insp_error *reterr);
    /* Loop thread. A training made `version` of `product` the active one: load it. */
    void (*activated)(void *arg, const char *product, const char *version);
    void *arg;
};

/* Marks what a crash left running, then starts the oldest queued job. Strings of config are copied. */
int insp_jobs_new(uv_loop_t *loop, const struct insp_jobs_config *config, struct insp_jobs **ret,
                  struct insp_error *reterr);

/* Queues a job. ret_id has INSP_UUID_BYTES bytes. Fails with INSP_E_QUEUE_FULL, INSP_E_FORBIDDEN (dataset outside
 * the roots, also by ".." or link), INSP_E_DATASET (no such folder), INSP_E_CONFLICT (evaluate without a model).
 */
int insp_jobs_submit(struct insp_jobs *jobs, enum insp_job_kind kind, const char *product,
                     const struct insp_job_params *params, char *ret_id, struct insp_error *reterr);

/* A queued job is cancelled at once, a running one within one mini-batch, and at the latest after
 * INSP_JOB_GRACE_MS (job_process.h), when its process is killed. INSP_E_NOT_FOUND, INSP_E_CONFLICT (ended). */
int insp_jobs_cancel(struct insp_jobs *jobs, const char *id, struct insp_error *reterr);

/* The job as DESIGN section 4 shows it, as a new JSON reference: {id, kind, product, state, progress, stage,
 * eta_s, params, epochs, folds, log, result, error, created_at, started_at, finished_at}. */
int insp_jobs_get(struct insp_jobs *jobs, const char *id, json_t **ret, struct insp_error *reterr);

/* Newest first, without log and result: a JSON array; before_id NULL or the last id of the page before. */
int insp_jobs_list(struct insp_jobs *jobs, const char *before_id, size_t limit, json_t **ret,
                   struct insp_error *reterr);

/* Whether a job runs now and how far it is (0..1). Any thread, no SQLite. */
bool insp_jobs_running(struct insp_jobs *jobs, double *ret_progress);

/* Cancels what runs, waits for it on the loop, then `closed`, which may be NULL. The row of a job that was cut off
 * says `interrupted`. The calls above stay allowed, but nothing is run any more. */
void insp_jobs_close(struct insp_jobs *jobs, void (*closed)(void *arg), void *arg);
/* After `closed`, and when no thread is inside one of the calls above. NULL is fine. */
void insp_jobs_free(struct insp_jobs *jobs);

#endif
