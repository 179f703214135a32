/* daemon/descriptors.h - holds the connections that are asked for against the descriptors that the process may
 * have. Before the loop runs. */
#ifndef INSP_DAEMON_DESCRIPTORS_H
#define INSP_DAEMON_DESCRIPTORS_H

#include "core/base/error.h"

#include <stdint.h>

/* Descriptors for so many connections (each may send a file), the listener's spare ones, and what store, models
 * and pool threads open. Pure. */
uint64_t daemon_descriptors_needed(unsigned connections, unsigned pool_threads);

/* The most connections, up to `asked`, that fit into `limit` descriptors; below DAEMON_CONNECTIONS_MIN: 0. Pure.
 */
unsigned daemon_descriptors_fit(unsigned asked, unsigned pool_threads, uint64_t limit);
enum { DAEMON_CONNECTIONS_MIN = 4 };

/* Raises the soft limit of open files as far as `asked` connections need and the hard limit admits. *ret: the
 * connections that may be had; where they are fewer than asked, a warning in the log says what to do.
 * INSP_E_CONFIG where not even DAEMON_CONNECTIONS_MIN fit. */
int daemon_descriptors_raise(unsigned asked, unsigned pool_threads, unsigned *ret, struct insp_error *reterr);

#endif
