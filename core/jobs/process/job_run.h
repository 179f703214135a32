/* core/jobs/process/job_run.h - does one job: opens the training device, loads the trunk, calls core/train. */
#ifndef INSP_JOBS_PROCESS_JOB_RUN_H
#define INSP_JOBS_PROCESS_JOB_RUN_H

#include "core/base/progress.h"
#include "core/jobs/job_rows.h"
#include "core/jobs/process/job_machine.h"
#include "core/train/feedback.h"

/* Blocks until the job is done. feedback: labelled inspections, borrowed. *ret_report is a new reference
 * (train.h). Fails as insp_train and its siblings do; INSP_E_CONFLICT where no trunk is installed. */
int insp_job_run(const struct insp_job_machine *machine, const struct insp_job_row *row,
                 const struct insp_feedback *feedback, const struct insp_progress *progress,
                 insp_job_activate *activate, void *activate_arg, json_t **ret_report, struct insp_error *reterr);

#endif
