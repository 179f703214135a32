/* core/jobs/process/job_machine.h - the resources that a job works with, besides its parameters. */
#ifndef INSP_JOBS_PROCESS_JOB_MACHINE_H
#define INSP_JOBS_PROCESS_JOB_MACHINE_H

#include "core/base/error.h"
#include "core/compute/device.h"
#include "core/image/image.h"

/* Strings are borrowed. */
struct insp_job_machine {
    const char *state_dir;
    const char *dataset_roots; /* folders, ':' between */
    struct insp_device_config device;
    const char *cache_folder; /* NULL: nothing kept */
    uint64_t cache_bytes_max;
    bool cache_half;
    uint64_t
        memory_bytes_max; /* of the job's process; 0: three quarters of the memory that is free at its start */
    struct insp_image_limits limits;
};

/* Makes a trained version the active one (insp_train_context.activate). */
typedef int insp_job_activate(void *arg, const char *product, const char *version, struct insp_error *reterr);

#endif
