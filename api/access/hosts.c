#include "api/access/hosts.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const char separators[] = ", \t";

bool api_list_next(const char **list, char *ret, size_t bytes) {
    *list += strspn(*list, separators);
    size_t length = strcspn(*list, separators);
    snprintf(ret, bytes, "%.*s", (int)length, *list);
    if (!length || length >= bytes)
        return false;
    *list += length;
    return true;
}

/* Counts the digits of the port at `text`; 0 if it is no port. */
static size_t port_digits(const char *text) {
    size_t digits = strspn(text, "0123456789");
    return digits <= 5 && !text[digits] ? digits : 0;
}

bool api_host_split(const char *authority, char *ret_name, char *ret_port) {
    bool bracket = authority[0] == '[';
    const char *name = authority + bracket;
    size_t length = strcspn(name, bracket ? "]" : ":");
    const char *behind = name + length + (bracket && name[length] == ']');
    if (bracket && behind == name + length)
        return false;
    size_t digits = *behind == ':' ? port_digits(behind + 1) : 0;
    /* "name:" with an empty port is valid (RFC 3986). */
    if (*behind && (*behind != ':' || (behind[1] && !digits)))
        return false;
    while (!bracket && length && name[length - 1] == '.')
        length--;
    if (!length || length >= API_HOST_BYTES)
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c <= 0x20 || c >= 0x7f || strchr("/\\@?#,\"<>", c))
            return false;
        ret_name[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    ret_name[length] = 0;
    snprintf(ret_port, 8, "%.*s", (int)digits, digits ? behind + 1 : "");
    return true;
}

/* Parses an address, IPv4 mapped into IPv6; false for a name. */
static bool address_of(const char *name, struct in6_addr *ret) {
    struct in_addr four;
    if (inet_pton(AF_INET, name, &four) == 1) {
        *ret = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
        memcpy(&ret->s6_addr[12], &four, sizeof four);
        return true;
    }
    return inet_pton(AF_INET6, name, ret) == 1;
}

static bool is_loopback(const struct in6_addr *address) {
    return IN6_IS_ADDR_LOOPBACK(address) || (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

static bool is_wildcard(const struct in6_addr *address) {
    static const unsigned char zero[4];
    return IN6_IS_ADDR_UNSPECIFIED(address) ||
           (IN6_IS_ADDR_V4MAPPED(address) && !memcmp(&address->s6_addr[12], zero, sizeof zero));
}

static bool is_local(const struct in6_addr *address, const struct sockaddr *local) {
    struct in6_addr own;
    if (!local)
        return false;
    if (local->sa_family == AF_INET6) {
        own = ((const struct sockaddr_in6 *)(const void *)local)->sin6_addr;
    } else if (local->sa_family == AF_INET) {
        own = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
        memcpy(&own.s6_addr[12], &((const struct sockaddr_in *)(const void *)local)->sin_addr, 4);
    } else {
        return false;
    }
    return !memcmp(&own, address, sizeof own);
}

/* Compares two names, or two addresses in any notation. */
static bool same_host(const char *a, const char *b) {
    struct in6_addr x, y;
    if (address_of(a, &x) && address_of(b, &y))
        return !memcmp(&x, &y, sizeof x);
    return !strcmp(a, b);
}

static bool listed(const char *name, const char *hosts) {
    char entry[API_HOST_BYTES + 16], host[API_HOST_BYTES], port[8];
    while (api_list_next(&hosts, entry, sizeof entry)) {
        if (!strcmp(entry, "*"))
            return true;
        struct in6_addr address; /* an entry may be an IPv6 address without brackets */
        if (address_of(entry, &address) ? same_host(name, entry)
                                        : api_host_split(entry, host, port) && same_host(name, host))
            return true;
    }
    return false;
}

static bool below_localhost(const char *name) {
    size_t length = strlen(name);
    return !strcmp(name, "localhost") || (length > 10 && !strcmp(name + length - 10, ".localhost"));
}

bool api_host_allowed(const char *host, const char *listen, const char *hosts, const struct sockaddr *local) {
    char name[API_HOST_BYTES], port[8], own[API_HOST_BYTES];
    struct in6_addr address;
    if (!api_host_split(host, name, port))
        return false;
    if (address_of(name, &address) ? is_loopback(&address) || is_wildcard(&address) || is_local(&address, local)
                                   : below_localhost(name))
        return true;
    if (api_host_split(listen, own, port) && !(address_of(own, &address) && is_wildcard(&address)) &&
        same_host(name, own))
        return true;
    return listed(name, hosts);
}

bool api_origin_listed(const char *origin, const char *origins) {
    char entry[API_HOST_BYTES + 32];
    while (api_list_next(&origins, entry, sizeof entry))
        if (!strcasecmp(entry, origin))
            return true;
    return false;
}

int api_hosts_check(const char *hosts, struct insp_error *reterr) {
    char entry[API_HOST_BYTES + 16], host[API_HOST_BYTES], port[8];
    struct in6_addr address;
    while (api_list_next(&hosts, entry, sizeof entry))
        if (strcmp(entry, "*") && !address_of(entry, &address) && !api_host_split(entry, host, port))
            return insp_fail(
                reterr, INSP_E_CONFIG,
                "server.hosts: \"%s\" is not a host; list names or addresses without a scheme, such as "
                "inspect.plant.example 10.1.2.3",
                entry);
    return entry[0] ? insp_fail(reterr, INSP_E_CONFIG, "server.hosts: \"%s...\" is too long for a host", entry)
                    : 0;
}

/* True for "http://" or "https://" with an authority and nothing after it. */
static bool origin_valid(const char *origin) {
    char host[API_HOST_BYTES], port[8];
    size_t scheme = !strncasecmp(origin, "http://", 7) ? 7 : !strncasecmp(origin, "https://", 8) ? 8 : 0;
    return scheme && api_host_split(origin + scheme, host, port);
}

int api_origins_check(const char *origins, struct insp_error *reterr) {
    char entry[API_HOST_BYTES + 32];
    while (api_list_next(&origins, entry, sizeof entry))
        if (!origin_valid(entry))
            return insp_fail(
                reterr, INSP_E_CONFIG,
                "server.origins: \"%s\" is not an origin; write scheme and host without a path, such as "
                "https://mes.plant.example",
                entry);
    return entry[0]
               ? insp_fail(reterr, INSP_E_CONFIG, "server.origins: \"%s...\" is too long for an origin", entry)
               : 0;
}
