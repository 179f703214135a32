/* core/train/features/image_slots.h - find the distinct images of a dataset in a feature store, reserve slots for
 * the missing ones, and load those for the trunk. feature_cache.h and good_model.h keep different data in such
 * stores. One thread per object. */
#ifndef INSP_TRAIN_FEATURES_IMAGE_SLOTS_H
#define INSP_TRAIN_FEATURES_IMAGE_SLOTS_H

#include "core/base/sha256.h"
#include "core/dataset/dataset.h"
#include "core/dataset/image_loader.h"
#include "core/region/field_set.h"
#include "core/train/features/feature_store.h"

enum { INSP_SLOT_BATCH = 8 }; /* images per trunk pass: more gain nothing on the CPU and cost memory */
#define INSP_NO_SLOT SIZE_MAX

/* Describes a distinct image: the bytes of a file, seen through one field. Hash, path and type are those of the
 * first item with this content, borrowed. */
struct insp_slot_image {
    char key[INSP_SHA256_HEX_BYTES]; /* insp_slot_key */
    const char *sha256, *path;
    const struct insp_media_type *type;
    const struct insp_field *field; /* borrowed; NULL: the whole picture */
    size_t first;                   /* index of that item */
    size_t slot;                    /* in the store, or INSP_NO_SLOT */
};

struct insp_slot_images {
    struct insp_slot_image *image;    /* [count], sorted by key; owned */
    size_t count, copies;             /* copies: items left out, because they equal another one byte by byte */
    struct insp_slot_image **missing; /* [missing_count], in the order in which the loader gives them; owned */
    size_t missing_count;
    const char **path;                   /* of the missing ones, then their hashes; used by the loader; owned */
    const struct insp_media_type **type; /* owned */
    const struct insp_field **field;     /* owned */
};
void insp_slot_images_clear(struct insp_slot_images *images); /* accepts a zeroed one */

/* Names the file of a store by hashing everything that determines its data besides the bytes of an image.
 *   kind  of data, with a version to increment when the preprocessing or the data change
 *   rest  further parameters as text
 *   ret_name  [INSP_SHA256_HEX_BYTES] */
void insp_slot_name(const char *kind, const char *trunk_sha256, const char *arithmetic,
                    const struct insp_transform *input, const char *rest, char *ret_name);

/* Writes the key of an image in a store: the hash of its bytes; with a field, the hash of that and of the field,
 * so that data seen through one region are never taken for those through another. ret_key: [INSP_SHA256_HEX_BYTES]
 */
void insp_slot_key(const char *sha256, const struct insp_field *field, char *ret_key);

/* Lists the distinct images; items without a hash are left out, and with good_only those of another label. On
 * failure too, the caller clears *ret.
 *   fields  NULL: the whole pictures; borrowed
 * Fails with INSP_E_NOMEM. */
int insp_slot_images_list(const struct insp_dataset *dataset, const struct insp_field_set *fields, bool good_only,
                          struct insp_slot_images *ret, struct insp_error *reterr);
/* Finds an image by its key; NULL if it is not listed. */
struct insp_slot_image *insp_slot_images_find(const struct insp_slot_images *images, const char *key);

/* Sets each image's slot: the one that holds its data, or a reserved one, and lists the latter as missing. Fails
 * with INSP_E_NOMEM and as insp_feature_store_reserve does. */
int insp_slot_images_assign(struct insp_slot_images *images, struct insp_feature_store *store,
                            struct insp_error *reterr);

/* Starts a loader of the missing images, which borrows `images`. *ret is the caller's. Fails with INSP_E_PARAMETER
 * if the input is not 224x224, and as insp_image_loader_new does. */
int insp_slot_images_load(struct insp_slot_images *images, struct insp_tiles tiles,
                          const struct insp_transform *input, const struct insp_image_limits *limits,
                          struct insp_image_loader **ret, struct insp_error *reterr);
/* Checks that the trunk can take the transform's output, [3,224,224]. Fails with INSP_E_PARAMETER. */
int insp_slot_input_check(const struct insp_transform *input, struct insp_error *reterr);

#endif
