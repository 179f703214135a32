/* api/access/origin.h - may a browser's page make this request? Pure; any thread.
 *
 * A browser sends requests for any page that asks it to; it says for which one in Origin (on every request that
 * may change something, and on reads by script) and, towards loopback and HTTPS, in Sec-Fetch-Site (on every
 * request). Clients that are no browsers send neither. */
#ifndef INSP_API_ACCESS_ORIGIN_H
#define INSP_API_ACCESS_ORIGIN_H

#include <stdbool.h>

struct api_origin_facts {
    const char *method; /* "GET"... */
    const char *host;   /* the authority that the client called; NULL: it named none */
    const char *origin; /* Origin, or NULL */
    const char *fetch_site, *fetch_mode, *fetch_dest; /* Sec-Fetch-*, or NULL */
    bool tls;                                         /* the connection is TLS: the own origin is https:// only */
};

enum api_origin {
    API_ORIGIN_NONE,    /* no page, or the browser's user himself */
    API_ORIGIN_OWN,     /* the daemon's own page */
    API_ORIGIN_LISTED,  /* a page of server.origins: gets CORS headers */
    API_ORIGIN_FOREIGN, /* another page: refused */
};

/* Judges a request. A link followed from another site (a GET that navigates a whole window) counts as the user's
 * own: the linking page sees nothing of the answer. */
enum api_origin api_origin_judge(const struct api_origin_facts *facts, const char *origins);

/* Says whether the method changes nothing by definition: GET, HEAD, OPTIONS. */
bool api_method_safe(const char *method);

#endif
