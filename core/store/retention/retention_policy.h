/* core/store/retention/retention_policy.h - decide what retention removes, by pure functions: which rows, how many
 * at once, and whether clock and database can be believed. No disk, no SQLite, no clock; any thread.
 *
 * A sweep removes nothing that it cannot justify:
 *   age     only while the wall clock agrees with the monotonic one; rows within the row credit
 *   space   images within the byte credit; labelled images and anomalies only down to the reserve
 *   credit  fills by hour_percent of the store per hour and by the amount stored since the last sweep */
#ifndef INSP_STORE_RETENTION_RETENTION_POLICY_H
#define INSP_STORE_RETENTION_RETENTION_POLICY_H

#include "core/base/error.h"
#include "core/base/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSP_FREE_BYTES_AUTO UINT64_MAX /* for free_bytes_min: insp_retention_free_min decides */

struct insp_retention {
    int64_t good_age_us, anomaly_age_us; /* images and rows older than this are removed; 0: none by age */
    uint64_t free_bytes_min;             /* images are removed until this much is free; 0: none by space */
    uint64_t image_bytes_max;            /* images are removed until all take at most this; 0: no limit */
    uint64_t thumbnail_bytes_max;        /* the cache of thumbnails is reduced to this; 0: none are kept */
    unsigned sweep_percent;              /* share of the store that one sweep may remove; 1..100 */
    unsigned hour_percent;               /* the same for all sweeps of an hour; 1..100 */
    unsigned reserve_percent;            /* reserve: share of the disk (of image_bytes_max); 0..100 */
    uint64_t quarantine_bytes_max;       /* the quarantine takes files up to this */
    int64_t quarantine_age_us;           /* its files are removed after this; 0: never */
};

/* Orders images for removal: unlabelled good ones first, then labelled ones, then unlabelled anomalies, which
 * nobody has looked at. Oldest first within each. */
enum insp_retention_class { INSP_KEEP_GOOD, INSP_KEEP_LABELLED, INSP_KEEP_UNLABELLED_ANOMALY };

struct insp_retention_row {
    char id[INSP_UUID_BYTES];
    int64_t received_us;
    uint64_t bytes; /* of the image file; 0 if it is not kept */
    enum insp_retention_class class;
    bool anomalous; /* anomaly by verdict or by label: anomaly_age_us applies */
};

/* Marks in ret_remove the rows, of `count`, that are older than their age at now_us (wall), oldest first and
 * at most rows_max; returns their number. *ret_held (may be NULL): more were too old. */
size_t insp_retention_plan_age(const struct insp_retention *policy, const struct insp_retention_row *rows,
                               size_t count, int64_t now_us, uint64_t rows_max, bool *ret_remove, bool *ret_held);

struct insp_retention_need {
    uint64_t bytes;         /* wanted */
    uint64_t bytes_max;     /* allowed now; the last image may exceed it */
    uint64_t image_bytes;   /* of all images that are kept */
    uint64_t reserve_bytes; /* labelled images and anomalies stay while all images take no more than this */
};

/* Marks in ret_remove the images to remove, in the order of enum insp_retention_class, until they cover
 * need->bytes or a bound forbids the next one; *ret_count of them. *ret_held: a bound did. Fails with
 * INSP_E_NOMEM. */
int insp_retention_plan_space(const struct insp_retention_need *need, const struct insp_retention_row *rows,
                              size_t count, bool *ret_remove, size_t *ret_count, bool *ret_held,
                              struct insp_error *reterr);

/* Returns free_bytes_min in bytes: the setting, or for INSP_FREE_BYTES_AUTO the smaller of 2 GiB and 5 % of
 * the disk. */
uint64_t insp_retention_free_min(uint64_t free_bytes_min, uint64_t disk_bytes);

struct insp_retention_disk {
    uint64_t free_bytes, total_bytes; /* of the file system */
    uint64_t image_bytes;             /* of all images that are kept */
};

/* Computes the need of the free-space rule: bytes, image_bytes and reserve_bytes of *ret (leaves bytes_max
 * alone). If removing all images would not be enough, something else fills the disk: then only the last
 * INSP_FREE_EMERGENCY_BYTES are defended, so that inspections are still stored.
 *   ret_low       less than five quarters of the limit are free: images will soon be removed
 *   ret_helpless  the store alone cannot reach the limit */
enum { INSP_FREE_EMERGENCY_BYTES = 64 << 20 };
void insp_retention_need_free(const struct insp_retention *policy, const struct insp_retention_disk *disk,
                              struct insp_retention_need *ret, bool *ret_low, bool *ret_helpless);

/* Computes the need of image_bytes_max, as above. */
void insp_retention_need_total(const struct insp_retention *policy, uint64_t image_bytes,
                               struct insp_retention_need *ret);

/* Holds the credit, kept between sweeps and over restarts. A zeroed one begins with the share of one sweep. */
struct insp_retention_credit {
    bool begun;
    double bytes, rows;
    int64_t mono_us; /* of the last fill; 0 after a restart: unmeasured time gives no credit */
};
struct insp_retention_stock {
    uint64_t image_bytes, rows;       /* held by the store */
    uint64_t came_bytes, came_rows;   /* stored since the last fill */
    uint64_t sweep_bytes, sweep_rows; /* set by credit_fill: removable by one sweep now */
};
/* Fill and spend the credit. INSP_RETENTION_ROWS rows are always granted per hour, because the percentages of
 * a small store are less than a row. */
enum { INSP_RETENTION_ROWS = 1000 };
void insp_retention_credit_fill(struct insp_retention_credit *credit, const struct insp_retention *policy,
                                int64_t mono_us, struct insp_retention_stock *stock);
void insp_retention_credit_spend(struct insp_retention_credit *credit, uint64_t bytes, uint64_t rows);

/* Says whether ages by the wall clock can be believed. A clock that jumped against the monotonic one by more
 * than ten minutes, or that starts more than a week after evidence_us, is believed after a day of agreement,
 * or at once when it is back. evidence_us: the last believed time of an earlier process, else that of the
 * newest row; 0: none. Call it in every sweep; clock begins zeroed. */
struct insp_retention_clock {
    bool known, doubted;
    int64_t wall_us, mono_us; /* last believed */
    int64_t doubt_wall_us, doubt_mono_us;
};
bool insp_retention_clock_believed(struct insp_retention_clock *clock, int64_t wall_us, int64_t mono_us,
                                   int64_t evidence_us);

/* Counts the files of a walk over the image folders. A kill between an image file and its row leaves at most
 * one group of files. More of them, files older than the database, or files made well after its newest row
 * mean that the database does not belong to the folder. */
struct insp_orphan_count {
    uint64_t files, orphans;
    uint64_t before_birth;  /* orphans older than the database */
    uint64_t behind_newest; /* orphans made before this start, ten minutes or more after the newest row */
};
/* Says whether kills explain the orphans. */
bool insp_orphans_plausible(const struct insp_orphan_count *count);

#endif
