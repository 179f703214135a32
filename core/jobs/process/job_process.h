/* core/jobs/process/job_process.h - runs a job in a child process (job_child.h) and supervises it. */
#ifndef INSP_JOBS_PROCESS_JOB_PROCESS_H
#define INSP_JOBS_PROCESS_JOB_PROCESS_H

#include "core/base/lanes/busy.h"
#include "core/base/progress.h"
#include "core/jobs/job_rows.h"
#include "core/jobs/process/job_machine.h"
#include "core/train/feedback.h"

struct insp_job_process {
    const char *program;           /* started as `program job`; NULL: this process's own binary */
    const struct insp_busy *busy;  /* the job waits while it is raised; NULL: the job never waits */
    struct insp_progress progress; /* `cancelled` is asked ten times a second; `yield` is not used */
    insp_job_activate *activate;   /* NULL: the job may not activate a version */
    void *activate_arg;
};

/* Starts a process, sends it the job and forwards its events until it has ended. The callbacks run on the calling
 * thread. A cancelled job has INSP_JOB_GRACE_MS to end, then its process is killed; so has a process that has
 * closed the stream. The process also ends with the calling thread. Blocks until the process has ended; any thread
 * but the loop.
 *   ret_report     a new reference
 *   ret_activated  INSP_NAME_BYTES bytes, set also on failure: the version that `activate` activated, or ""
 * Errors:
 *   INSP_E_JOB_CRASHED  the process crashed, was killed, or ended without a report; the detail names the signal
 *   INSP_E_CANCELLED    the job was cancelled
 *   those of insp_job_run
 *   INSP_E_NOMEM, errno codes  the process cannot be started */
enum { INSP_JOB_GRACE_MS = 5000 };
int insp_job_process_run(const struct insp_job_process *config, const struct insp_job_machine *machine,
                         const struct insp_job_row *row, const struct insp_feedback *feedback, json_t **ret_report,
                         char *ret_activated, struct insp_error *reterr);

#endif
