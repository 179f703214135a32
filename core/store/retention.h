/* core/store/retention.h - what goes first when age or space says so. The plan is a pure function of rows and a
 * clock value; the sweep carries it out in small transactions. Order: good before anomalies; among anomalies the
 * labelled before the unlabelled (nobody has looked at those yet); oldest first within each. */
#ifndef INSP_STORE_RETENTION_H
#define INSP_STORE_RETENTION_H

#include "core/store/store.h"

struct insp_retention {
    int64_t good_age_us, anomaly_age_us; /* images and rows older than this go; 0: never by age */
    uint64_t free_bytes_min;             /* images go until this much is free; 0: never by space */
    uint64_t thumbnail_bytes_max;        /* the cache of thumbnails is cut back to this; 0: none are kept */
    uint64_t image_bytes_max;            /* images go until all of them are at most this; 0: no limit */
};

enum insp_retention_class { INSP_KEEP_GOOD, INSP_KEEP_LABELLED_ANOMALY, INSP_KEEP_UNLABELLED_ANOMALY };

struct insp_retention_row {
    char id[INSP_UUID_BYTES];
    int64_t received_us;
    uint64_t bytes;
    enum insp_retention_class class;
};

/* Marks in ret_remove which of count rows go: by age (now_us wall), then in the order above until
 * bytes_to_free are covered; *ret_count of them. A row without bytes goes by age only. INSP_E_NOMEM. */
int insp_retention_plan(const struct insp_retention *policy, const struct insp_retention_row *rows, size_t count,
                        int64_t now_us, uint64_t bytes_to_free, bool *ret_remove, size_t *ret_count,
                        struct insp_error *reterr);

struct insp_retention_result {
    uint64_t rows, images, bytes;
};
/* One sweep: age removes rows and images, space removes images (the row stays, image_kept = false). The thumbnails
 * of removed images go with them. Also removes image files without a row that are older than an hour, and
 * statistics older than 400 days. Where only the cache of thumbnails cannot be swept, the rest is done and *ret
 * set all the same. Blocks: the pool, at intervals and when a put met INSP_E_NOSPACE. */
int insp_retention_sweep(struct insp_store *store, const struct insp_retention *policy, int64_t now_us,
                         struct insp_retention_result *ret, struct insp_error *reterr);

#endif
