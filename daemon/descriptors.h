/* daemon/descriptors.h - fits the number of connections to the limit of open files. Main thread, before the loop
 * runs. */
#ifndef INSP_DAEMON_DESCRIPTORS_H
#define INSP_DAEMON_DESCRIPTORS_H

#include "core/base/error.h"

#include <stdint.h>

/* Returns the descriptors needed for `connections`, each of which may send a file, for the listener's reserve, the
 * store, the models and the threads. pool_threads: of lanes LINE and BACK together. plcs: Modbus/TCP's listener
 * and connections. Pure. */
uint64_t daemon_descriptors_needed(unsigned connections, unsigned pool_threads, unsigned plcs);

/* Returns the largest number of connections, up to `asked`, that `limit` descriptors allow, or 0 if that is less
 * than DAEMON_CONNECTIONS_MIN. Pure. */
unsigned daemon_descriptors_fit(unsigned asked, unsigned pool_threads, unsigned plcs, uint64_t limit);
enum { DAEMON_CONNECTIONS_MIN = 4 };

/* Raises the soft limit of open files to the need of `asked` connections, at most to the hard limit. *ret is the
 * number of connections that fit; if it is less than asked, a warning is logged. Fails with INSP_E_CONFIG if not
 * even DAEMON_CONNECTIONS_MIN fit. */
int daemon_descriptors_raise(unsigned asked, unsigned pool_threads, unsigned plcs, unsigned *ret,
                             struct insp_error *reterr);

#endif
