/* core/jobs/process/job_machine.h - lists the resources of a job: folders, device, cache and limits. */
#ifndef INSP_JOBS_PROCESS_JOB_MACHINE_H
#define INSP_JOBS_PROCESS_JOB_MACHINE_H

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/compute/device.h"
#include "core/image/image.h"

enum { INSP_TRUNK_URL_BYTES = 512 };

/* Pointers are borrowed. */
struct insp_job_machine {
    const char *state_dir;
    const char *dataset_roots; /* folders, separated by ':' */
    struct insp_device_config device;
    const char *cache_folder;  /* NULL: a temporary file, nothing is kept */
    uint64_t cache_bytes_max;  /* 0: no limit */
    bool cache_half;           /* store features as float16 */
    uint64_t memory_bytes_max; /* of the job's process, as insp_memory_limit; 0: automatic */
    struct insp_image_limits limits;
    char trunk_url[INSP_TRUNK_URL_BYTES], trunk_sha256[INSP_SHA256_HEX_BYTES]; /* of a fetch: trunk_fetch.h */
};

/* Activates a trained version (insp_train_context.activate). */
typedef int insp_job_activate(void *arg, const char *product, const char *version, struct insp_error *reterr);

#endif
