/* api/http/multipart.h - the part `image` of a multipart/form-data body (RFC 7578, RFC 2046) that is already whole
 * in memory. Pure. */
#ifndef INSP_API_HTTP_MULTIPART_H
#define INSP_API_HTTP_MULTIPART_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Says whether the value of a Content-Type header is multipart/form-data; NULL is not. */
bool api_multipart_is(const char *content_type);

/* Finds the first part whose Content-Disposition is form-data with this name.
 *   ret_offset, ret_bytes  its content inside body
 *   ret_type               its Content-Type, 128 bytes; "" where it has none
 * INSP_E_REQUEST: no boundary, no such part, or a body that does not end with the closing boundary.
 * INSP_E_MEDIA_TYPE: the part has a Content-Transfer-Encoding that changes its bytes (base64, quoted-printable).
 */
int api_multipart_find(const char *content_type, const void *body, size_t bytes, const char *name,
                       size_t *ret_offset, size_t *ret_bytes, char *ret_type, struct insp_error *reterr);

#endif
