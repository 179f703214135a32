/* api/http/router.h - which handler a method and path go to. Pure functions of a table; any thread. */
#ifndef INSP_API_HTTP_ROUTER_H
#define INSP_API_HTTP_ROUTER_H

#include "core/base/error.h"

#include <stddef.h>

struct api_request;

enum { API_PARAMS_MAX = 4, API_PARAM_BYTES = 256 };

/* Runs on the thread of the route's kind; fills request->response. A negative answer becomes a problem. */
typedef int api_handler(struct api_request *request, struct insp_error *reterr);

enum api_kind {
    API_LOOP,  /* answers at once on the loop: memory only */
    API_WORK,  /* runs in lane BACK with the connection suspended: disk, database; milliseconds */
    API_HEAVY, /* the same for handlers that may take seconds: pictures, proofs, imports */
    API_ASYNC  /* starts something on the loop that calls api_server_finish later */
};

enum api_access {
    API_PUBLIC, /* probes, the page itself, the API's description: never needs a token */
    API_OPEN,   /* needs a token of `roles` unless access is open (loopback, or the configuration) */
    API_ALWAYS, /* needs a token of `roles` wherever */
};

struct api_route {
    const char *method;
    /* "/v1/inspections/{id}/image": a segment in braces takes any valid name (insp_name_valid); {name*} takes any
     * text, and {name...} at the end that and what follows it, slashes too: their handler checks and says why. */
    const char *pattern;
    enum api_access access;
    unsigned roles; /* enum api_role bits besides admin, which is always admitted */
    enum api_kind kind;
    size_t body_limit;   /* 0: no body wanted; SIZE_MAX: limits.body_bytes */
    api_handler *accept; /* loop, at the headers, before the body; may be NULL */
    api_handler *before; /* loop, before a work handler: takes a snapshot; may be NULL */
    api_handler *handler;
};

/* Finds the route of method and path; HEAD finds GET's. INSP_E_NOT_FOUND; INSP_E_METHOD with the methods there are
 * in ret_allow ("GET, HEAD, PUT"; 64 bytes). ret_param: the values of the segments in braces, in order; one that a
 * name's rule or API_PARAM_BYTES does not admit matches nothing. */
int api_route_find(const struct api_route *routes, size_t count, const char *method, const char *path,
                   const struct api_route **ret, char (*ret_param)[API_PARAM_BYTES], char *ret_allow,
                   struct insp_error *reterr);

/* The daemon's table; routes.c. */
extern const struct api_route api_routes[];
extern const size_t api_route_count;

#endif
