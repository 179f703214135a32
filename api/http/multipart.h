/* api/http/multipart.h - finds a part in a complete multipart/form-data body (RFC 7578, RFC 2046). Pure; any
 * thread. */
#ifndef INSP_API_HTTP_MULTIPART_H
#define INSP_API_HTTP_MULTIPART_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Says whether a Content-Type is multipart/form-data; false for NULL. */
bool api_multipart_is(const char *content_type);

/* Finds the first part whose Content-Disposition is form-data with this name.
 *   ret_offset, ret_bytes  its content inside body
 *   ret_type               its Content-Type, "" if it has none or a longer one; 128 bytes
 * Fails with
 *   INSP_E_REQUEST     no boundary of 1 to 70 characters, no such part, or no boundary after a part
 *   INSP_E_MEDIA_TYPE  the part has a Content-Transfer-Encoding that changes its bytes (base64, quoted-printable)
 */
int api_multipart_find(const char *content_type, const void *body, size_t bytes, const char *name,
                       size_t *ret_offset, size_t *ret_bytes, char *ret_type, struct insp_error *reterr);

#endif
