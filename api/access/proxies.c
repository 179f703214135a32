#include "api/access/proxies.h"

#include "api/access/hosts.h"
#include "api/http/fields.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRY_BYTES = 128 };

/* Parses an address, IPv4 mapped into IPv6. *ret_offset: bits to add to a prefix length of its family (96 or
 * 0). */
static bool address_of(const char *text, struct in6_addr *ret, unsigned *ret_offset) {
    struct in_addr four;
    *ret_offset = 0;
    if (inet_pton(AF_INET, text, &four) == 1) {
        *ret = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
        memcpy(&ret->s6_addr[12], &four, sizeof four);
        *ret_offset = 96;
        return true;
    }
    return inet_pton(AF_INET6, text, ret) == 1;
}

static bool parse_network(char *entry, struct in6_addr *ret_address, unsigned *ret_bits) {
    char *slash = strchr(entry, '/');
    unsigned offset;
    if (slash)
        *slash++ = 0;
    if (!address_of(entry, ret_address, &offset))
        return false;
    *ret_bits = 128;
    if (!slash)
        return true;
    size_t digits = strspn(slash, "0123456789");
    unsigned long bits = strtoul(slash, NULL, 10);
    if (!digits || digits > 3 || slash[digits] || bits > 128 - offset)
        return false;
    *ret_bits = (unsigned)bits + offset;
    return true;
}

int api_networks_parse(const char *text, struct api_networks *ret, struct insp_error *reterr) {
    struct api_networks networks = {0};
    char entry[ENTRY_BYTES], shown[ENTRY_BYTES];
    while (api_list_next(&text, entry, sizeof entry)) {
        memcpy(shown, entry, sizeof shown);
        if (networks.count == API_NETWORKS_MAX)
            return insp_fail(reterr, INSP_E_CONFIG, "more than %d entries", API_NETWORKS_MAX);
        if (!parse_network(entry, &networks.item[networks.count].address, &networks.item[networks.count].bits))
            return insp_fail(reterr, INSP_E_CONFIG,
                             "\"%s\" is not an address; list addresses or networks, such as "
                             "127.0.0.1 10.0.0.0/8 ::1",
                             shown);
        networks.count++;
    }
    if (entry[0])
        return insp_fail(reterr, INSP_E_CONFIG, "\"%s...\" is not an address", entry);
    *ret = networks;
    return 0;
}

static bool within(const struct in6_addr *address, const struct in6_addr *network, unsigned bits) {
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(address, network, whole) != 0)
        return false;
    return !rest || !((address->s6_addr[whole] ^ network->s6_addr[whole]) >> (8 - rest));
}

static bool hold(const struct api_networks *networks, const struct in6_addr *address) {
    for (size_t i = 0; i < networks->count; i++)
        if (within(address, &networks->item[i].address, networks->item[i].bits))
            return true;
    return false;
}

bool api_networks_hold(const struct api_networks *networks, const struct sockaddr *address) {
    struct in6_addr six = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    if (address->sa_family == AF_INET)
        memcpy(&six.s6_addr[12], &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    else if (address->sa_family == AF_INET6)
        six = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    else
        return false;
    return hold(networks, &six);
}

/* Parses a node of Forwarded or X-Forwarded-For: an address, with or without a port, IPv6 in brackets or bare. */
static bool node_address(const char *node, struct in6_addr *ret) {
    char name[API_HOST_BYTES], port[8];
    unsigned offset;
    return address_of(node, ret, &offset) || (api_host_split(node, name, port) && address_of(name, ret, &offset));
}

/* Reads the next node of the chain; "" for one that is unreadable. False at the end. */
typedef bool next_node(struct api_span *list, char *ret, size_t bytes);

static bool next_plain(struct api_span *list, char *ret, size_t bytes) {
    struct api_span element;
    if (!api_field_next(list, &element))
        return false;
    snprintf(ret, bytes, "%.*s", element.bytes < bytes ? (int)element.bytes : 0, element.at);
    return true;
}

/* Reads one pair ("for", "host") of a Forwarded element; "" if it is missing. Pairs look like parameters without
 * the first semicolon. */
static void pair(struct api_span element, const char *wanted, char *ret, size_t bytes) {
    char text[2 * API_HOST_BYTES], value[2 * API_HOST_BYTES];
    ret[0] = 0;
    if (element.bytes + 2 > sizeof text)
        return;
    snprintf(text, sizeof text, ";%.*s", (int)element.bytes, element.at);
    struct api_span rest = api_span_of(text), name;
    while (api_field_parameter(&rest, &name, value, sizeof value) == 1)
        if (api_span_is(name, wanted))
            snprintf(ret, bytes, "%s", strlen(value) < bytes ? value : "");
}

static bool next_forwarded(struct api_span *list, char *ret, size_t bytes) {
    struct api_span element;
    if (!api_field_next(list, &element))
        return false;
    pair(element, "for", ret, bytes);
    return true;
}

/* Keeps the last node that is no trusted proxy: a client can forge every node to the left of it. */
static bool client_of(const struct api_networks *trusted, const char *text, next_node *next,
                      struct in6_addr *ret) {
    struct api_span list = api_span_of(text);
    char node[API_HOST_BYTES];
    bool seen = false, found = false;
    while (next(&list, node, sizeof node)) {
        struct in6_addr address;
        bool readable = node_address(node, &address);
        if (seen && readable && hold(trusted, &address))
            continue;
        seen = true;
        found = readable; /* "unknown" and "_x7" (RFC 7239) are clients without an address */
        if (readable)
            *ret = address;
    }
    return found;
}

bool api_proxied_client(const struct api_networks *trusted, const char *forwarded, const char *x_forwarded_for,
                        char *ret) {
    struct in6_addr one, two;
    if (!forwarded && !x_forwarded_for)
        return false;
    if (forwarded && !client_of(trusted, forwarded, next_forwarded, &one))
        return false;
    if (x_forwarded_for && !client_of(trusted, x_forwarded_for, next_plain, &two))
        return false;
    if (forwarded && x_forwarded_for && memcmp(&one, &two, sizeof one) != 0)
        return false;
    const struct in6_addr *client = forwarded ? &one : &two;
    if (IN6_IS_ADDR_V4MAPPED(client))
        return inet_ntop(AF_INET, &client->s6_addr[12], ret, API_ADDRESS_BYTES);
    return inet_ntop(AF_INET6, client, ret, API_ADDRESS_BYTES);
}

bool api_proxied_host(const char *forwarded, const char *x_forwarded_host, char *ret, size_t bytes) {
    struct api_span list = api_span_of(forwarded), element;
    ret[0] = 0;
    while (api_field_next(&list, &element))
        pair(element, "host", ret, bytes);
    list = api_span_of(x_forwarded_host);
    while (!forwarded && api_field_next(&list, &element))
        snprintf(ret, bytes, "%.*s", element.bytes < bytes ? (int)element.bytes : 0, element.at);
    return ret[0];
}
