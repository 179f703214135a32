/* api/access/hosts.h - checks the name that a client calls the daemon by, and the origin of a browser's page.
 *
 * A page of a foreign site can point its own name at the daemon's address (DNS rebinding). The browser then treats
 * the daemon as part of that site and lets the page read every answer. The request still carries the page's name
 * in Host, so a daemon that serves without tokens must answer to its own names only. The texts of server.hosts and
 * server.origins are lists separated by commas, blanks or tabs. Pure; any thread. */
#ifndef INSP_API_ACCESS_HOSTS_H
#define INSP_API_ACCESS_HOSTS_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { API_HOST_BYTES = 256 };

/* Splits the authority of a URL or a Host field ("name", "name:8080", "[::1]:8080").
 *   ret_name  the name in lower case, without brackets and without dots at its end; API_HOST_BYTES bytes
 *   ret_port  the port's digits, "" for none; 8 bytes
 * Returns false for any other text, also for one with a user name ("user@name"). */
bool api_host_split(const char *authority, char *ret_name, char *ret_port);

/* Says whether a request without a token may have this value in Host. True for
 *   - localhost, names below it, loopback addresses, 0.0.0.0 and :: (programs reach their own machine by these
 * too; an address cannot be rebound, because no name server is asked)
 *   - the address `local` that the connection came in on (NULL: unknown)
 *   - the host part of `listen` ("inspect.plant.example:8080"), unless it is a wildcard address
 *   - each name or address in `hosts`; "*" is every name
 * The port is not compared: behind a forwarded port is the same daemon. */
bool api_host_allowed(const char *host, const char *listen, const char *hosts, const struct sockaddr *local);

/* Says whether the list `origins` holds `origin` ("https://mes.plant.example"), in any case. */
bool api_origin_listed(const char *origin, const char *origins);

/* Check the texts of the two settings. Fail with INSP_E_CONFIG, which names the setting, the entry and the
 * form. */
int api_hosts_check(const char *hosts, struct insp_error *reterr);
int api_origins_check(const char *origins, struct insp_error *reterr);

/* Cuts the next entry off a list separated by commas, blanks or tabs. Returns false at the end of the list (ret is
 * then "") and for an entry that does not fit into `bytes` (ret then holds its beginning). */
bool api_list_next(const char **list, char *ret, size_t bytes);

#endif
