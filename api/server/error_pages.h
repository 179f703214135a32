/* api/server/error_pages.h - replaces the HTML pages of libmicrohttpd by problems. Loop thread.
 *
 * The library refuses some requests before the daemon sees them (a version of HTTP that it does not know, a
 * malformed line, a head beyond its memory) and has no hook for these answers. It queues them by calling its own
 * MHD_queue_response through the procedure linkage table, so a function of that name in the program is called
 * instead: error_pages.c defines it. The daemon's own answers go through api_queue_response, therefore a call by
 * that name is the library's. A library that does not call through the table keeps its HTML;
 * tests/fault/test_error_pages.py fails with it. */
#ifndef INSP_API_SERVER_ERROR_PAGES_H
#define INSP_API_SERVER_ERROR_PAGES_H

#include "core/base/error.h"

#include <microhttpd.h>

/* Finds the library's function. Called before the first connection. Fails with INSP_E_INTERNAL. */
int api_error_pages_open(struct insp_error *reterr);

/* Queues an answer of the daemon: the library's MHD_queue_response. MHD_NO before api_error_pages_open. */
enum MHD_Result api_queue_response(struct MHD_Connection *connection, unsigned status,
                                   struct MHD_Response *response);

/* Makes the error for a status of the library. Pure.
 *   content_length  the request's header, or NULL: names it as the cause if it is no valid length */
void api_error_of_page(unsigned status, const char *content_length, struct insp_error *ret);

#endif
