/* core/jobs/dataset_root.h - which folders a job may read, and which one a product's images are written to. */
#ifndef INSP_JOBS_DATASET_ROOT_H
#define INSP_JOBS_DATASET_ROOT_H

#include "core/base/error.h"

#include <stdbool.h>

/* Finds `relative` below the first of the roots (folders, ':' between) that has it.
 * ret_path  INSP_PATH_BYTES bytes: the folder with all links resolved
 * Fails with INSP_E_FORBIDDEN (absolute, "..", a link that leads out of the root, no root configured) and
 * INSP_E_DATASET (no such folder; names the roots). Blocks on the disk; any thread. */
int insp_dataset_resolve(const char *roots, const char *relative, char *ret_path, struct insp_error *reterr);

/* The set that a product's images are written to: <first root>/<product>. Where it is not there it is made, or,
 * without `make`, INSP_E_NOT_FOUND.
 *   product   an insp_name_valid
 *   ret_path  INSP_PATH_BYTES bytes, all links resolved
 * Fails with INSP_E_FORBIDDEN (no root configured, a link that leads out), INSP_E_CONFLICT (another root has a set
 * of that name, which the new one would hide), errno codes (a root that cannot be written: INSP_E_PERMISSION). */
int insp_dataset_home(const char *roots, const char *product, bool make, char *ret_path,
                      struct insp_error *reterr);

#endif
