/* api/access/hosts.h - which names a client may call the daemon by, and which origins a browser may call from.
 *
 * A page of a foreign site can point its own name at the daemon's address (DNS rebinding); the browser then treats
 * the daemon as part of that site and lets the page read every answer. The request still carries the page's own
 * name in Host, so a daemon that serves without tokens must only answer to names that are its own. The texts of
 * server.hosts and server.origins are lists separated by commas or blanks. Pure; any thread. */
#ifndef INSP_API_ACCESS_HOSTS_H
#define INSP_API_ACCESS_HOSTS_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { API_HOST_BYTES = 256 };

/* Splits the authority of a URL or a Host field ("name", "name:8080", "[::1]:8080") into the name in lower case,
 * without brackets and without a dot at its end, and the port's digits ("" where there is none). ret_name has
 * API_HOST_BYTES bytes, ret_port 8. Returns false for anything else, user names in front included. */
bool api_host_split(const char *authority, char *ret_name, char *ret_port);

/* Says whether a daemon that needs no token may answer to a Host field of this value:
 *   - localhost, names below it, addresses of the loopback range, and 0.0.0.0 and ::, by which a program reaches
 * its own machine too (an address cannot be rebound: no name server is asked)
 *   - the address `local`, which the connection came in on (NULL: unknown)
 *   - the host part of `listen` ("inspect.plant.example:8080"), unless it is a wildcard address
 *   - each name or address in `hosts`; "*" is every name
 * The port is not compared: a forwarded port is the same daemon. */
bool api_host_allowed(const char *host, const char *listen, const char *hosts, const struct sockaddr *local);

/* Says whether `origin` ("https://mes.plant.example") stands in the list. */
bool api_origin_listed(const char *origin, const char *origins);

/* Check the texts of the two settings. INSP_E_CONFIG names the setting, the wrong entry and the wanted form. */
int api_hosts_check(const char *hosts, struct insp_error *reterr);
int api_origins_check(const char *origins, struct insp_error *reterr);

/* Cuts the next entry off a list separated by commas or blanks; false at its end or where the entry would not fit
 * into `bytes` (ret then holds its beginning). */
bool api_list_next(const char **list, char *ret, size_t bytes);

#endif
