/* core/store/images/thumbnail_file.h - cache thumbnails in <state>/cache/thumbnails/<id>/<width>.jpg. A thumbnail
 * appears whole or not at all, may disappear at any time, and is removed with its image. All functions block
 * on the disk; any number of threads. */
#ifndef INSP_STORE_IMAGES_THUMBNAIL_FILE_H
#define INSP_STORE_IMAGES_THUMBNAIL_FILE_H

#include "core/store/images/thumbnail_walk.h"
#include "core/store/store.h"

/* Reads a thumbnail. *ret_data is the caller's (free). id must be a valid UUID. Fails with INSP_E_NOT_FOUND if
 * there is none or it is incomplete (after a power cut), and the codes of insp_read_file. */
int insp_thumbnail_get(const struct insp_store *store, const char *id, uint32_t width, unsigned char **ret_data,
                       size_t *ret_bytes, struct insp_error *reterr);

/* Keeps a thumbnail. Returns false, and leaves nothing behind, if all thumbnails would exceed bytes_max, the
 * disk is full or refuses, another call is still counting the cache after the start, or the image was removed
 * meanwhile. */
bool insp_thumbnail_keep(struct insp_store *store, const char *id, uint32_t width, const void *data, size_t bytes,
                         uint64_t bytes_max);

/* Removes the thumbnails of an image. */
void insp_thumbnail_drop(struct insp_store *store, const char *id);

/* Ends the walk of a store that is closed. */
void insp_thumbnail_walk_close(struct insp_thumbnail_walk *walk); /* accepts one between rounds */

/* Continues a walk that removes thumbnails without an image and unfinished files. If all thumbnails then
 * exceed bytes_max, or one found no room since the last sweep, removes those of the oldest images until three
 * quarters of bytes_max are left. Examines at most `folders` images and removes those of at most as many; the
 * next sweep continues. *ret_bytes (may be NULL): the size of the cache, 0 if it is unknown because the first
 * round has not ended. Fails with the codes of insp_fail_errno and insp_sql_fail, INSP_E_NOMEM. */
int insp_thumbnail_sweep(struct insp_store *store, uint64_t bytes_max, size_t folders, uint64_t *ret_bytes,
                         struct insp_error *reterr);

#endif
