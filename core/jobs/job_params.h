/* core/jobs/job_params.h - the parameters of a job as JSON: one table of names, ranges and defaults (the
 * notebook's values). */
#ifndef INSP_JOBS_JOB_PARAMS_H
#define INSP_JOBS_JOB_PARAMS_H

#include "core/base/error.h"
#include "core/train/train.h"

#include <jansson.h>

enum insp_job_kind { INSP_JOB_TRAIN, INSP_JOB_CROSS_VALIDATE, INSP_JOB_EVALUATE };
const char *insp_job_kind_name(enum insp_job_kind kind); /* "train" | "cross-validate" | "evaluate" */
bool insp_job_kind_parse(const char *text, enum insp_job_kind *ret);

struct insp_job_params {
    char dataset[1024];            /* relative to one of the dataset roots; required */
    char version[INSP_NAME_BYTES]; /* evaluate: "" for the active one */
    struct insp_train_params train;
};

/* Reads a JSON object into *ret, defaults for what is not named. INSP_E_PARAMETER names an unknown or out-of-range
 * parameter and its range. Pure; any thread. */
int insp_job_params_parse(enum insp_job_kind kind, const json_t *object, struct insp_job_params *ret,
                          struct insp_error *reterr);

/* The parameters that this kind of job knows, as they will be used (new reference; NULL without memory).
 * parse(kind, json(kind, p)) equals p. */
json_t *insp_job_params_json(enum insp_job_kind kind, const struct insp_job_params *params);

#endif
