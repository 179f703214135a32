/* daemon/state_lock.h - one daemon per state folder. The lock is a POSIX record lock on <state>/lock: it ends with
 * the process however that ends, and the kernel itself names the process that holds it (in the asker's pid
 * namespace), so nobody ever signals a stale pid read from a file. */
#ifndef INSP_DAEMON_STATE_LOCK_H
#define INSP_DAEMON_STATE_LOCK_H

#include "core/base/error.h"

#include <sys/types.h>

/* Makes the folder (0700) where missing and takes the lock; *ret_fd stays open as long as the lock is wanted (the
 * lock is lost when this process closes any descriptor of that file). INSP_E_CONFLICT names the holder's pid;
 * INSP_E_PERMISSION and other errno codes. */
int daemon_state_lock(const char *state_dir, int *ret_fd, struct insp_error *reterr);

/* -> pid of the daemon that holds the lock; 0 where none does; -1 where one does that cannot be named from here
 * (another container) or the folder cannot be looked at. */
pid_t daemon_state_holder(const char *state_dir);

#endif
