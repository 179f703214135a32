/* core/store/thumbnail_file.h - small pictures that were made once, kept in
 * <state>/cache/thumbnails/<id>/<width>.jpg.
 *
 * A cache: a thumbnail is there whole or not at all, may be gone at any time, and goes with its image. All
 * functions block on the disk and may be called from any number of threads. */
#ifndef INSP_STORE_THUMBNAIL_FILE_H
#define INSP_STORE_THUMBNAIL_FILE_H

#include "core/store/store.h"

/* The JPEG, the caller's (free). INSP_E_NOT_FOUND where there is none, or not a whole one (a power cut). id is a
 * valid UUID. */
int insp_thumbnail_get(const struct insp_store *store, const char *id, uint32_t width, unsigned char **ret_data,
                       size_t *ret_bytes, struct insp_error *reterr);

/* Keeps one; false where it was not kept: all together would take more than bytes_max, the disk is full or
 * refuses, another call is still counting what a start found, or the image went meanwhile. Nothing is left behind
 * then.
 */
bool insp_thumbnail_keep(struct insp_store *store, const char *id, uint32_t width, const void *data, size_t bytes,
                         uint64_t bytes_max);

/* Removes those of an image. */
void insp_thumbnail_drop(struct insp_store *store, const char *id);

/* Removes what has no image any more and what a kill left half written; then, where all together take more than
 * bytes_max or one found no room since the last sweep, those of the oldest images until three quarters of it are
 * left. *ret_bytes (may be NULL): what all take now. */
int insp_thumbnail_sweep(struct insp_store *store, uint64_t bytes_max, uint64_t *ret_bytes,
                         struct insp_error *reterr);

#endif
