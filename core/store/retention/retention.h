/* core/store/retention.h - carries the rules of retention_policy.h out, in small transactions. */
#ifndef INSP_STORE_RETENTION_H
#define INSP_STORE_RETENTION_H

#include "core/store/retention/retention_policy.h"
#include "core/store/store.h"

/* Both clocks at one instant. */
struct insp_retention_now {
    int64_t wall_us, mono_us;
};

/* Reasons for a person to look; bits. */
enum insp_retention_alarm {
    INSP_ALARM_CLOCK = 1,      /* the wall clock cannot be believed: nothing goes by age */
    INSP_ALARM_SPACE = 2,      /* little of the disk is free: images go, or will soon */
    INSP_ALARM_HELD = 4,       /* more should go than the bounds or the reserve allow */
    INSP_ALARM_ORPHANS = 8,    /* too many image files without a row: the database may not be the right one */
    INSP_ALARM_QUARANTINE = 16 /* orphans stay where they are because the quarantine is full */
};
enum { INSP_ALARMS = 5 };
const char *insp_retention_alarm_name(unsigned alarm); /* of one bit: "clock" ... */

struct insp_retention_result {
    uint64_t aged;          /* rows that went by age, with their images */
    uint64_t images, bytes; /* image files removed, by age and by space */
    uint64_t quarantined;   /* image files without a row, set aside */
    uint64_t expired;       /* files removed from the quarantine */
    uint64_t orphans;       /* image files without a row in the last whole walk, or in this one so far */
    uint64_t quarantine_bytes;
    unsigned alarms;
};

/* One sweep. Age removes rows and images; space removes images (the row stays, image_kept = false); the thumbnails
 * of removed images go with them. Image files without a row that are older than an hour are moved to
 * <state>/quarantine where the walk over all folders found no more of them than kills explain; each sweep looks at
 * a few thousand files and the next goes on behind them. Statistics older than 400 days go. An error of one part
 * keeps no other from its work: *ret is set in any case, the first error is returned. On a full disk image files
 * are removed before their rows say so. One sweep at a time (a second waits). Blocks: the pool. */
int insp_retention_sweep(struct insp_store *store, const struct insp_retention *policy,
                         const struct insp_retention_now *now, struct insp_retention_result *ret,
                         struct insp_error *reterr);

#endif
