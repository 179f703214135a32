/* api/http/accept.h - chooses the media type and coding of an answer by what the client accepts. Pure; any
 * thread. */
#ifndef INSP_API_HTTP_ACCEPT_H
#define INSP_API_HTTP_ACCEPT_H

#include <stdbool.h>

/* Returns the index of the type that an Accept value (RFC 9110, section 12.5.1) prefers: by q, then by how exactly
 * it names the type, then by the order of the list. Compares names in any case; ignores parameters other than q.
 *   types  NULL-terminated, such as "text/csv"; without parameters
 * Returns 0 for an empty value and if the client accepts none of the types: RFC 9110 allows a default in place of
 * 406. */
int api_accept_choose(const char *accept, const char *const *types);

/* Says whether the client asks for `type` in place of the default `fallback`: its Accept names the type or its
 * family ("image/png", or "image/" and a star; two stars do not count) with a weight above 0 and not below the
 * fallback's. */
bool api_accept_prefers(const char *accept, const char *type, const char *fallback);

/* Says whether an Accept-Encoding value (RFC 9110, section 12.5.3; NULL: none) names the coding, such as "gzip",
 * with a weight above 0. A star does not count. */
bool api_accept_coding(const char *accept_encoding, const char *coding);

#endif
