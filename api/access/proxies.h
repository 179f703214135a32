/* api/access/proxies.h - reads the forwarding headers of trusted reverse proxies. Pure; any thread. */
#ifndef INSP_API_ACCESS_PROXIES_H
#define INSP_API_ACCESS_PROXIES_H

#include "core/base/error.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { API_NETWORKS_MAX = 64, API_ADDRESS_BYTES = INET6_ADDRSTRLEN };

/* IPv4 networks are kept mapped into IPv6. */
struct api_networks {
    size_t count;
    struct {
        struct in6_addr address;
        unsigned bits; /* 0..128 */
    } item[API_NETWORKS_MAX];
};

/* Parses the text of a setting such as server.trusted_proxies, "127.0.0.1 10.0.0.0/8 ::1". Fails with
 * INSP_E_CONFIG for an entry that is no address or network (the detail names it, and not the setting), and for
 * more than API_NETWORKS_MAX entries. */
int api_networks_parse(const char *text, struct api_networks *ret, struct insp_error *reterr);

/* Says whether one of the networks holds the address; false for a UNIX socket. */
bool api_networks_hold(const struct api_networks *networks, const struct sockaddr *address);

/* Finds the client that a trusted proxy names: the rightmost address of the chain that is no trusted proxy, or the
 * leftmost address if all are trusted.
 *   forwarded        all Forwarded fields (RFC 7239) joined by commas, or NULL
 *   x_forwarded_for  all X-Forwarded-For fields joined by commas, or NULL
 *   ret              the address as text; API_ADDRESS_BYTES bytes
 * Returns false if both are NULL, if one of them names no address at that place ("unknown"), and if they name
 * different addresses: a proxy sets one of the two, and a client can send the other. */
bool api_proxied_client(const struct api_networks *trusted, const char *forwarded, const char *x_forwarded_for,
                        char *ret);

/* Finds the host that the client called: host= of the last element of Forwarded, or without a Forwarded field the
 * last element of X-Forwarded-Host. Returns false if there is none and if it does not fit into `bytes`. */
bool api_proxied_host(const char *forwarded, const char *x_forwarded_host, char *ret, size_t bytes);

#endif
