/* api/inspections/export.h - streams GET /v1/inspections as CSV or JSON lines: any number of rows in the memory of
 * one page (at most 500 rows, about 256 KiB).
 *
 * A task in lane BACK reads a page while the connection is suspended; libmicrohttpd sends it as fast as the client
 * reads; then a task reads the next page from the last id on. Between pages the export holds no read transaction,
 * so a long export does not block WAL checkpoints. It runs from newest to oldest: inspections that arrive
 * meanwhile do not appear, and rows that retention removes meanwhile are missing.
 *
 * Threads: api_export_begin in lane BACK, all other functions on the loop. */
#ifndef INSP_API_RESOURCES_EXPORT_H
#define INSP_API_RESOURCES_EXPORT_H

#include "core/base/error.h"
#include "core/store/store.h"

#include <microhttpd.h>

struct api_request;
struct api_server;
struct api_export;

/* Reserves one of the limits.exports places and sets request->exporting if the Accept header asks for CSV or JSON
 * lines; else leaves it NULL. Adds Vary: Accept. Fails with INSP_E_QUEUE_FULL (no place is free), INSP_E_NOMEM. */
int api_export_before(struct api_request *request, struct insp_error *reterr);

/* Reads the first page and fills the response's status and headers. Errors of the first page are therefore
 * answered as a problem; errors of later pages cut the file off. Blocks on the database. filter  copied, but its
 * texts must live as long as the request (before_id is copied too); limit 0: all rows Fails as insp_store_list,
 * and with INSP_E_NOMEM. */
int api_export_begin(struct api_request *request, const struct insp_filter *filter, struct insp_error *reterr);

/* Makes the response that streams; NULL without memory. request->exporting stays the request's. */
struct MHD_Response *api_export_response(struct api_request *request);

/* Says whether the client has taken longer than api_receive_deadline allows to read the present page. False for a
 * request without an export. now_us: monotonic. */
bool api_export_stalled(const struct api_request *request, int64_t now_us);

/* Gives the place back and frees the export; accepts NULL. Not while a task reads a page: the request lives until
 * then. */
void api_export_free(struct api_server *server, struct api_export *exporting);

#endif
