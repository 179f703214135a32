/* core/dataset/dataset.h - a folder in MVTec AD layout:
 *   <set>/train/good/IMAGE  <set>/test/good/IMAGE  <set>/test/<defect>/IMAGE
 *   [<set>/ground_truth/<defect>/NAME_mask.png]
 * PNG and JPEG by extension, any size, any file name. A class's folder may have any name of up to 64 bytes; good
 * and ok, in any case, are the class good; train and test may be spelt in any case. All images of train and test
 * make one pool (the notebook's way), from which the stratified split takes its held-out part; train/<defect>
 * counts as test/<defect>. All else is passed over, and counted by reason: hidden and system files, other formats,
 * folders within a class or without images, links that lead nowhere (scan.h). Links are followed as long as they
 * end inside the set. Blocks on the disk; any thread. */
#ifndef INSP_DATASET_DATASET_H
#define INSP_DATASET_DATASET_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/progress.h"
#include "core/base/sha256.h"
#include "core/compute/vgg16.h"
#include "core/dataset/scan.h"
#include "core/image/image.h"
#include "core/model/manifest.h"

#include <stddef.h>
#include <stdint.h>

enum { INSP_DATASET_IMAGES_MAX = 1000000, INSP_DATASET_STRATA_MAX = 1000 };

struct insp_dataset_item {
    char *path;                         /* owned; root and what follows */
    uint64_t bytes;                     /* of the file, when it was listed */
    struct insp_media_type type;        /* INSP_MEDIA_UNKNOWN: by the first bytes, as in every set */
    size_t stratum;                     /* index into strata: 0 is "good", then the defect types by name */
    uint8_t label;                      /* INSP_CLASS_GOOD or INSP_CLASS_ANOMALY */
    char sha256[INSP_SHA256_HEX_BYTES]; /* of the file's bytes; "" until insp_dataset_hash, and where unreadable */
};

struct insp_dataset {
    char *root; /* owned; absolute, without links */
    size_t count;
    struct insp_dataset_item *item; /* sorted by path relative to root: the order of every split */
    size_t stratum_count;
    char (*stratum)[INSP_NAME_BYTES]; /* "good", "hole", ... */
    size_t *stratum_size;
    size_t ignored;        /* entries that were passed over, hidden ones not counted */
    struct insp_scan scan; /* how all of it was read */
};

/* Lists a set. INSP_E_DATASET says what is missing (no good images, no defect images, layout) and shows the
 * layout, or names a folder with images whose name is too long; INSP_E_FORBIDDEN names a link that leaves the set;
 * errno codes. */
int insp_dataset_open(const char *root, struct insp_dataset **ret, struct insp_error *reterr);
/* The same for a set that is still being gathered: classes may be missing. */
int insp_dataset_list(const char *root, struct insp_dataset **ret, struct insp_error *reterr);
void insp_dataset_free(struct insp_dataset *dataset);

/* Fills each item's sha256; *ret_digest (INSP_SHA256_HEX_BYTES) is the hash over the sorted lines "sha256
 * stratum\n", so that it depends on the images and their classes, not on file names. progress (may be NULL) gets
 * steps, and is asked for cancellation before each file. A file that cannot be read fails by name, or, with
 * skip_unreadable, keeps "" and is not part of the digest. */
int insp_dataset_hash(struct insp_dataset *dataset, const struct insp_progress *progress, bool skip_unreadable,
                      char *ret_digest, struct insp_error *reterr);

/* True where the extension is one that a set's images have: png, jpg or jpeg, in any case. */
bool insp_dataset_image_name(const char *name);

/* {stratum: images} as a new reference; NULL without memory. */
json_t *insp_dataset_counts_json(const struct insp_dataset *dataset);

DEFINE_CLEANUP(struct insp_dataset, insp_dataset_free);
#endif
