/* core/store/lists/drift_rows.h - count the parts that were judged good by their place among the good parts of the
 * training (good_drift.h): one row per day (UTC), product, camera and version, written in the transaction of the
 * inspections. A row begins anew when the good parts of the training change with which its parts are compared,
 * because another threshold calls others good. Reading needs no inspection, and the counts cover rows that
 * retention has removed. A label that is set afterwards moves no part. */
#ifndef INSP_STORE_LISTS_DRIFT_ROWS_H
#define INSP_STORE_LISTS_DRIFT_ROWS_H

#include "core/store/store.h"

enum {
    INSP_DRIFT_DAYS = 400,        /* older rows are removed */
    INSP_DRIFT_ROWS_A_DAY = 1024, /* more combinations of product, camera and version are not counted that day */
};

struct insp_drift_row {
    int64_t day; /* days since 1970-01-01, UTC */
    const char *product, *camera, *model;
    uint64_t parts; /* judged good, since the row began */
    uint32_t reference, bin[INSP_DRIFT_BINS];
};

/* Returns the day of a time, wall clock. */
int64_t insp_drift_day(int64_t wall_us);

/* Receives one row, valid until it returns; returns non-zero to stop. */
typedef int insp_drift_callback(void *arg, const struct insp_drift_row *row);

/* Lists the rows from a day on, of a product (NULL: all), by product, camera and day, the newest day first. Blocks
 * on the disk. Fails with the codes of insp_sql_fail. */
int insp_store_drift(struct insp_store *store, const char *product, int64_t since_day,
                     insp_drift_callback *callback, void *arg, struct insp_error *reterr);

#endif
