/* core/jobs/dataset_root.h - finds the folders that a job may read, and the folder that a product's images are
 * written to. Functions block on the disk; any thread. */
#ifndef INSP_JOBS_DATASET_ROOT_H
#define INSP_JOBS_DATASET_ROOT_H

#include "core/base/error.h"

#include <stdbool.h>

/* Finds the folder `relative` below the first root that contains it.
 *   roots     folders, separated by ':'
 *   ret_path  INSP_PATH_BYTES bytes: the folder with all links resolved
 * Errors:
 *   INSP_E_FORBIDDEN  the path is absolute or has "..", a link leads out of the root, or no root is configured
 *   INSP_E_DATASET    no root has it (the detail names the roots), or it is not a folder
 *   INSP_E_NOMEM, errno codes */
int insp_dataset_resolve(const char *roots, const char *relative, char *ret_path, struct insp_error *reterr);

/* Finds the dataset that a product's images are written to, <first root>/<product>, and creates it if `make`.
 *   product   passes insp_name_valid
 *   ret_path  INSP_PATH_BYTES bytes, all links resolved
 * Errors:
 *   INSP_E_FORBIDDEN   no root is configured, or a link leads out of the root
 *   INSP_E_NOT_FOUND   it does not exist and `make` is false
 *   INSP_E_CONFLICT    it does not exist, and another root has a dataset of that name, which it would hide
 *   INSP_E_DATASET     a file has this name
 *   INSP_E_PERMISSION  the root is not writable
 *   INSP_E_NOMEM, errno codes */
int insp_dataset_home(const char *roots, const char *product, bool make, char *ret_path,
                      struct insp_error *reterr);

#endif
