/* api/access/origin.h - judges which page made a browser send a request. Pure; any thread.
 *
 * A browser sends requests on behalf of any page. It names the page in Origin (for requests that may change
 * something and for reads by a script) and, towards loopback and HTTPS, describes it in Sec-Fetch-Site (for every
 * request). Clients other than browsers send neither. */
#ifndef INSP_API_ACCESS_ORIGIN_H
#define INSP_API_ACCESS_ORIGIN_H

#include <stdbool.h>

struct api_origin_facts {
    const char *method;                               /* "GET"... */
    const char *host;                                 /* the authority that the client called; NULL: none */
    const char *origin;                               /* Origin, or NULL */
    const char *fetch_site, *fetch_mode, *fetch_dest; /* Sec-Fetch-*, or NULL */
    bool tls; /* the connection is TLS: the daemon's own origin begins with https:// */
};

enum api_origin {
    API_ORIGIN_NONE,    /* no page: another client, or the user typed the address or followed a link */
    API_ORIGIN_OWN,     /* the daemon's own page */
    API_ORIGIN_LISTED,  /* a page of server.origins: gets CORS headers */
    API_ORIGIN_FOREIGN, /* another page: refused */
};

/* Judges a request. A link followed from another site (a GET that navigates a whole window) counts as
 * API_ORIGIN_NONE: the linking page cannot read the answer.
 *   origins  the text of server.origins */
enum api_origin api_origin_judge(const struct api_origin_facts *facts, const char *origins);

/* Says whether the method is safe (RFC 9110, section 9.2.1): GET, HEAD or OPTIONS. */
bool api_method_safe(const char *method);

#endif
