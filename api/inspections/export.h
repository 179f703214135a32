/* api/resources/export.h - GET /v1/inspections as CSV or JSON lines: any number of rows in the memory of one page.
 *
 * A page is read on the pool while the connection is suspended, then libmicrohttpd takes it as the client reads,
 * then the next page is read from the id where the last one ended. Between pages nothing of the database is held,
 * so an export that takes an hour keeps no WAL from being checkpointed. New inspections do not appear in an export
 * that has begun (it runs from newest to oldest); rows that retention takes meanwhile are missing.
 *
 * Threads: the loop, but for api_export_begin (pool). */
#ifndef INSP_API_RESOURCES_EXPORT_H
#define INSP_API_RESOURCES_EXPORT_H

#include "core/base/error.h"
#include "core/store/store.h"

#include <microhttpd.h>

struct api_request;
struct api_server;
struct api_export;

/* Loop, before the work: where the Accept header asks for an export, takes one of the limits.exports places and
 * sets request->exporting. INSP_E_QUEUE_FULL (503 with Retry-After) when all are taken; INSP_E_NOMEM. */
int api_export_before(struct api_request *request, struct insp_error *reterr);

/* Pool: reads the first page, so that what is wrong with it is a problem and no broken file, and fills the
 * response's status and headers. filter's texts must live as long as the request; limit 0: all. cursor_id as
 * filter->before_id. */
int api_export_begin(struct api_request *request, const struct insp_filter *filter, struct insp_error *reterr);

/* The response that streams, NULL without memory. request->exporting stays the request's. */
struct MHD_Response *api_export_response(struct api_request *request);

/* The client has had time enough (api_receive_deadline) for the page that lies ready: it reads too slowly, or not.
 */
bool api_export_stalled(const struct api_request *request, int64_t now_us);

/* Frees the place. NULL is fine. Never while a page is being read: the request lives until then. */
void api_export_free(struct api_server *server, struct api_export *exporting);

#endif
