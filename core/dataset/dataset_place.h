/* core/dataset/dataset_place.h - one image of a set by its place: <set>/<split>/<class>/<name>. Names may come
 * from anybody; nothing here leaves the set, by ".." or by link. Blocks on the disk; any thread. */
#ifndef INSP_DATASET_DATASET_PLACE_H
#define INSP_DATASET_DATASET_PLACE_H

#include "core/base/error.h"
#include "core/image/image.h"

#include <stdbool.h>

struct insp_dataset_place {
    const char *split; /* the folder "train" or "test"; a set that was copied there may spell it Train or TEST */
    const char *class; /* "good" or a defect */
    const char *name;  /* of the file */
};

enum { INSP_PLACE_BYTES = 512 }; /* of "split/class/name", whatever the names */

/* "train" or "test", whichever the folder's name is in any case; NULL for another name. */
const char *insp_dataset_split(const char *folder);

/* INSP_E_PARAMETER says which part is wrong and what it must be: split one of the two, class an
 * insp_class_name_valid, name up to 255 bytes without '/' that is not hidden (a set that was copied there may have
 * any such name). */
int insp_dataset_place_check(const struct insp_dataset_place *place, struct insp_error *reterr);

/* The same for an image that is to be written: the split is in lower case, the name is an insp_name_valid that
 * ends in .png, .jpg or .jpeg as `media` wants it. */
int insp_dataset_place_check_new(const struct insp_dataset_place *place, enum insp_media media,
                                 struct insp_error *reterr);

/* Reads the image (checked place). Links are followed as long as they end inside the set (dataset.h).
 *   limit  bytes; a larger file is INSP_E_IMAGE_LIMIT
 * *ret_data is the caller's (free). INSP_E_NOT_FOUND, INSP_E_FORBIDDEN for a link that leads out, errno codes. */
int insp_dataset_place_read(const char *set, const struct insp_dataset_place *place, size_t limit, char **ret_data,
                            size_t *ret_bytes, struct insp_error *reterr);

/* Opens the folder <set>/<split>/<class>; with `make` it is made where it is missing. Real folders only: nothing
 * is written or removed through a link (INSP_E_FORBIDDEN). *ret_fd is the caller's. INSP_E_NOT_FOUND. */
int insp_dataset_place_folder(const char *set, const struct insp_dataset_place *place, bool make, int *ret_fd,
                              struct insp_error *reterr);

/* One folder below an open one, as above; for folders of the set's own housekeeping. */
int insp_dataset_folder_at(int at, const char *name, bool make, int *ret_fd, struct insp_error *reterr);

#endif
