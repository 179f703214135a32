/* core/jobs/job_rows.h - the table `jobs` of the state folder's database: one row per job, written through the
 * store. All functions block on SQLite and may be called from any thread. */
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

/* Adds a queued row unless queue_max rows wait already (INSP_E_QUEUE_FULL). Fills row->id. */
int insp_job_rows_add(struct insp_store *store, struct insp_job_row *row, unsigned queue_max,
                      struct insp_error *reterr);

/* Takes the oldest queued row and marks it running. *ret_found false: none waits. */
int insp_job_rows_take(struct insp_store *store, struct insp_job_row *ret, bool *ret_found,
                       struct insp_error *reterr);

/* What changes while a job runs; documents may be NULL (left as they are). Borrowed. */
struct insp_job_update {
    enum insp_job_state state;
    double progress;
    const char *stage;
    const json_t *epochs, *folds, *log, *result;
    int error_code; /* 0: none */
    const char *error_detail;
    char *stage_owned; /* job_live.h's snapshot keeps its stage here; else NULL */
};
int insp_job_rows_update(struct insp_store *store, const char *id, const struct insp_job_update *update,
                         struct insp_error *reterr);

/* Cancels a row that still waits: *ret_state is the state that was found (INSP_JOB_QUEUED: it is cancelled now).
 * INSP_E_NOT_FOUND. */
int insp_job_rows_cancel(struct insp_store *store, const char *id, enum insp_job_state *ret_state,
                         struct insp_error *reterr);

/* Rows that a crash left running become failed with `interrupted`; *ret_count of them. Startup. */
int insp_job_rows_interrupt(struct insp_store *store, size_t *ret_count, struct insp_error *reterr);

/* As insp_jobs_get and insp_jobs_list; what the row says. */
int insp_job_rows_get(struct insp_store *store, const char *id, json_t **ret, struct insp_error *reterr);
int insp_job_rows_list(struct insp_store *store, const char *before_id, size_t limit, json_t **ret,
                       struct insp_error *reterr);

#endif
