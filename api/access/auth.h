/* api/access/auth.h - decides whether a caller may use a route. Pure; any thread. */
#ifndef INSP_API_ACCESS_AUTH_H
#define INSP_API_ACCESS_AUTH_H

#include "api/access/tokens.h"
#include "api/http/router.h"

#include <sys/socket.h>

/* Judges the Authorization header of a request (RFC 6750: "Bearer", in any case, and the secret).
 *   open_access    routes with API_OPEN need no token; an unknown token is refused there all the same
 *   authorization  the header's value; NULL: there is none. A scheme other than Bearer counts as none
 *   ret_token      the token; NULL without one, and on an API_PUBLIC route, which ignores the header. Borrowed
 *                  from tokens. Also set when the call fails with INSP_E_FORBIDDEN
 * Fails with
 *   INSP_E_UNAUTHORIZED  no token where the route needs one, or an unknown token
 *   INSP_E_FORBIDDEN     the token's role is not one of the route's; an admin token passes everywhere */
int api_auth_decide(const struct api_route *route, bool open_access, const struct api_tokens *tokens,
                    const char *authorization, const struct api_token **ret_token, struct insp_error *reterr);

/* True for 127.0.0.0/8 (also mapped into IPv6), ::1 and UNIX sockets. */
bool api_address_is_loopback(const struct sockaddr *address);

#endif
