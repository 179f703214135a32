/* api/http/cursor.h - encodes the position at which a list continues, as opaque base64url: the last id of a page
 * and a hash of the filter. Pure; any thread. */
#ifndef INSP_API_HTTP_CURSOR_H
#define INSP_API_HTTP_CURSOR_H

#include "api/http/query.h"
#include "core/base/uuid.h"

enum { API_CURSOR_BYTES = 64 };

/* Makes the cursor of the next page. The hash covers the filters of the list of inspections: product, camera,
 * part, verdict, label, model, since and until.
 *   last_id  the last id of the page, a UUID
 *   out      API_CURSOR_BYTES bytes */
void api_cursor_make(const struct api_query *query, const char *last_id, char *out);

/* Reads a cursor.
 *   ret_id  INSP_UUID_BYTES bytes
 * Fails with INSP_E_QUERY for other text, and for the cursor of a list with another filter. */
int api_cursor_read(const struct api_query *query, const char *cursor, char *ret_id, struct insp_error *reterr);

#endif
