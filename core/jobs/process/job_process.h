/* core/jobs/process/job_process.h - runs a job in a process of its own (job_child.h) and supervises it. */
#ifndef INSP_JOBS_PROCESS_JOB_PROCESS_H
#define INSP_JOBS_PROCESS_JOB_PROCESS_H

#include "core/base/lanes/busy.h"
#include "core/base/progress.h"
#include "core/jobs/job_rows.h"
#include "core/jobs/process/job_machine.h"
#include "core/train/feedback.h"

struct insp_job_process {
    const char *program;          /* started as `program job`; NULL: this process's own binary */
    const struct insp_busy *busy; /* raised: the job waits; NULL: it never does */
    struct insp_progress
        progress; /* event and cancelled, on the calling thread; cancelled is asked 10 times a second */
    insp_job_activate *activate; /* on the calling thread */
    void *activate_arg;
};

/* Starts a process, hands it the job and passes on its events until it has ended. A cancelled job has
 * INSP_JOB_GRACE_MS to end by itself, then its process is killed; the same holds for a process that has reported
 * and does not end. Blocks until the process is gone, which also dies with the calling thread: any thread but the
 * loop's. ret_report     a new reference ret_activated  INSP_NAME_BYTES, filled in any case: the version that
 * `activate` made the active one, or "" Fails as insp_job_run; INSP_E_JOB_CRASHED where the process was killed,
 * crashed, or ended without a report: the detail names the signal. INSP_E_NOMEM, INSP_E_IO where it cannot be
 * started. */
enum { INSP_JOB_GRACE_MS = 5000 };
int insp_job_process_run(const struct insp_job_process *config, const struct insp_job_machine *machine,
                         const struct insp_job_row *row, const struct insp_feedback *feedback, json_t **ret_report,
                         char *ret_activated, struct insp_error *reterr);

#endif
