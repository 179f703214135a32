#include "api/access/origin.h"

#include "api/access/hosts.h"

#include <string.h>

bool api_method_safe(const char *method) {
    return !strcmp(method, "GET") || !strcmp(method, "HEAD") || !strcmp(method, "OPTIONS");
}

static bool says(const char *value, const char *word) {
    return value && !strcasecmp(value, word);
}

/* Returns the authority of an origin. https counts on a plain connection too, because a proxy in front may speak
 * TLS; http does not count on a TLS connection. */
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

/* True for a click on a link, the address bar, a bookmark: the page before cannot read the new document. */
static bool navigation(const struct api_origin_facts *facts) {
    return !strcmp(facts->method, "GET") && says(facts->fetch_mode, "navigate") &&
           says(facts->fetch_dest, "document");
}

enum api_origin api_origin_judge(const struct api_origin_facts *facts, const char *origins) {
    if (facts->origin) {
        if (own(facts)) /* a rebound name passes here; api_host_allowed refuses it */
            return API_ORIGIN_OWN;
        return api_origin_listed(facts->origin, origins) ? API_ORIGIN_LISTED : API_ORIGIN_FOREIGN;
    }
    if (!facts->fetch_site || says(facts->fetch_site, "none"))
        return API_ORIGIN_NONE;
    if (says(facts->fetch_site, "same-origin"))
        return API_ORIGIN_OWN;
    return navigation(facts) ? API_ORIGIN_NONE : API_ORIGIN_FOREIGN;
}
