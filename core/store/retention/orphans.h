/* core/store/retention/orphans.h - find image files without a row, by a walk over a few thousand files at a time, and
 * move them to <state>/quarantine if there are no more than kills explain (insp_orphans_plausible). Never
 * removes one at once. Only retention.c calls these functions, one thread at a time; they block on the disk. */
#ifndef INSP_STORE_ORPHANS_H
#define INSP_STORE_ORPHANS_H

#include "core/store/retention/retention.h"

#include <dirent.h>

struct insp_orphan_walk {
    DIR *day;      /* folder being read; NULL between days */
    char name[16]; /* present or last day; "" at the beginning of a round */
    bool judged;   /* a round has ended with the outcome `plausible` */
    bool plausible;
    struct insp_orphan_count count, last; /* of this round, of the last complete one */
};

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
