/* api/access/auth.h - who may do what. */
#ifndef INSP_API_ACCESS_AUTH_H
#define INSP_API_ACCESS_AUTH_H

#include "api/access/tokens.h"
#include "api/http/router.h"

#include <sys/socket.h>

/* Pure: may a caller with this Authorization header (NULL: none) use the route? *ret_token is the token or NULL,
 * borrowed from tokens. A bearer token that is not known is refused even where none is needed: a client that sends
 * one means it. INSP_E_UNAUTHORIZED, INSP_E_FORBIDDEN. */
int api_auth_decide(const struct api_route *route, bool open_access, const struct api_tokens *tokens,
                    const char *authorization, const struct api_token **ret_token, struct insp_error *reterr);

/* 127.0.0.0/8, ::1, and those mapped into IPv6. */
bool api_address_is_loopback(const struct sockaddr *address);

#endif
