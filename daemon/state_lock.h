/* daemon/state_lock.h - locks a state folder for one daemon. There are two locks: flock on the folder itself,
 * which holds even if the lock file is removed, and a POSIX record lock on <state>/lock, whose owner the kernel
 * can name. Both end with the process, however it ends, so no stale pid from a file is ever signalled. On a file
 * system that cannot flock folders (NFS), only the file is locked. Functions block on the disk; main thread. */
#ifndef INSP_DAEMON_STATE_LOCK_H
#define INSP_DAEMON_STATE_LOCK_H

#include "core/base/error.h"

#include <sys/types.h>

/* Descriptors that hold the locks. The lock on the file is lost when this process closes any descriptor of that
 * file. */
struct daemon_state_lock {
    int folder_fd, file_fd; /* -1: none */
};

/* Creates the folder (0700) if it is missing and takes both locks. Errors:
 *   INSP_E_CONFLICT  another process has a lock; the detail names its pid if it is known
 *   INSP_E_IO        the lock file is removed again and again
 *   INSP_E_PERMISSION and other errno codes */
int daemon_state_lock(const char *state_dir, struct daemon_state_lock *ret, struct insp_error *reterr);
void daemon_state_unlock(struct daemon_state_lock *lock); /* accepts {-1, -1} */

/* Returns the pid of the daemon that holds the lock, 0 if there is none, or -1 if its pid is unknown (another
 * container, a removed lock file) or the folder cannot be read. */
pid_t daemon_state_holder(const char *state_dir);

#endif
