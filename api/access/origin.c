#include "api/access/origin.h"

#include "api/access/hosts.h"

#include <string.h>

bool api_method_safe(const char *method) {
    return !strcmp(method, "GET") || !strcmp(method, "HEAD") || !strcmp(method, "OPTIONS");
}

static bool says(const char *value, const char *word) {
    return value && !strcasecmp(value, word);
}

/* The authority of an origin; plain http counts too unless the connection is TLS, and https counts in any case: a
 * proxy in front may speak it. */
static const char *authority(const char *origin, bool tls) {
    if (!strncasecmp(origin, "https://", 8))
        return origin + 8;
    return !tls && !strncasecmp(origin, "http://", 7) ? origin + 7 : NULL;
}

static bool own(const struct api_origin_facts *facts) {
    char name[API_HOST_BYTES], port[8], host_name[API_HOST_BYTES], host_port[8];
    const char *text = authority(facts->origin, facts->tls);
    return text && facts->host && api_host_split(text, name, port) &&
           api_host_split(facts->host, host_name, host_port) && !strcmp(name, host_name) &&
           !strcmp(port, host_port);
}

/* A click on a link, the address bar, a bookmark: a window of its own, which the page behind cannot read. */
static bool navigation(const struct api_origin_facts *facts) {
    return !strcmp(facts->method, "GET") && says(facts->fetch_mode, "navigate") &&
           says(facts->fetch_dest, "document");
}

enum api_origin api_origin_judge(const struct api_origin_facts *facts, const char *origins) {
    if (facts->origin) {
        if (own(facts)) /* a rebound name passes here: hosts.h is what stops it */
            return API_ORIGIN_OWN;
        return api_origin_listed(facts->origin, origins) ? API_ORIGIN_LISTED : API_ORIGIN_FOREIGN;
    }
    if (!facts->fetch_site || says(facts->fetch_site, "none"))
        return API_ORIGIN_NONE;
    if (says(facts->fetch_site, "same-origin"))
        return API_ORIGIN_OWN;
    return navigation(facts) ? API_ORIGIN_NONE : API_ORIGIN_FOREIGN;
}
