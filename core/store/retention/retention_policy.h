/* core/store/retention_policy.h - the rules of retention as pure functions: which rows go, how many may go at
 * once, whether the clock and the database can be believed. No disk, no SQLite, no clock of its own: any thread.
 *
 * A sweep removes nothing that it cannot justify:
 *   age    only while the wall clock agrees with the monotonic one; rows within the row credit
 *   space  images within the byte credit; never so much that less than the reserve is kept
 *   credit fills by hour_percent of the store in an hour and by whatever came in since the last sweep */
#ifndef INSP_STORE_RETENTION_POLICY_H
#define INSP_STORE_RETENTION_POLICY_H

#include "core/base/error.h"
#include "core/base/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSP_FREE_BYTES_AUTO UINT64_MAX /* of free_bytes_min: insp_retention_free_min decides */

struct insp_retention {
    int64_t good_age_us, anomaly_age_us; /* images and rows older than this go; 0: never by age */
    uint64_t free_bytes_min;             /* images go until this much is free; 0: never by space */
    uint64_t image_bytes_max;            /* images go until all of them are at most this; 0: no limit */
    uint64_t thumbnail_bytes_max;        /* the cache of thumbnails is cut back to this; 0: none are kept */
    unsigned sweep_percent;              /* of the store, that one sweep may remove; 1..100 */
    unsigned hour_percent;               /* and all sweeps of an hour; 1..100 */
    unsigned reserve_percent;            /* of the disk (of image_bytes_max), that images always keep; 0..100 */
    uint64_t quarantine_bytes_max;       /* image files without a row are set aside up to this */
    int64_t quarantine_age_us;           /* and removed this long after; 0: never */
};

/* What goes first: good and never labelled, then whatever somebody labelled, then anomalies that nobody has looked
 * at. Oldest first within each. */
enum insp_retention_class { INSP_KEEP_GOOD, INSP_KEEP_LABELLED, INSP_KEEP_UNLABELLED_ANOMALY };

struct insp_retention_row {
    char id[INSP_UUID_BYTES];
    int64_t received_us;
    uint64_t bytes; /* of the image file; 0 where it is not kept */
    enum insp_retention_class class;
    bool anomalous; /* by verdict or by label: anomaly_age_us counts */
};

/* Marks in ret_remove which of count rows are older than their age at now_us (wall), the oldest first and at most
 * rows_max; returns how many. *ret_held (may be NULL): more were too old. */
size_t insp_retention_plan_age(const struct insp_retention *policy, const struct insp_retention_row *rows,
                               size_t count, int64_t now_us, uint64_t rows_max, bool *ret_remove, bool *ret_held);

struct insp_retention_need {
    uint64_t bytes;         /* to be freed */
    uint64_t bytes_max;     /* at most so many now; the last image may pass it */
    uint64_t image_bytes;   /* of all images that are kept */
    uint64_t reserve_bytes; /* labelled images and anomalies stay while all images take no more than this */
};

/* Marks in ret_remove which images go, in the order of enum insp_retention_class, until need->bytes are covered or
 * a bound forbids the next one; *ret_count of them. *ret_held: a bound did. INSP_E_NOMEM. */
int insp_retention_plan_space(const struct insp_retention_need *need, const struct insp_retention_row *rows,
                              size_t count, bool *ret_remove, size_t *ret_count, bool *ret_held,
                              struct insp_error *reterr);

/* free_bytes_min in bytes: what is set, or for INSP_FREE_BYTES_AUTO the smaller of 2 GiB and 5 % of the disk. */
uint64_t insp_retention_free_min(uint64_t free_bytes_min, uint64_t disk_bytes);

struct insp_retention_disk {
    uint64_t free_bytes, total_bytes; /* of the file system */
    uint64_t image_bytes;             /* of all images that are kept */
};

/* What the free-space rule asks for: bytes and reserve_bytes of *ret (bytes_max is left alone). Where all that may
 * go would not do, the disk is filled by something else: then only the last INSP_FREE_EMERGENCY are defended, so
 * that inspections are still stored. *ret_low: less than five quarters of the limit are free, so images go soon.
 * *ret_helpless: the store alone cannot reach the limit. */
enum { INSP_FREE_EMERGENCY_BYTES = 64 << 20 };
void insp_retention_need_free(const struct insp_retention *policy, const struct insp_retention_disk *disk,
                              struct insp_retention_need *ret, bool *ret_low, bool *ret_helpless);

/* What image_bytes_max asks for, as above. */
void insp_retention_need_total(const struct insp_retention *policy, uint64_t image_bytes,
                               struct insp_retention_need *ret);

/* What may still be removed; kept between sweeps and over restarts. Zeroed: it begins with one sweep's share. */
struct insp_retention_credit {
    bool begun;
    double bytes, rows;
    int64_t mono_us; /* of the last fill; 0 after a restart: time that nobody measured gives no credit */
};
struct insp_retention_stock {
    uint64_t image_bytes, rows;       /* that the store holds */
    uint64_t came_bytes, came_rows;   /* since the last fill */
    uint64_t sweep_bytes, sweep_rows; /* filled by credit_fill: what one sweep may remove now */
};
/* INSP_RETENTION_ROWS rows are always granted an hour: percents of a small store are less than a row. */
enum { INSP_RETENTION_ROWS = 1000 };
void insp_retention_credit_fill(struct insp_retention_credit *credit, const struct insp_retention *policy,
                                int64_t mono_us, struct insp_retention_stock *stock);
void insp_retention_credit_spend(struct insp_retention_credit *credit, uint64_t bytes, uint64_t rows);

/* Whether ages by the wall clock can be believed. A clock that jumped (against the monotonic one, by more than
 * ten minutes), or that starts more than a week after evidence_us, is believed after a day of agreement, or at
 * once when it is back. evidence_us: the last time that was believed before this process, else that of the newest
 * row; 0: none. Call it at every sweep; clock begins zeroed. */
struct insp_retention_clock {
    bool known, doubted;
    int64_t wall_us, mono_us; /* last believed */
    int64_t doubt_wall_us, doubt_mono_us;
};
bool insp_retention_clock_believed(struct insp_retention_clock *clock, int64_t wall_us, int64_t mono_us,
                                   int64_t evidence_us);

/* What a walk over the image folders found. A kill between an image file and its row leaves at most one group of
 * files; more of them, files older than the database, or files made well after its newest row say that the
 * database is not the one that belongs to the folder. */
struct insp_orphan_count {
    uint64_t files, orphans;
    uint64_t before_birth;  /* orphans made before the database was */
    uint64_t behind_newest; /* orphans made before this start, but ten minutes or more after the newest row */
};
bool insp_orphans_plausible(const struct insp_orphan_count *count);

#endif
