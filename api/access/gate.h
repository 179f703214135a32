/* api/access/gate.h - who may pass: token, address, name and origin of a request, in this order, before anything
 * of its body is read. Loop thread. */
#ifndef INSP_API_ACCESS_GATE_H
#define INSP_API_ACCESS_GATE_H

#include "api/access/proxies.h"
#include "api/api.h"
#include "core/base/error.h"

#include <stdbool.h>

struct api_request;
struct api_server;
struct MHD_Response;

struct api_gate {
    enum api_open_access open_access;
    bool loopback; /* only this machine can reach the listening address */
    bool tls;
    const char *listen, *hosts, *origins; /* borrowed: texts of the configuration */
    unsigned hsts_s;
    struct api_networks trusted;
    bool proxy_reported; /* a forwarding header of an untrusted peer on loopback was logged */
};

/* Takes the settings over and logs what is open to whom. `address` is the one that the daemon listens on, for the
 * log; the texts of config must outlive the gate. INSP_E_CONFIG names the setting that is wrong. */
int api_gate_open(struct api_gate *gate, const struct api_config *config, const char *address, bool loopback,
                  struct insp_error *reterr);

/* Says whether a caller that is on this machine needs no token: for the log line at start. */
bool api_gate_is_open(const struct api_gate *gate);

/* Decides about a request whose route is known. Fills request->principal, request->client and
 * request->cors_origin. INSP_E_UNAUTHORIZED, INSP_E_FORBIDDEN, INSP_E_HOST, INSP_E_ORIGIN. */
int api_gate_check(struct api_server *server, struct api_request *request, struct insp_error *reterr);

/* Answers the two requests that have no route: a CORS preflight of a page of server.origins, and "OPTIONS *".
 * Fills request->response with 204 and returns true, or leaves the request alone and returns false with *ret_code
 * 0 (it is neither) or INSP_E_ORIGIN (a page that is not listed). */
bool api_gate_options(struct api_server *server, struct api_request *request, int *ret_code,
                      struct insp_error *reterr);

/* Adds the headers that depend on the caller: CORS for a listed origin, HSTS over TLS. */
void api_gate_headers(const struct api_request *request, struct MHD_Response *response);

#endif
