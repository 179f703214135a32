/* core/store/series.h - the newest inspections that several conditions leave, at a cost that does not grow with
 * the table.
 *
 * A series is one combination of product, camera, verdict and label (and model, where one is asked for) that rows
 * have. There are tens to hundreds of them, however many rows. An index holds the rows of each series by key. The
 * series that a filter admits are found by leaping through that index from one combination to the next ("loose
 * index scan", one seek each); of each the newest keys are taken; the newest of all are the answer. No condition
 * is ever tested row by row, so two that hardly ever meet cost as little as two that always do. */
#ifndef INSP_STORE_SERIES_H
#define INSP_STORE_SERIES_H

#include "core/store/store.h"

#include <sqlite3.h>

enum {
    INSP_SERIES_SQL_BYTES = 1024,
    INSP_SERIES_SEEKS_MAX = 20000, /* some 50 ms; only a plant with thousands of cameras comes near */
};

/* Whether the filter is one that series answer: conditions on the five columns, newest first, no part. */
bool insp_series_fit(const struct insp_filter *filter);

/* The keys of the newest filter->limit rows that the filter leaves, newest first, below high and above low:
 * *ret_keys
 * [*ret_count] is the caller's (free). *ret_gave_up (and no keys): there are more combinations than
 * INSP_SERIES_SEEKS_MAX. Inside a read transaction of the caller's. INSP_E_NOMEM, INSP_E_IO. */
int insp_series_keys(struct sqlite3 *db, const struct insp_filter *filter, int64_t low, int64_t high,
                     int64_t **ret_keys, size_t *ret_count, bool *ret_gave_up, struct insp_error *reterr);

/* The two statements it runs; for tests and benches that look at their plans. Each INSP_SERIES_SQL_BYTES. */
void insp_series_sql(const struct insp_filter *filter, char *ret_seek, char *ret_keys);

#endif
