/* core/store/lists/series.h - find the newest inspections under several conditions, at a cost that does not grow
 * with the table.
 *
 * A series is one combination of product, camera, verdict and label (and model, if the filter names one) that
 * rows have. There are tens to hundreds of series, whatever the number of rows. An index holds the rows of
 * each series by key. A list finds the series that the filter admits by seeking from one combination in that
 * index to the next ("loose index scan", one seek each), takes the newest keys of each, and answers the newest
 * of all. No condition is tested row by row, so a filter whose conditions rarely match together costs no more
 * than one that always matches. */
#ifndef INSP_STORE_LISTS_SERIES_H
#define INSP_STORE_LISTS_SERIES_H

#include "core/store/store.h"

#include <sqlite3.h>

enum {
    INSP_SERIES_SQL_BYTES = 1024,
    INSP_SERIES_SEEKS_MAX = 20000, /* some 50 ms; only a plant with thousands of cameras comes near it */
};

/* Says whether series can answer the filter: conditions on the five columns, newest first, no part. */
bool insp_series_fit(const struct insp_filter *filter);

/* Lists the keys of the newest filter->limit rows that match the filter, newest first, below high and above
 * low: *ret_keys [*ret_count] is the caller's (free). *ret_gave_up (with no keys): there are more than
 * INSP_SERIES_SEEKS_MAX combinations. Call it inside a read transaction. Fails with INSP_E_NOMEM, INSP_E_IO. */
int insp_series_keys(struct sqlite3 *db, const struct insp_filter *filter, int64_t low, int64_t high,
                     int64_t **ret_keys, size_t *ret_count, bool *ret_gave_up, struct insp_error *reterr);

/* Writes the two statements of insp_series_keys, for tests and benches that check plans. Each has
 * INSP_SERIES_SQL_BYTES bytes. */
void insp_series_sql(const struct insp_filter *filter, char *ret_seek, char *ret_keys);

#endif
