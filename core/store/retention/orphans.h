/* core/store/orphans.h - image files without a row: found by a walk that goes a few thousand files at a time,
 * moved to <state>/quarantine where there are no more than kills explain (insp_orphans_plausible), never removed
 * at once. retention.c calls these, one thread at a time. */
#ifndef INSP_STORE_ORPHANS_H
#define INSP_STORE_ORPHANS_H

#include "core/store/retention/retention.h"

#include <dirent.h>

struct insp_orphan_walk {
    DIR *day;      /* being read; NULL between days */
    char name[16]; /* of the day that is or was read last; "" at the beginning of a round */
    bool judged;   /* a round has ended, and plausible is its outcome */
    bool plausible;
    struct insp_orphan_count count, last; /* of this round, of the last whole one */
};

/* Goes on with the walk: looks at `files` files at most. Fills orphans, quarantined and alarms of ret. */
int insp_orphans_walk(struct insp_store *store, const struct insp_retention *policy, int64_t wall_us, size_t files,
                      struct insp_retention_result *ret, struct insp_error *reterr);

/* Removes what lies in the quarantine longer than its age, a hundred files at a time, and counts what it holds:
 * expired and quarantine_bytes of ret. believed: ages count. */
int insp_quarantine_sweep(struct insp_store *store, const struct insp_retention *policy, int64_t wall_us,
                          bool believed, struct insp_retention_result *ret, struct insp_error *reterr);

void insp_orphans_close(struct insp_orphan_walk *walk);

#endif
