/* api/access/gate.h - checks a request's token, the name it calls the daemon by and its origin, in this order and
 * before its body is read. Loop thread. */
#ifndef INSP_API_ACCESS_GATE_H
#define INSP_API_ACCESS_GATE_H

#include "api/access/proxies.h"
#include "api/access/tokens.h"
#include "api/api.h"
#include "core/base/error.h"

#include <stdbool.h>

struct api_request;
struct MHD_Response;

struct api_gate {
    enum api_open_access open_access;
    bool loopback; /* only this machine can reach the listening address */
    bool tls;
    const char *listen, *hosts, *origins; /* borrowed: texts of the configuration */
    unsigned hsts_s;
    struct api_networks trusted;
    bool proxy_reported; /* the warning about a proxy that server.trusted_proxies does not name was logged */
};

/* Fills the gate from the settings and logs which access is open.
 *   config    its texts must outlive the gate
 *   address   the listening address, for the log
 *   loopback  only this machine can reach the address
 * Fails with INSP_E_CONFIG, which names the setting that is wrong. */
int api_gate_open(struct api_gate *gate, const struct api_config *config, const char *address, bool loopback,
                  struct insp_error *reterr);

/* Says whether a caller on this machine needs no token: for the log line at start. */
bool api_gate_is_open(const struct api_gate *gate);

/* Checks a request whose route is known. Fills request->principal, request->client and request->cors_origin; an
 * admin's request gets response.hidden = NULL, so its answers name folders of the server.
 * Fails with
 *   INSP_E_UNAUTHORIZED, INSP_E_FORBIDDEN  as api_auth_decide
 *   INSP_E_HOST    access is open, and a request without a token calls the daemon by a foreign name (probes may)
 *   INSP_E_ORIGIN  a page of another site sends it; with a token only if the method changes something */
int api_gate_check(struct api_gate *gate, const struct api_tokens *tokens, struct api_request *request,
                   struct insp_error *reterr);

/* Answers the two requests that have no route: a CORS preflight from a page of server.origins, and "OPTIONS *".
 * Fills request->response with 204 and returns true. Otherwise returns false and sets *ret_code: 0 for any other
 * request, INSP_E_ORIGIN for a preflight from a page that is not listed. */
bool api_gate_options(const struct api_gate *gate, struct api_request *request, int *ret_code,
                      struct insp_error *reterr);

/* Adds the headers that depend on the caller: CORS for a listed origin, HSTS over TLS. */
void api_gate_headers(const struct api_gate *gate, const struct api_request *request,
                      struct MHD_Response *response);

#endif
