/* core/base/fs.h - files that are there whole or not at all. All functions block on the disk: startup,
 * the libuv pool, jobs and the command line, never the loop thread of a serving daemon. */
#ifndef INSP_BASE_FS_H
#define INSP_BASE_FS_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { INSP_PATH_BYTES = 4096 };

/* Joins with printf; INSP_E_IO where the result would not fit. ret_path has INSP_PATH_BYTES bytes. */
int insp_path(char *ret_path, struct insp_error *reterr, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* mkdir -p; folders that are already there keep their mode. */
int insp_mkdir_all(const char *path, mode_t mode, struct insp_error *reterr);

/* Reads a whole file of at most `limit` bytes; INSP_E_IO names the size otherwise. *ret_data is the
 * caller's (free), with a NUL behind the last byte that *ret_bytes does not count. */
int insp_read_file(const char *path, size_t limit, char **ret_data, size_t *ret_bytes, struct insp_error *reterr);

/* Writes path by way of a temporary file in the same folder and rename(2). With sync: fsync of file and folder. */
int insp_write_file(const char *path, const void *data, size_t bytes, mode_t mode, bool sync,
                    struct insp_error *reterr);

/* Writes all bytes to an open descriptor, however many write(2) calls it takes: 0 or -errno. */
int insp_write_all(int fd, const char *data, size_t bytes);

int insp_fsync_path(const char *path, struct insp_error *reterr);

/* rm -rf below and including path; a path that is not there is success. Does not follow links. */
int insp_remove_tree(const char *path, struct insp_error *reterr);

/* Free bytes for unprivileged users in the file system that holds path, and its size. */
int insp_disk_free(const char *path, uint64_t *ret_free_bytes, uint64_t *ret_total_bytes,
                   struct insp_error *reterr);

/* A name that may become a file or folder name or a URL segment: 1 to 64 of [A-Za-z0-9._-], not starting
 * with a dot or a dash. Products, versions, defects and dataset files are all checked by this one rule. */
bool insp_name_valid(const char *name);

#endif
