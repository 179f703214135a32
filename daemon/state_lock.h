/* daemon/state_lock.h - one daemon per state folder. The folder itself is locked (flock), so that a lock file
 * which somebody removes lets no second daemon in, and a POSIX record lock lies on <state>/lock: both end with the
 * process however that ends, and the kernel itself names the process that holds the second one (in the asker's pid
 * namespace), so nobody ever signals a stale pid read from a file. On a file system without flock for folders
 * (NFS) the file's lock has to do. */
#ifndef INSP_DAEMON_STATE_LOCK_H
#define INSP_DAEMON_STATE_LOCK_H

#include "core/base/error.h"

#include <sys/types.h>

/* Open as long as the lock is wanted; the file's lock is lost when this process closes any descriptor of that
 * file. */
struct daemon_state_lock {
    int folder_fd, file_fd; /* -1: none */
};

/* Makes the folder (0700) where missing and takes the lock. INSP_E_CONFLICT names the holder's pid where it can;
 * INSP_E_PERMISSION and other errno codes. */
int daemon_state_lock(const char *state_dir, struct daemon_state_lock *ret, struct insp_error *reterr);
void daemon_state_unlock(struct daemon_state_lock *lock); /* what was taken; { -1, -1 } is fine */

/* -> pid of the daemon that holds the lock; 0 where none does; -1 where one does that cannot be named from here
 * (another container, a lock file that was removed) or the folder cannot be looked at. */
pid_t daemon_state_holder(const char *state_dir);

#endif
