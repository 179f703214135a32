/* api/http/multipart.h - the part `image` of a multipart/form-data body (RFC 7578) that is already whole in
 * memory. Pure. */
#ifndef INSP_API_HTTP_MULTIPART_H
#define INSP_API_HTTP_MULTIPART_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>

bool api_multipart_is(const char *content_type);

/* Finds the part named `name`.
 *   ret_offset, ret_bytes  its content inside body
 *   ret_type               its Content-Type, 128 bytes; "" where it has none
 * INSP_E_REQUEST: no boundary, no such part, or a body that does not end with the closing boundary. */
int api_multipart_find(const char *content_type, const void *body, size_t bytes, const char *name,
                       size_t *ret_offset, size_t *ret_bytes, char *ret_type, struct insp_error *reterr);

#endif
