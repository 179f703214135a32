/* core/jobs/dataset_sets.h - lists the datasets below the dataset roots. Blocks on the disk; any thread but the
 * loop. */
#ifndef INSP_JOBS_DATASET_SETS_H
#define INSP_JOBS_DATASET_SETS_H

#include "core/base/cleanup.h"
#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INSP_SETS_MAX = 500 };

struct insp_dataset_set {
    char *name; /* owned; as jobs name it: a path relative to its root, UTF-8 */
    bool own;   /* images can be written into it: <first root>/<product> */
};

struct insp_dataset_sets {
    struct insp_dataset_set *set; /* [count], owned; sorted by name */
    size_t count;
    bool more; /* there are more than INSP_SETS_MAX */
};
void insp_dataset_sets_clear(struct insp_dataset_sets *sets); /* accepts a zeroed struct */

/* Lists the folders with a folder train or test, one or two levels below a root, and the folders of the first root
 * that are empty: products that have no image yet. A set that an earlier root hides, or whose link leads out of
 * its root, is left out. A root that does not exist has none.
 *   roots  folders, separated by ':'
 * Errors: INSP_E_NOMEM, errno codes. */
int insp_dataset_sets_find(const char *roots, struct insp_dataset_sets *ret, struct insp_error *reterr);

/* Empties the trash of all sets that images can be written into, but for changes since `before_us` (wall clock):
 * insp_dataset_changes_forget. A set that fails does not stop the others: the first error is returned.
 * *ret_count is set in any case. */
int insp_dataset_sets_forget(const char *roots, int64_t before_us, size_t *ret_count, struct insp_error *reterr);

#endif
