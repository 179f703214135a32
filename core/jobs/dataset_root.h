/* core/jobs/dataset_root.h - which folders a job may read. */
#ifndef INSP_JOBS_DATASET_ROOT_H
#define INSP_JOBS_DATASET_ROOT_H

#include "core/base/error.h"

/* Finds `relative` below the first of the roots (folders, ':' between) that has it.
 * ret_path  INSP_PATH_BYTES bytes: the folder with all links resolved
 * Fails with INSP_E_FORBIDDEN (absolute, "..", a link that leads out of the root, no root configured) and
 * INSP_E_DATASET (no such folder; names the roots). Blocks on the disk; any thread. */
int insp_dataset_resolve(const char *roots, const char *relative, char *ret_path, struct insp_error *reterr);

#endif
