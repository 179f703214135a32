/* core/store/retention/retention.h - carry out the rules of retention_policy.h in small transactions. */
#ifndef INSP_STORE_RETENTION_RETENTION_H
#define INSP_STORE_RETENTION_RETENTION_H

#include "core/store/retention/retention_policy.h"
#include "core/store/retention/swept.h"
#include "core/store/store.h"

/* Holds both clocks at one instant. */
struct insp_retention_now {
    int64_t wall_us, mono_us;
};

/* Runs one sweep. Age removes rows and images; space removes images (the row stays, image_kept = false); the
 * thumbnails of removed images go too. Image files without a row that are older than an hour move to
 * <state>/quarantine if the walk over all folders found no more of them than kills explain; each sweep
 * examines a few thousand files and the next one continues there. Statistics older than 400 days are removed.
 * On a full disk image files are removed before their rows are changed. One sweep at a time (a second one
 * waits). Blocks on the disk: lane CHORE.
 *
 * An error of one part does not stop the others: *ret is set in any case, and the first error is returned (the
 * codes of insp_fail_errno and insp_sql_fail, INSP_E_NOMEM). */
int insp_retention_sweep(struct insp_store *store, const struct insp_retention *policy,
                         const struct insp_retention_now *now, struct insp_retention_result *ret,
                         struct insp_error *reterr);

#endif
