/* core/jobs/job_params.h - reads and writes the parameters of a job as JSON. One table has the names and ranges;
 * insp_train_params_default has the defaults. Pure; any thread. */
#ifndef INSP_JOBS_JOB_PARAMS_H
#define INSP_JOBS_JOB_PARAMS_H

#include "core/base/error.h"
#include "core/train/train.h"

#include <jansson.h>

enum insp_job_kind {
    INSP_JOB_TRAIN,
    INSP_JOB_CROSS_VALIDATE,
    INSP_JOB_EVALUATE,
    INSP_JOB_TRUNK_BANK, /* of no product, as the next */
    INSP_JOB_TRUNK_FETCH,
};
enum { INSP_JOB_KINDS = INSP_JOB_TRUNK_FETCH + 1 };
/* Says whether a job installs a trunk: it is of no product and has no report. */
bool insp_job_of_trunk(enum insp_job_kind kind);
const char *insp_job_kind_name(enum insp_job_kind kind); /* "train" | "cross-validate" | "evaluate" ... */
/* Returns false for an unknown name. */
bool insp_job_kind_parse(const char *text, enum insp_job_kind *ret);

struct insp_job_params {
    char dataset[1024]; /* relative to one of the dataset roots; "" with INSP_MODE_ADD_GOOD and a fetch only */
    char version[INSP_NAME_BYTES]; /* evaluate: the version, "" for the active one */
    struct insp_train_params train;
};

/* Reads a JSON object into *ret; missing parameters get their defaults. Fails with INSP_E_PARAMETER if "dataset"
 * is missing or a parameter is unknown or out of range; the detail names the parameter and its range. */
int insp_job_params_parse(enum insp_job_kind kind, const json_t *object, struct insp_job_params *ret,
                          struct insp_error *reterr);

/* Returns all parameters of this kind of job with their values as a new reference, or NULL without memory.
 * insp_job_params_parse reads them back unchanged. */
json_t *insp_job_params_json(enum insp_job_kind kind, const struct insp_job_params *params);

#endif
