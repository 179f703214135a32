/* api/http/cursor.h - where a list goes on: the last id and a hash of the filter, as opaque base64url. Pure. */
#ifndef INSP_API_HTTP_CURSOR_H
#define INSP_API_HTTP_CURSOR_H

#include "api/http/query.h"
#include "core/base/uuid.h"

enum { API_CURSOR_BYTES = 64 };

/* out has API_CURSOR_BYTES bytes. The hash covers every parameter but limit and cursor. */
void api_cursor_make(const struct api_query *query, const char *last_id, char *out);

/* ret_id has INSP_UUID_BYTES bytes. INSP_E_QUERY: not a cursor, or one of a list with another filter. */
int api_cursor_read(const struct api_query *query, const char *cursor, char *ret_id, struct insp_error *reterr);

#endif
