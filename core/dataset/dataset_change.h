/* core/dataset/dataset_change.h - moves images of a dataset to another class or into its trash, and undoes such a
 * change. A change is a folder <set>/.trash/<id>: change.json lists its steps and is on the disk before the first
 * image moves, so that a change that a crash has cut off can be undone too; images that were removed lie beside
 * it. The folder is hidden, so no training reads it. Functions block on the disk; any thread but the loop. They
 * take the lock of dataset_edit.h. */
#ifndef INSP_DATASET_DATASET_CHANGE_H
#define INSP_DATASET_DATASET_CHANGE_H

#include "core/base/uuid.h"
#include "core/dataset/dataset_edit.h"

#include <jansson.h>

enum { INSP_CHANGE_IMAGES_MAX = 500, INSP_CHANGES_LISTED = 100 };

enum insp_step {
    INSP_STEP_DONE,
    INSP_STEP_ALREADY, /* the image is in this class, or its content is in the dataset */
    INSP_STEP_GONE,    /* it is not where the step expects it */
    INSP_STEP_REFUSED, /* `why` says why */
};
const char *insp_step_name(enum insp_step outcome); /* "done" | "already" | "gone" | "refused" */

struct insp_dataset_step {
    char from[INSP_PLACE_BYTES]; /* "split/class/name" */
    char to[INSP_PLACE_BYTES];   /* out; where the image is afterwards; "" in the trash */
    enum insp_step outcome;      /* out */
    char why[256];               /* out; "" unless gone or refused */
};

/* Moves images to a class (train/good, or test/<class>), or into the trash. A name that is taken gets a number.
 * Problems of one image are outcomes; the others still move.
 *   step    [count], 1..INSP_CHANGE_IMAGES_MAX; `from` is set, the rest is filled in
 *   class   passes insp_class_name_valid; NULL: into the trash
 *   ret_id  INSP_UUID_BYTES bytes; "" if nothing moved, so that there is nothing to undo
 * Errors, before anything moved: INSP_E_PARAMETER (a place is not valid), INSP_E_NOSPACE, INSP_E_FORBIDDEN (the
 * trash is a link), INSP_E_NOMEM, errno codes. With an errno code *ret_id may be set: images have moved, but a
 * folder could not be synced; the change can be undone. */
int insp_dataset_change_make(const char *set, struct insp_dataset_step *step, size_t count, const char *class,
                             char *ret_id, struct insp_error *reterr);

/* Moves the images of a change back, each to its old place, numbered if that is taken. An image that has been
 * moved or removed since is `gone`, also if another image has its name now (of another size or time of writing);
 * one of the trash whose content is in the dataset again is `already`. The change is forgotten, unless an image
 * was refused or a folder could not be synced.
 *   ret_step  [*ret_count], the caller frees it; `from` is the place before the undoing, "" in the trash
 * Errors: INSP_E_NOT_FOUND (no such change), INSP_E_IO (its description is
 * damaged), INSP_E_FORBIDDEN, INSP_E_NOMEM, errno codes (a folder could not be synced, for one). */
int insp_dataset_change_undo(const char *set, const char *id, struct insp_dataset_step **ret_step,
                             size_t *ret_count, struct insp_error *reterr);

/* Lists the newest INSP_CHANGES_LISTED changes that can be undone, newest first, as a JSON array of
 * {"id", "at", "action": "move"|"delete", "class" or null, "images"}; a new reference. Fails with INSP_E_NOMEM,
 * errno codes. */
int insp_dataset_changes_list(const char *set, json_t **ret, struct insp_error *reterr);

/* Removes the images in the trash for good and forgets all changes older than `before_us` (wall clock); INT64_MAX:
 * all. *ret_count is their number. Fails with INSP_E_FORBIDDEN, errno codes. */
int insp_dataset_changes_forget(const char *set, int64_t before_us, size_t *ret_count, struct insp_error *reterr);

#endif
