/* core/store/retention/retention.h - carry out the rules of retention_policy.h in small transactions. */
#ifndef INSP_STORE_RETENTION_H
#define INSP_STORE_RETENTION_H

#include "core/store/retention/retention_policy.h"
#include "core/store/store.h"

/* Holds both clocks at one instant. */
struct insp_retention_now {
    int64_t wall_us, mono_us;
};

/* Alarms: bits that ask for a person. */
enum insp_retention_alarm {
    INSP_ALARM_CLOCK = 1,      /* the wall clock is doubted: nothing is removed by age */
    INSP_ALARM_SPACE = 2,      /* little of the disk is free: images are or soon will be removed */
    INSP_ALARM_HELD = 4,       /* bounds or reserve keep more than the limits want */
    INSP_ALARM_ORPHANS = 8,    /* too many image files without a row: the database may be the wrong one */
    INSP_ALARM_QUARANTINE = 16 /* the quarantine is full: orphans stay in place */
};
enum { INSP_ALARMS = 5 };
/* Returns the name of one bit: "clock"... */
const char *insp_retention_alarm_name(unsigned alarm);

struct insp_retention_result {
    uint64_t aged;          /* rows removed by age, with their images */
    uint64_t images, bytes; /* image files removed, by age and by space */
    uint64_t quarantined;   /* image files without a row, moved to the quarantine */
    uint64_t expired;       /* files removed from the quarantine */
    uint64_t orphans;       /* image files without a row in the last complete walk, or so far in this one */
    uint64_t quarantine_bytes;
    unsigned alarms;
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
