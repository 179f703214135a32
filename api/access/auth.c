#include "api/access/auth.h"

#include <netinet/in.h>
#include <string.h>

/* Returns the secret behind "Bearer" and one or more blanks (RFC 6750); NULL for another scheme. */
static const char *bearer(const char *authorization) {
    if (!authorization || strncasecmp(authorization, "Bearer", 6) || authorization[6] != ' ')
        return NULL;
    return authorization + 6 + strspn(authorization + 6, " ");
}

int api_auth_decide(const struct api_route *route, bool open_access, const struct api_tokens *tokens,
                    const char *authorization, const struct api_token **ret_token, struct insp_error *reterr) {
    *ret_token = NULL;
    if (route->access == API_PUBLIC)
        return 0;
    const char *secret = bearer(authorization);
    bool open = route->access == API_OPEN && open_access;
    const struct api_token *token = secret ? api_tokens_find(tokens, secret) : NULL;
    if (secret && !token)
        return insp_fail(reterr, INSP_E_UNAUTHORIZED,
                         "the bearer token is unknown: it was revoked, or belongs to another daemon");
    *ret_token = token;
    if (open)
        return 0;
    if (!token)
        return insp_fail(reterr, INSP_E_UNAUTHORIZED,
                         "send Authorization: Bearer TOKEN; the first admin token is in the file "
                         "admin.token of the state folder, inspectd token add makes others");
    if (token->role != API_ROLE_ADMIN && !(token->role & route->roles))
        return insp_fail(reterr, INSP_E_FORBIDDEN, "a token of role %s may not do this",
                         api_role_name(token->role));
    return 0;
}

bool api_address_is_loopback(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) && in6->sin6_addr.s6_addr[12] == 127);
    }
    return address->sa_family == AF_UNIX;
}
