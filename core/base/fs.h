/* core/base/fs.h - read, write and remove files; a written file appears whole or not at all. All functions
 * block on the disk: call them at startup, on lanes, in jobs and on the command line, never on the loop thread
 * of a serving daemon.
 *
 * All fail with INSP_E_NOSPACE, INSP_E_PERMISSION, INSP_E_NOMEM or INSP_E_IO (insp_fail_errno). */
#ifndef INSP_BASE_FS_H
#define INSP_BASE_FS_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { INSP_PATH_BYTES = 4096 };

/* Formats a path. ret_path has INSP_PATH_BYTES bytes. Fails with INSP_E_IO if the path does not fit. */
int insp_path(char *ret_path, struct insp_error *reterr, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Finds a file of this installation: beside the running program, or in libexec/inspectd or lib/inspectd of its
 * prefix. `mode` is R_OK or X_OK. Returns false if there is none that the process may use so. */
bool insp_find_installed(const char *name, int mode, char ret_path[INSP_PATH_BYTES]);

/* Makes a folder and its missing parents, as mkdir -p does. Existing folders keep their mode. */
int insp_mkdir_all(const char *path, mode_t mode, struct insp_error *reterr);

/* Reads a whole regular file. *ret_data is the caller's (free) and ends in a NUL that *ret_bytes does not
 * count. Fails with INSP_E_IO if the file has more than `limit` bytes; the detail names its size. */
int insp_read_file(const char *path, size_t limit, char **ret_data, size_t *ret_bytes, struct insp_error *reterr);

/* Writes a file to a temporary one in the same folder, then renames it to path. sync: also calls fsync on the
 * file and its folder. */
int insp_write_file(const char *path, const void *data, size_t bytes, mode_t mode, bool sync,
                    struct insp_error *reterr);

/* Reads until `bytes` are there or the file ends, however many read(2) calls it takes: 0 or -errno. */
int insp_read_all(int fd, void *buffer, size_t bytes, size_t *ret_bytes);

/* Writes all bytes to an open descriptor, in as many write(2) calls as needed. Returns 0 or -errno. */
int insp_write_all(int fd, const char *data, size_t bytes);

/* Locks an open file or folder by flock(2). The lock belongs to the open file, not to the process, so it excludes
 * threads as well as a second process, and ends when the descriptor is closed. Returns 0 or -errno; -EWOULDBLOCK
 * from INSP_LOCK_TRY and INSP_LOCK_TRY_SHARED if it is held. */
enum insp_lock { INSP_LOCK_WAIT, INSP_LOCK_TRY, INSP_LOCK_TRY_SHARED };
int insp_lock(int fd, enum insp_lock how);

/* Opens the lock file path, makes it if it is missing, and waits for the lock. *ret_fd is the caller's (close).
 * Fails if a link is in its place. */
int insp_lock_file(const char *path, mode_t mode, int *ret_fd, struct insp_error *reterr);

/* Calls fsync on a file or folder. */
int insp_fsync_path(const char *path, struct insp_error *reterr);

/* Removes path and everything below it, as rm -rf does. Does not follow links and does not cross into another
 * file system. A missing path is success. */
int insp_remove_tree(const char *path, struct insp_error *reterr);

/* Reads the bytes that unprivileged users may still write to the file system of path, and its size. */
int insp_disk_free(const char *path, uint64_t *ret_free_bytes, uint64_t *ret_total_bytes,
                   struct insp_error *reterr);

/* Says whether a name may become a file or folder name or a URL segment: 1 to 64 of [A-Za-z0-9._-], no dot or
 * dash at the start. This one rule checks products, versions, defects and dataset files. */
bool insp_name_valid(const char *name);

#endif
