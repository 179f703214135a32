#include "api/access/gate.h"

#include "api/access/auth.h"
#include "api/access/hosts.h"
#include "api/access/origin.h"
#include "api/http/request.h"
#include "core/base/log.h"

#include <errno.h>
#include <string.h>

/* A request with one of these comes through a proxy, whether server.trusted_proxies names it or not. */
static const char *const proxy_headers[] = {"Forwarded",         "X-Forwarded-For", "X-Forwarded-Host",
                                            "X-Forwarded-Proto", "X-Real-IP",       "Via"};

struct caller {
    const char *authorization, *forwarded_by; /* the first of proxy_headers that is there, or NULL */
    bool local;                               /* a program on this machine, not through a proxy */
    bool trusted;                             /* the peer is a trusted proxy */
    char host[API_HOST_BYTES + 16];           /* the authority that the client called; "": none */
};

static const char *header(const struct api_request *request, const char *name) {
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

struct joined {
    const char *name;
    char *text;
    size_t bytes, used;
};

static enum MHD_Result join_one(void *arg, enum MHD_ValueKind kind, const char *name, const char *value) {
    struct joined *joined = arg;
    (void)kind;
    if (!strcasecmp(name, joined->name) && joined->used < joined->bytes)
        joined->used += (size_t)snprintf(joined->text + joined->used, joined->bytes - joined->used, "%s%s",
                                         joined->used ? "," : "", value ? value : "");
    return MHD_YES;
}

/* Joins all fields of a name to one list; NULL if there is none or they do not fit. */
static const char *join(const struct api_request *request, const char *name, char *text, size_t bytes) {
    struct joined joined = {.name = name, .text = text, .bytes = bytes};
    if (!header(request, name))
        return NULL;
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, join_one, &joined);
    return joined.used < bytes ? text : NULL;
}

/* Takes the client's address and the called host from the headers of a trusted proxy. */
static void believe(struct api_request *request, const struct api_gate *gate, struct caller *caller) {
    char forwarded[2048], others[2048], host[API_HOST_BYTES + 16];
    const char *rfc7239 = join(request, "Forwarded", forwarded, sizeof forwarded);
    if (!api_proxied_client(&gate->trusted, rfc7239, join(request, "X-Forwarded-For", others, sizeof others),
                            request->client))
        snprintf(request->client, sizeof request->client, "unknown");
    api_peer_key(request->client, request->client_key);
    if (api_proxied_host(rfc7239, join(request, "X-Forwarded-Host", others, sizeof others), host, sizeof host))
        snprintf(caller->host, sizeof caller->host, "%s", host);
}

static void report_proxy(struct api_gate *gate, const struct caller *caller) {
    if (gate->proxy_reported)
        return;
    gate->proxy_reported = true;
    insp_log_warning("a proxy on this machine forwards requests (header %s), but server.trusted_proxies does not "
                     "name it: its requests need a token. Set server.trusted_proxies to its address; if the proxy "
                     "asks for a password itself, server.open_access = always is possible",
                     caller->forwarded_by);
}

static void look(struct api_gate *gate, struct api_request *request, struct caller *ret) {
    *ret = (struct caller){.authorization = header(request, "Authorization")};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *peer = info ? info->client_addr : NULL;
    for (size_t i = 0; i < INSP_COUNT(proxy_headers) && !ret->forwarded_by; i++)
        if (header(request, proxy_headers[i]))
            ret->forwarded_by = proxy_headers[i];
    const char *host = request->authority[0] ? request->authority : header(request, "Host");
    snprintf(ret->host, sizeof ret->host, "%s", host ? host : "");
    bool loopback = peer && api_address_is_loopback(peer);
    ret->trusted = peer && api_networks_hold(&gate->trusted, peer);
    ret->local = loopback && !ret->trusted && !ret->forwarded_by;
    if (ret->trusted)
        believe(request, gate, ret);
    else if (loopback && ret->forwarded_by)
        report_proxy(gate, ret);
}

