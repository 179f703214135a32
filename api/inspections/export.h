/* api/inspections/export.h - streams GET /v1/inspections as CSV or JSON lines: any number of rows in the memory of
 * one page (at most 500 rows, about 256 KiB).
 *
 * A task in lane BACK reads a page while the connection is suspended; libmicrohttpd sends it as fast as the client
 * reads; then a task reads the next page from the last id on. Between pages the export holds no read transaction,
 * so a long export does not block WAL checkpoints. It runs from newest to oldest: inspections that arrive
 * meanwhile do not appear, and rows that retention removes meanwhile are missing.
 *
 * Threads: api_export_begin in lane BACK, api_export_wanted on any thread, api_export_before on the loop. */
#ifndef INSP_API_INSPECTIONS_EXPORT_H
#define INSP_API_INSPECTIONS_EXPORT_H

#include "core/base/error.h"
#include "core/store/store.h"

#include <stdbool.h>

struct api_request;

/* Reserves one of the limits.exports places and gives the request its part if the Accept header asks for CSV or
 * JSON lines; else does neither. Adds Vary: Accept. Fails with INSP_E_QUEUE_FULL (no place is free),
 * INSP_E_NOMEM. */
int api_export_before(struct api_request *request, struct insp_error *reterr);

/* Says whether the request asks for an export, once api_export_before has run. Any thread. */
bool api_export_wanted(const struct api_request *request);

/* Reads the first page and fills the response's status and headers. Errors of the first page are therefore
 * answered as a problem; errors of later pages cut the file off. Blocks on the database.
 *   filter  copied, but its texts must live as long as the request (before_id is copied too); limit 0: all rows
 * Fails as insp_store_list, and with INSP_E_NOMEM. */
int api_export_begin(struct api_request *request, const struct insp_filter *filter, struct insp_error *reterr);

#endif
