/* core/jobs/process/job_run.h - runs one job: opens the training device, loads the trunk, calls core/train. */
#ifndef INSP_JOBS_PROCESS_JOB_RUN_H
#define INSP_JOBS_PROCESS_JOB_RUN_H

#include "core/base/progress.h"
#include "core/jobs/job_rows.h"
#include "core/jobs/process/job_machine.h"
#include "core/train/feedback.h"

/* Runs the job of a row. Blocks until it has ended; the job's thread.
 *   feedback    labelled inspections, borrowed; not used by a cross-validation
 *   activate    insp_train_context.activate
 *   ret_report  a new reference (train.h)
 * Errors:
 *   INSP_E_CONFLICT  no trunk is installed, or an evaluation finds no active model
 *   those of insp_dataset_resolve, insp_device_open, insp_trunk_open_on, and of the functions of train.h */
int insp_job_run(const struct insp_job_machine *machine, const struct insp_job_row *row,
                 const struct insp_feedback *feedback, const struct insp_progress *progress,
                 insp_job_activate *activate, void *activate_arg, json_t **ret_report, struct insp_error *reterr);

#endif
