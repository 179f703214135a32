/* core/store/retention/orphan_walk.h - keeps the position of the walk over image files between sweeps
 * (orphans.h). */
#ifndef INSP_STORE_RETENTION_ORPHAN_WALK_H
#define INSP_STORE_RETENTION_ORPHAN_WALK_H

#include "core/store/retention/retention_policy.h"

#include <dirent.h>

struct insp_orphan_walk {
    DIR *day;      /* folder being read; NULL between days */
    char name[16]; /* present or last day; "" at the beginning of a round */
    bool judged;   /* a round has ended with the outcome `plausible` */
    bool plausible;
    struct insp_orphan_count count, last; /* of this round, of the last complete one */
};

#endif