static bool open_to(const struct api_gate *gate, const struct caller *caller) {
    if (gate->open_access == API_OPEN_AUTO)
        return gate->loopback && caller->local;
    return gate->open_access == API_OPEN_ALWAYS;
}

/* Load balancers and supervisors call these by any name; the answers hold nothing confidential. */
static bool is_probe(const struct api_route *route) {
    return !strcmp(route->pattern, "/healthz") || !strcmp(route->pattern, "/readyz") ||
           !strncmp(route->pattern, "/v2/health/", 11);
}

static int check_host(const struct api_gate *gate, const struct api_request *request, const struct caller *caller,
                      struct insp_error *reterr) {
    struct sockaddr_storage local;
    socklen_t bytes = sizeof local;
    bool known = !getsockname(request->fd, (struct sockaddr *)&local, &bytes);
    if (!caller->host[0] /* HTTP/1.0 without Host: every browser sends one */ ||
        api_host_allowed(caller->host, gate->listen, gate->hosts, known ? (struct sockaddr *)&local : NULL))
        return 0;
    return insp_fail(
        reterr, INSP_E_HOST,
        "\"%.200s\" is not a name of this daemon; without a token it answers to localhost, to its own address "
        "and to the names in server.hosts",
        caller->host);
}

static enum api_origin judge(const struct api_gate *gate, const struct api_request *request,
                             const struct caller *caller) {
    const struct api_origin_facts facts = {.method = request->method,
                                           .host = caller->host[0] ? caller->host : NULL,
                                           .origin = header(request, "Origin"),
                                           .fetch_site = header(request, "Sec-Fetch-Site"),
                                           .fetch_mode = header(request, "Sec-Fetch-Mode"),
                                           .fetch_dest = header(request, "Sec-Fetch-Dest"),
                                           .tls = gate->tls};
    return api_origin_judge(&facts, gate->origins);
}

static int refuse_origin(const struct api_request *request, struct insp_error *reterr) {
    const char *origin = header(request, "Origin");
    return insp_fail(
        reterr, INSP_E_ORIGIN,
        "a page of another site (%.200s) made the browser send this request; server.origins lists the "
        "sites whose pages may",
        origin ? origin : "no Origin, but Sec-Fetch-Site");
}

static int check_token(const struct api_gate *gate, const struct api_tokens *tokens, struct api_request *request,
                       const struct caller *caller, bool open, const struct api_token **ret,
                       struct insp_error *reterr) {
    int code = api_auth_decide(request->route, open, tokens, caller->authorization, ret, reterr);
    if (*ret)
        memcpy(request->principal, (*ret)->name, sizeof request->principal);
    if (*ret && (*ret)->role == API_ROLE_ADMIN)
        request->response.hidden = NULL; /* admins configure the folders, so they may read their names */
    bool proxied = caller->trusted || caller->forwarded_by;
    if (code == INSP_E_UNAUTHORIZED && !caller->authorization && proxied && gate->loopback)
        code = insp_fail(reterr, code,
                         "send Authorization: Bearer TOKEN; a request through a proxy needs one, although the "
                         "daemon listens on loopback");
    return code;
}

int api_gate_check(struct api_gate *gate, const struct api_tokens *tokens, struct api_request *request,
                   struct insp_error *reterr) {
    const struct api_token *token = NULL;
    struct caller caller;
    look(gate, request, &caller);
    bool open = open_to(gate, &caller), public = request->route->access == API_PUBLIC;
    int code = check_token(gate, tokens, request, &caller, open, &token, reterr);
    if (!code && open && !token && !is_probe(request->route))
        code = check_host(gate, request, &caller, reterr);
    if (code || public)
        return code;
    enum api_origin origin = judge(gate, request, &caller);
    if (origin == API_ORIGIN_LISTED)
        snprintf(request->cors_origin, sizeof request->cors_origin, "%s", header(request, "Origin"));
    /* A browser adds no token by itself: a page that reads with one was given it. */
    bool matters = !token || !api_method_safe(request->method);
    return matters && origin == API_ORIGIN_FOREIGN ? refuse_origin(request, reterr) : 0;
}

