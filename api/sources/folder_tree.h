/* api/sources/folder_tree.h - read and change files below an open folder, following no link below it. A path is
 * relative to the folder, without "." and "..". All functions block on the disk; any thread. */
#ifndef INSP_API_SOURCES_FOLDER_TREE_H
#define INSP_API_SOURCES_FOLDER_TREE_H

#include "core/base/fs.h"
#include "core/store/watched.h"

/* Opens the folder that holds a path, and makes its missing folders if `make`. Returns a descriptor, the caller's
 * to close, or -errno; -ELOOP or -ENOTDIR for a link. */
int api_tree_parent(int root, const char *path, bool make);

/* Returns the last name of a path. */
const char *api_tree_name(const char *path);

/* Reads what a path is. Returns 0 or -errno; -EINVAL for anything but a regular file. */
int api_tree_stat(int root, const char *path, struct insp_file_identity *ret, mode_t *ret_mode);

/* Reads a whole file of at most `limit` bytes. *ret_data is the caller's (free). Returns 0 or
 *   -EAGAIN   the file changed meanwhile; *ret is what it is now
 *   -EFBIG    it is larger; *ret is set
 *   -EINVAL   it is no regular file
 *   -errno */
int api_tree_read(int root, const char *path, size_t limit, struct insp_file_identity *ret, uint8_t **ret_data,
                  size_t *ret_bytes);

/* Writes a file, which appears whole or not at all, with exactly `mode`, in folders that are made if they are
 * missing. Replaces a file of that path. Returns 0 or -errno. */
int api_tree_write(int root, const char *path, const void *data, size_t bytes, mode_t mode);

/* Moves a file to another path, whose folders are made if they are missing. Returns 0 or -errno; -EEXIST if that
 * path is taken. */
int api_tree_move(int root, const char *from, const char *to);

/* Writes `to` into ret_path, INSP_PATH_BYTES bytes; if that path is taken, with `spare` and a dash before its
 * name. Returns 0, or -ENAMETOOLONG. */
int api_tree_free_path(int root, const char *to, const char *spare, char *ret_path);

/* Removes a file. Returns 0 or -errno. */
int api_tree_remove(int root, const char *path);

#endif
