/* api/access/proxies.h - reverse proxies: whose forwarding headers are believed, and which client they name.
 * Pure; any thread. */
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

/* Parses the text of server.trusted_proxies, "127.0.0.1 10.0.0.0/8 ::1". INSP_E_CONFIG names the wrong entry. */
int api_networks_parse(const char *text, struct api_networks *ret, struct insp_error *reterr);

bool api_networks_hold(const struct api_networks *networks, const struct sockaddr *address);

/* Finds the client that a trusted proxy names: the rightmost address of the chain that is no trusted proxy, else
 * the leftmost. forwarded        all Forwarded fields (RFC 7239) joined by commas, or NULL x_forwarded_for  the
 * same of X-Forwarded-For, or NULL Returns false where neither names an address, or where the two name different
 * ones: a proxy sets one of the two, and the other is then whatever the client sent. ret has API_ADDRESS_BYTES
 * bytes. */
bool api_proxied_client(const struct api_networks *trusted, const char *forwarded, const char *x_forwarded_for,
                        char *ret);

/* Finds the host that the client called, by the proxy's word: host= of the last element of Forwarded, else the
 * last element of X-Forwarded-Host. Returns false where there is none or it would not fit into `bytes`. */
bool api_proxied_host(const char *forwarded, const char *x_forwarded_host, char *ret, size_t bytes);

#endif