static const char methods[] = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/* --- CORS --- */

bool api_gate_options(const struct api_gate *gate, struct api_request *request, int *ret_code,
                      struct insp_error *reterr) {
    const char *origin = header(request, "Origin");
    bool preflight = origin && header(request, "Access-Control-Request-Method");
    *ret_code = 0;
    if (strcmp(request->method, "OPTIONS") != 0 || (!preflight && strcmp(request->path, "*") != 0))
        return false;
    if (preflight && !api_origin_listed(origin, gate->origins)) {
        *ret_code = refuse_origin(request, reterr);
        return false;
    }
    request->response.status = 204;
    api_request_enter(request, API_ANSWERED);
    api_response_header(&request->response, "Allow", "%s", methods);
    if (!preflight)
        return true;
    snprintf(request->cors_origin, sizeof request->cors_origin, "%s", origin);
    api_response_header(&request->response, "Access-Control-Allow-Methods", "%s", methods);
    api_response_header(&request->response, "Access-Control-Allow-Headers",
                        "Authorization, Content-Type, Accept, If-None-Match, Last-Event-ID");
    api_response_header(&request->response, "Access-Control-Max-Age", "600");
    return true;
}

void api_gate_headers(const struct api_gate *gate, const struct api_request *request,
                      struct MHD_Response *response) {
    if (gate->origins[0])
        MHD_add_response_header(response, "Vary", "Origin");
    if (request->cors_origin[0]) {
        MHD_add_response_header(response, "Access-Control-Allow-Origin", request->cors_origin);
        MHD_add_response_header(
            response, "Access-Control-Expose-Headers",
            "Inspection-Id, Inspection-Verdict, Inspection-Probability, Location, Retry-After, "
            "ETag, Content-Disposition");
    }
    if (gate->tls && gate->hsts_s) {
        char value[48];
        snprintf(value, sizeof value, "max-age=%u", gate->hsts_s);
        MHD_add_response_header(response, "Strict-Transport-Security", value);
    }
}

/* --- starting --- */

bool api_gate_is_open(const struct api_gate *gate) {
    return gate->open_access == API_OPEN_ALWAYS || (gate->open_access == API_OPEN_AUTO && gate->loopback);
}

static void report(const struct api_gate *gate, const char *address) {
    if (gate->open_access == API_OPEN_ALWAYS && !gate->loopback)
        insp_log_warning("server.open_access = always: every client that reaches address=%s may read, inspect and "
                         "label without "
                         "a token",
                         address);
    else if (api_gate_is_open(gate) && !gate->trusted.count)
        insp_log_warning("access is open on loopback address=%s: a reverse proxy on this machine that sends no "
                         "forwarding header would open it to the network. If there is one, set "
                         "server.trusted_proxies or server.open_access = never",
                         address);
    if (gate->open_access != API_OPEN_ALWAYS && gate->loopback && gate->trusted.count)
        insp_log_info("behind a proxy: requests from addresses in server.trusted_proxies always need a token");
}

int api_gate_open(struct api_gate *gate, const struct api_config *config, const char *address, bool loopback,
                  struct insp_error *reterr) {
    *gate = (struct api_gate){.open_access = config->open_access,
                              .loopback = loopback,
                              .tls = config->tls_certificate[0] != 0,
                              .listen = config->listen,
                              .hosts = config->hosts,
                              .origins = config->origins,
                              .hsts_s = config->hsts_s};
    int code = api_hosts_check(config->hosts, reterr);
    if (!code)
        code = api_origins_check(config->origins, reterr);
    if (!code && (code = api_networks_parse(config->trusted_proxies, &gate->trusted, reterr)))
        insp_error_prefix(reterr, "server.trusted_proxies");
    if (!code)
        report(gate, address);
    return code;
}
