/* core/jobs/job_rows.h - reads and writes the table `jobs` of the store: one row per job. Functions block on
 * SQLite; any thread but the loop. All fail with the errors of the store. */
#ifndef INSP_JOBS_JOB_ROWS_H
#define INSP_JOBS_JOB_ROWS_H

#include "core/base/error.h"
#include "core/base/uuid.h"
#include "core/jobs/job_params.h"
#include "core/jobs/jobs.h"
#include "core/store/store.h"

#include <jansson.h>

struct insp_job_row {
    char id[INSP_UUID_BYTES];
    enum insp_job_kind kind;
    char product[INSP_NAME_BYTES];
    struct insp_job_params params;
};

/* Adds a queued row and fills row->id. Fails with INSP_E_QUEUE_FULL if queue_max rows are queued. */
int insp_job_rows_add(struct insp_store *store, struct insp_job_row *row, unsigned queue_max,
                      struct insp_error *reterr);

/* Takes the oldest queued row and marks it as running. *ret_found is false if none is queued. Rows that cannot be
 * read are marked as failed. */
int insp_job_rows_take(struct insp_store *store, struct insp_job_row *ret, bool *ret_found,
                       struct insp_error *reterr);

/* Fields that are updated while a job runs. NULL documents are left unchanged. Pointers are borrowed. */
struct insp_job_update {
    enum insp_job_state state;
    double progress; /* 0..1 */
    const char *stage;
    const json_t *epochs, *folds, *log, *result;
    int error_code; /* 0: none */
    const char *error_detail;
    char *stage_owned; /* set by insp_job_live_snapshot, freed by insp_job_live_release; else NULL */
};
/* Updates a row. Any state but running sets its time of end. */
int insp_job_rows_update(struct insp_store *store, const char *id, const struct insp_job_update *update,
                         struct insp_error *reterr);

/* Cancels a queued row. *ret_state is the state before the call: only INSP_JOB_QUEUED is changed, to cancelled.
 * Fails with INSP_E_NOT_FOUND. */
int insp_job_rows_cancel(struct insp_store *store, const char *id, enum insp_job_state *ret_state,
                         struct insp_error *reterr);

/* Marks running rows, left behind by a crash, as failed with `interrupted`. *ret_count is their number. Call it at
 * startup. */
int insp_job_rows_interrupt(struct insp_store *store, size_t *ret_count, struct insp_error *reterr);

/* Read rows as insp_jobs_get and insp_jobs_list do, without the state of a running job. */
int insp_job_rows_get(struct insp_store *store, const char *id, json_t **ret, struct insp_error *reterr);
int insp_job_rows_list(struct insp_store *store, const char *before_id, size_t limit, json_t **ret,
                       struct insp_error *reterr);

#endif
