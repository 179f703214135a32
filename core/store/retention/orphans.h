/* core/store/retention/orphans.h - find image files without a row, by a walk over a few thousand files at a time,
 * and move them to <state>/quarantine if there are no more than kills explain (insp_orphans_plausible). Never
 * removes one at once. Only retention.c calls these functions, one thread at a time; they block on the disk. */
#ifndef INSP_STORE_RETENTION_ORPHANS_H
#define INSP_STORE_RETENTION_ORPHANS_H

#include "core/store/retention/orphan_walk.h"
#include "core/store/retention/swept.h"

struct insp_store;

/* Continues the walk with at most `files` files. Sets orphans, quarantined and alarms of ret. Fails with the
 * codes of insp_fail_errno and insp_sql_fail. */
int insp_orphans_walk(struct insp_store *store, const struct insp_retention *policy, int64_t wall_us, size_t files,
                      struct insp_retention_result *ret, struct insp_error *reterr);

/* Removes files that have been in the quarantine longer than its age, a hundred at a time, and measures it:
 * sets expired and quarantine_bytes of ret. believed: the wall clock is right, so ages count. Fails with the
 * codes of insp_fail_errno. */
int insp_quarantine_sweep(struct insp_store *store, const struct insp_retention *policy, int64_t wall_us,
                          bool believed, struct insp_retention_result *ret, struct insp_error *reterr);

void insp_orphans_close(struct insp_orphan_walk *walk); /* closes the open folder, if any */

#endif
