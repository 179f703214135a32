/* core/dataset/dataset_place.h - checks, reads and opens the place of one image: <set>/<split>/<class>/<name>. The
 * names may come from any client: a checked place never leads out of the dataset, neither by ".." nor by a link.
 * The checks are pure; the other functions block on the disk. Any thread. */
#ifndef INSP_DATASET_DATASET_PLACE_H
#define INSP_DATASET_DATASET_PLACE_H

#include "core/base/error.h"
#include "core/image/image.h"

#include <stdbool.h>

struct insp_dataset_place {
    const char *split; /* folder "train" or "test"; a dataset copied there may spell it Train or TEST */
    const char *class; /* "good" or a defect type */
    const char *name;  /* file name */
};

enum {
    INSP_PLACE_BYTES = 512,    /* holds "split/class/name" of any checked place */
    INSP_FILE_NAME_BYTES = 256 /* holds a file name */
};

/* Returns "train" or "test" if that is the folder's name in any case, static; NULL for other names. */
const char *insp_dataset_split(const char *folder);

/* Checks the place of an existing image: split is one of the two in any case, class passes insp_class_name_valid,
 * and name has 1 to 255 bytes, no '/' and no leading dot. The rule for names is wide because people copy datasets
 * into the folder. Fails with INSP_E_PARAMETER; the detail says which part is wrong. */
int insp_dataset_place_check(const struct insp_dataset_place *place, struct insp_error *reterr);

/* Checks the place of an image to be written. The split is in lower case; the name passes insp_name_valid and has
 * the extension of `media` (INSP_MEDIA_PNG or INSP_MEDIA_JPEG): .png, or .jpg or .jpeg. Fails with
 * INSP_E_PARAMETER. */
int insp_dataset_place_check_new(const struct insp_dataset_place *place, enum insp_media media,
                                 struct insp_error *reterr);

/* Reads the image at a checked place. Links are followed if they end inside the dataset.
 *   limit     largest size in bytes
 *   ret_data  [*ret_bytes], the caller frees it with free()
 * Errors:
 *   INSP_E_NOT_FOUND    no such image, or the entry is not a regular file
 *   INSP_E_FORBIDDEN    a link leads out of the dataset
 *   INSP_E_IMAGE_LIMIT  the file is larger than `limit`
 *   INSP_E_NOMEM, errno codes */
int insp_dataset_place_read(const char *set, const struct insp_dataset_place *place, size_t limit, char **ret_data,
                            size_t *ret_bytes, struct insp_error *reterr);

/* Opens the folder <set>/<split>/<class> and, with `make`, creates it if it is missing. The caller closes *ret_fd.
 * Errors:
 *   INSP_E_NOT_FOUND  the folder is missing and `make` is false
 *   INSP_E_FORBIDDEN  one of the two folders is a link or a file: edits never go through links
 *   errno codes */
int insp_dataset_place_folder(const char *set, const struct insp_dataset_place *place, bool make, int *ret_fd,
                              struct insp_error *reterr);

/* Opens the folder `name` inside the open folder `at`, with the rules and errors of insp_dataset_place_folder. */
int insp_dataset_folder_at(int at, const char *name, bool make, int *ret_fd, struct insp_error *reterr);

/* Removes the class folder of a place if it is empty, so that no list shows a defect type without images. */
void insp_dataset_place_drop_empty(const char *set, const struct insp_dataset_place *place);

/* Returns the place of a new image of a class: train/good/<name> or test/<class>/<name>; the strings are borrowed
 * or static. Pure. */
struct insp_dataset_place insp_dataset_place_of(const char *class, const char *name);

#endif
