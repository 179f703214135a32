/* core/base/thread.h - the daemon's own threads: their names, signals and scheduling priority. Any thread. */
#ifndef INSP_BASE_THREAD_H
#define INSP_BASE_THREAD_H

#include "core/base/error.h"

#include <pthread.h>

/* Starts a thread that receives no signals and is named `name` (at most 15 bytes) in ps, top and gdb. The caller
 * joins it. INSP_E_NOMEM when the system has no room for another thread. */
int insp_thread_start(pthread_t *ret, const char *name, void *(*run)(void *arg), void *arg,
                      struct insp_error *reterr);

/* Lowers the calling thread's priority for good: SCHED_BATCH and `nice` (1..19), which the threads it makes
 * inherit. The kernel allows no way back without privileges, so call it only on a thread whose work may always
 * wait. Logs a warning and keeps the priority where the system refuses. */
void insp_thread_lower_priority(int nice);

#endif
