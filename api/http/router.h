/* api/http/router.h - finds the route of a method and path in a table. Pure; any thread. */
#ifndef INSP_API_HTTP_ROUTER_H
#define INSP_API_HTTP_ROUTER_H

#include "core/base/error.h"

#include <stddef.h>

struct api_request;

enum { API_PARAMS_MAX = 4, API_PARAM_BYTES = 256 };

/* Handles a request on the thread of its route's kind: fills request->response and returns 0, or returns a
 * negative code, which the caller answers as a problem. */
typedef int api_handler(struct api_request *request, struct insp_error *reterr);

enum api_kind {
    API_LOOP,  /* answers at once on the loop, from memory */
    API_WORK,  /* runs in lane BACK with the connection suspended; takes milliseconds: disk, database */
    API_HEAVY, /* as API_WORK, but may take seconds: pictures, proofs, imports */
    API_ASYNC  /* answers on the loop, or suspends the connection until api_server_finish */
};

enum api_access {
    API_PUBLIC, /* never needs a token: probes, the dashboard's files, openapi.yaml */
    API_OPEN,   /* needs a token of `roles` unless access is open (enum api_open_access) */
    API_ALWAYS, /* always needs a token of `roles` */
};

struct api_route {
    const char *method;
    /* Such as "/v1/inspections/{id}/image". {name} matches a segment that insp_name_valid accepts, {name*} any
     * segment, {name...} at the end any rest of the path with slashes; the handler checks the latter two. */
    const char *pattern;
    enum api_access access;
    unsigned roles; /* bits of enum api_role; every route admits admin */
    enum api_kind kind;
    size_t body_limit;   /* bytes; 0: no body; SIZE_MAX: limits.body_bytes */
    api_handler *accept; /* on the loop, with the headers, before the body; may be NULL */
    api_handler *before; /* on the loop, with the whole request, before `handler`; may be NULL */
    api_handler *handler;
};

/* Finds the route of method and path; HEAD finds the route of GET.
 *   ret_param  the values of the segments in braces, in order, [API_PARAMS_MAX]; "" for the rest. A value that is
 *              not a valid name, or has API_PARAM_BYTES or more, matches no route
 *   ret_allow  64 bytes; set on INSP_E_METHOD only: the methods of the path, such as "GET, HEAD, PUT"
 * Fails with INSP_E_NOT_FOUND (no route has the path), INSP_E_METHOD. */
int api_route_find(const struct api_route *routes, size_t count, const char *method, const char *path,
                   const struct api_route **ret, char (*ret_param)[API_PARAM_BYTES], char *ret_allow,
                   struct insp_error *reterr);

/* The daemon's table (api/resources/routes.c). */
extern const struct api_route api_routes[];
extern const size_t api_route_count;

#endif
