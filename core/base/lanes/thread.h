/* core/base/lanes/thread.h - start the daemon's threads: name, blocked signals, scheduling priority. Any thread.
 */
#ifndef INSP_BASE_LANES_THREAD_H
#define INSP_BASE_LANES_THREAD_H

#include "core/base/error.h"

#include <pthread.h>

/* Starts a thread with all signals blocked and the given name (at most 15 bytes), as ps, top and gdb show it.
 * The caller joins it. Fails with INSP_E_NOMEM if the system refuses another thread. */
int insp_thread_start(pthread_t *ret, const char *name, void *(*run)(void *arg), void *arg,
                      struct insp_error *reterr);

/* Lowers the calling thread's priority for good: SCHED_BATCH and a nice value `steps` (1..19) above the present
 * one, 19 at most, inherited by the threads that it starts. The kernel lets no unprivileged thread raise it again,
 * so call it only on a thread whose work may always wait. If the system refuses, it logs a warning and the
 * priority stays. */
void insp_thread_lower_priority(int steps);

#endif
