/* core/dataset/dataset_edit.h - adds, moves and removes images of a dataset while trainings may read it. Every
 * image is complete, decodes as a training will decode it, and has a content that no other image of the dataset
 * has. `set` is the dataset's folder, without links in its path (insp_dataset_home). Functions block on the disk;
 * any thread but the loop. One lock serialises the edits of a process. It is held while an edit looks for
 * duplicates and renames files, not while it writes an image's bytes. */
#ifndef INSP_DATASET_DATASET_EDIT_H
#define INSP_DATASET_DATASET_EDIT_H

#include "core/base/sha256.h"
#include "core/dataset/dataset.h"
#include "core/dataset/dataset_place.h"

struct insp_dataset_limits {
    struct insp_image_limits image;
    uint64_t free_bytes_min; /* bytes to keep free on the disk, INSP_FREE_BYTES_AUTO allowed; 0: no minimum */
};

enum insp_dataset_change { INSP_DATASET_ADDED, INSP_DATASET_REPLACED, INSP_DATASET_UNCHANGED };

/* Writes one image: temporary file, fsync, rename, fsync. If the place holds this content already, nothing changes
 * and *ret_change is INSP_DATASET_UNCHANGED.
 *   bytes       [count], JPEG or PNG, borrowed
 *   ret_sha256  INSP_SHA256_HEX_BYTES bytes
 * Errors:
 *   INSP_E_IMAGE, INSP_E_IMAGE_LIMIT  the bytes cannot be decoded within the limits
 *   INSP_E_PARAMETER                  the place is not valid for a new image (insp_dataset_place_check_new)
 *   INSP_E_CONFLICT                   another place holds this content (the detail names it), or a folder has this
 *                                     name
 *   INSP_E_FORBIDDEN                  the place's folder is a link or a file
 *   INSP_E_NOSPACE                    the disk is full, or free_bytes_min would not remain free
 *   INSP_E_NOMEM, errno codes */
int insp_dataset_put(const char *set, const struct insp_dataset_place *place, const void *bytes, size_t count,
                     const struct insp_dataset_limits *limits, enum insp_dataset_change *ret_change,
                     char *ret_sha256, struct insp_error *reterr);

/* Says where the content of an upload is afterwards. */
struct insp_dataset_added {
    bool added; /* false: the dataset had the content already, in this class or another one */
    char at[INSP_PLACE_BYTES];
    char sha256[INSP_SHA256_HEX_BYTES];
};

/* Writes one image into a class, train/good or test/<class>, as insp_dataset_put does, but replaces nothing: the
 * name is made from `like`, any text (insp_dataset_like_name), and numbered if it is taken. A content that the
 * dataset has stays where it is. class passes insp_class_name_valid. Errors: those of insp_dataset_put. */
int insp_dataset_add(const char *set, const char *class, const char *like, const void *bytes, size_t count,
                     const struct insp_dataset_limits *limits, struct insp_dataset_added *ret,
                     struct insp_error *reterr);

/* Removes one image, and its class folder if that is empty afterwards. The place must have passed
 * insp_dataset_place_check. Errors: INSP_E_NOT_FOUND, INSP_E_FORBIDDEN (a link on the way), errno codes. */
int insp_dataset_remove(const char *set, const struct insp_dataset_place *place, struct insp_error *reterr);

/* --- for from_labels.c, which edits many images at a time --- */

/* A listing of the dataset that follows the edits of this process: edits through the view update it, other edits
 * make the next insp_dataset_edit list the folder again. Items added or moved through the view are not sorted and
 * have no stratum. One thread per view. */
struct insp_dataset_view {
    const char *set;              /* borrowed */
    struct insp_dataset *dataset; /* owned; NULL before the first listing and after a failed edit */
    uint64_t edit;                /* number of the process's edit that the listing includes */
};
void insp_dataset_view_clear(struct insp_dataset_view *view);

/* Finds the first item at or after index `from` with this size and SHA-256; *ret is dataset->count if there is
 * none. Hashes only files of that size, each once per listing. Errors: an errno code if such a file exists but
 * cannot be read. */
int insp_dataset_find(struct insp_dataset *dataset, size_t from, uint64_t bytes, const char *sha256, size_t *ret,
                      struct insp_error *reterr);

/* Returns "split/class/name" of an item, as a pointer into its path. */
const char *insp_dataset_item_place(const struct insp_dataset *dataset, size_t item);

/* Runs `work` on an up-to-date view while no other edit of this process runs. `work` returns 0 if it changed
 * nothing, 1 if it changed the dataset, or a negative code. insp_dataset_edit returns 0 or that code. */
typedef int insp_dataset_work(struct insp_dataset_view *view, void *arg, struct insp_error *reterr);
int insp_dataset_edit(struct insp_dataset_view *view, insp_dataset_work *work, void *arg,
                      struct insp_error *reterr);

/* Hold the lock of the edits around work on what lies beside the images, such as the trash. Not inside `work`,
 * which has it. */
void insp_dataset_edit_lock(void);
void insp_dataset_edit_unlock(void);

/* Writes one image as insp_dataset_put does and updates the view. */
int insp_dataset_put_into(struct insp_dataset_view *view, const struct insp_dataset_place *place,
                          const void *bytes, size_t count, const struct insp_dataset_limits *limits,
                          enum insp_dataset_change *ret_change, char *ret_sha256, struct insp_error *reterr);

/* Move an item to another place, or remove it from the dataset. Call them inside `work` only. Moving fails with
 * INSP_E_CONFLICT if the new place is taken or the item is a link; both fail with INSP_E_FORBIDDEN,
 * INSP_E_NOT_FOUND and errno codes. */
int insp_dataset_move_item(struct insp_dataset_view *view, size_t item, const struct insp_dataset_place *to,
                           struct insp_error *reterr);
int insp_dataset_remove_item(struct insp_dataset_view *view, size_t item, struct insp_error *reterr);

struct insp_dataset_place_text {
    char text[INSP_PLACE_BYTES];
    struct insp_dataset_place place; /* points into text: copies of this struct point into the original */
};
/* Splits "split/class/name" into its three parts. Checks their number and the length, not the names. Fails with
 * INSP_E_PARAMETER. */
int insp_dataset_place_split(const char *text, struct insp_dataset_place_text *ret, struct insp_error *reterr);

#endif
