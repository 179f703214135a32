/* core/store/images/thumbnail_file.h - cache thumbnails in <state>/cache/thumbnails/<id>/<width>.jpg. A thumbnail
 * appears whole or not at all, may disappear at any time, and is removed with its image. All functions block
 * on the disk; any number of threads. */
#ifndef INSP_STORE_THUMBNAIL_FILE_H
#define INSP_STORE_THUMBNAIL_FILE_H

#include "core/store/store.h"

#include <dirent.h>

/* The JPEG, the caller's (free). INSP_E_NOT_FOUND where there is none, or not a whole one (a power cut). id is a
 * valid UUID. */
int insp_thumbnail_get(const struct insp_store *store, const char *id, uint32_t width, unsigned char **ret_data,
                       size_t *ret_bytes, struct insp_error *reterr);

/* Keeps a thumbnail. Returns false, and leaves nothing behind, if all thumbnails would exceed bytes_max, the
 * disk is full or refuses, another call is still counting the cache after the start, or the image was removed
 * meanwhile. */
bool insp_thumbnail_keep(struct insp_store *store, const char *id, uint32_t width, const void *data, size_t bytes,
                         uint64_t bytes_max);

/* Removes the thumbnails of an image. */
void insp_thumbnail_drop(struct insp_store *store, const char *id);

/* Where the walk over all thumbnails stands. One sweep at a time. */
struct insp_thumbnail_walk {
    DIR *all;            /* being read; NULL between rounds */
    uint64_t seen;       /* bytes of the round's folders so far */
    uint64_t came, went; /* bytes kept and dropped since the round began; the store's thumbnail_lock */
};
void insp_thumbnail_walk_close(struct insp_thumbnail_walk *walk);

/* Goes on with a walk that removes what has no image any more and what a kill left half written; then, where all
 * together take more than bytes_max or one found no room since the last sweep, removes those of the oldest images
 * until three quarters of it are left. Looks at `folders` images and removes those of as many, at most; the next
 * sweep goes on. *ret_bytes (may be NULL): what all take now, 0 where that is not known before the first round has
 * ended. */
int insp_thumbnail_sweep(struct insp_store *store, uint64_t bytes_max, size_t folders, uint64_t *ret_bytes,
                         struct insp_error *reterr);

#endif
