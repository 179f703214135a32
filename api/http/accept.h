/* api/http/accept.h - which of the media types that a resource has a client wants. Pure; any thread. */
#ifndef INSP_API_HTTP_ACCEPT_H
#define INSP_API_HTTP_ACCEPT_H

#include <stdbool.h>

/* The index in the NULL-terminated list `types` ("text/csv", lower case, without parameters) of what an Accept
 * value (RFC 9110, section 12.5.1) likes best: by q, then by how exactly it names the type, then by the order of
 * the list. Type names are compared without regard to case; parameters other than q are ignored. 0 for an empty
 * value and where nothing fits: the first type is the default, which RFC 9110 allows in place of 406. */
int api_accept_choose(const char *accept, const char *const *types);

/* Says whether a client that gets `fallback` by default asks for `type` instead: its Accept names the type or its
 * family ("image/png", "image/" with a star; a star alone does not count) with a weight that is above 0 and not
 * below the fallback's. */
bool api_accept_prefers(const char *accept, const char *type, const char *fallback);

#endif
