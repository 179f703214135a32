/* core/dataset/dataset_edit.h - images put into a set and taken out of it while trainings may read it. An image is
 * there whole or not at all, no content twice, and none that a training could not decode. A `set` is a folder
 * without links in its path (insp_dataset_home). Blocks on the disk; any thread, never the loop. Edits of one
 * process exclude each other for as long as it takes to look for duplicates and rename, not while bytes are
 * written. */
#ifndef INSP_DATASET_DATASET_EDIT_H
#define INSP_DATASET_DATASET_EDIT_H

#include "core/base/sha256.h"
#include "core/dataset/dataset.h"
#include "core/dataset/dataset_place.h"

struct insp_dataset_limits {
    struct insp_image_limits image;
    uint64_t free_bytes_min; /* what must be left of the disk, as struct insp_retention's; 0: whatever it gives */
};

enum insp_dataset_change { INSP_DATASET_ADDED, INSP_DATASET_REPLACED, INSP_DATASET_UNCHANGED };

/* Writes one image: temporary file, fsync, rename, fsync. The same content at the same place is
 * INSP_DATASET_UNCHANGED and changes nothing.
 *   bytes       [count], JPEG or PNG, borrowed
 *   ret_sha256  INSP_SHA256_HEX_BYTES bytes
 * Fails with INSP_E_IMAGE, INSP_E_IMAGE_LIMIT (not decodable), INSP_E_PARAMETER (place),
 * INSP_E_CONFLICT (names the place where the set has this content already, or the name is a folder's),
 * INSP_E_FORBIDDEN (a link on the way), INSP_E_NOSPACE, INSP_E_PERMISSION. */
int insp_dataset_put(const char *set, const struct insp_dataset_place *place, const void *bytes, size_t count,
                     const struct insp_dataset_limits *limits, enum insp_dataset_change *ret_change,
                     char *ret_sha256, struct insp_error *reterr);

/* Removes one image, and its class's folder where that is empty then. INSP_E_NOT_FOUND. */
int insp_dataset_remove(const char *set, const struct insp_dataset_place *place, struct insp_error *reterr);

/* --- for from_labels.c: many images at a time
 * ---------------------------------------------------------------------- */

/* What a set holds, kept in step with this process's own edits. `dataset` NULL: not listed yet. */
struct insp_dataset_view {
    const char *set; /* borrowed */
    struct insp_dataset *dataset;
    uint64_t edit; /* the edit it was listed behind */
};
void insp_dataset_view_clear(struct insp_dataset_view *view);

/* The first item at or behind `from` whose content this is; dataset->count where there is none. Hashes files of
 * that size only, each once. */
int insp_dataset_find(struct insp_dataset *dataset, size_t from, uint64_t bytes, const char *sha256, size_t *ret,
                      struct insp_error *reterr);

/* "split/class/name" of an item, as a pointer into its path. */
const char *insp_dataset_item_place(const struct insp_dataset *dataset, size_t item);

/* Runs `work` while no other edit of this process runs, with a view that is up to date. work answers 0 where it
 * changed nothing, 1 where it did, negative where it failed; the call 0 or negative. */
typedef int insp_dataset_work(struct insp_dataset_view *view, void *arg, struct insp_error *reterr);
int insp_dataset_edit(struct insp_dataset_view *view, insp_dataset_work *work, void *arg,
                      struct insp_error *reterr);

/* As insp_dataset_put, with a view that is kept in step. */
int insp_dataset_put_into(struct insp_dataset_view *view, const struct insp_dataset_place *place,
                          const void *bytes, size_t count, const struct insp_dataset_limits *limits,
                          enum insp_dataset_change *ret_change, char *ret_sha256, struct insp_error *reterr);

/* Inside `work`: gives an item another place (INSP_E_CONFLICT where that is taken or the item is a link), or takes
 * it out of the set. */
int insp_dataset_move_item(struct insp_dataset_view *view, size_t item, const struct insp_dataset_place *to,
                           struct insp_error *reterr);
int insp_dataset_remove_item(struct insp_dataset_view *view, size_t item, struct insp_error *reterr);

/* Splits "split/class/name" (three parts, as an item's place is) into copies. */
struct insp_dataset_place_text {
    char text[INSP_PLACE_BYTES];
    struct insp_dataset_place place; /* points into text */
};
int insp_dataset_place_split(const char *text, struct insp_dataset_place_text *ret, struct insp_error *reterr);

#endif
