/* core/dataset/dataset.h - reads a folder in MVTec AD layout:
 *   <set>/train/good/IMAGE  <set>/test/good/IMAGE  <set>/test/<defect>/IMAGE
 *   [<set>/ground_truth/<defect>/NAME_mask.png]
 * Images are PNG and JPEG files, recognised by extension, of any size and file name. A class folder may have any
 * name of up to 64 bytes; "good" and "ok", in any case, mean the class good. "train" and "test" may be spelt in
 * any case. All images of train and test form one pool, as in the notebook; the stratified split takes its
 * held-out part from that pool, and train/<defect> counts as test/<defect>. Other entries are passed over and
 * counted by reason (scan.h): hidden and system files, other formats, folders inside a class or without images,
 * broken links. Links are followed if they end inside the dataset. Functions block on the disk. Any thread; one
 * thread per object. */
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
    char *path;                         /* owned; absolute, starts with the dataset's root */
    uint64_t bytes;                     /* size of the file when it was listed */
    struct insp_media_type type;        /* INSP_MEDIA_UNKNOWN for files: the decoder looks at the first bytes */
    size_t stratum;                     /* index into insp_dataset.stratum */
    uint8_t label;                      /* INSP_CLASS_GOOD or INSP_CLASS_ANOMALY */
    const char *camera;                 /* borrowed; NULL: not known (cameras/camera_log.h) */
    char sha256[INSP_SHA256_HEX_BYTES]; /* of the file's bytes; "" before insp_dataset_hash, and if unreadable */
};

struct insp_dataset {
    char *root;                       /* owned; absolute, without links */
    size_t count;                     /* 0..INSP_DATASET_IMAGES_MAX */
    struct insp_dataset_item *item;   /* [count], owned; sorted by path, which fixes the order of every split */
    size_t stratum_count;             /* 1..INSP_DATASET_STRATA_MAX */
    char (*stratum)[INSP_NAME_BYTES]; /* [stratum_count], owned; "good", then the defect types sorted by name */
    size_t *stratum_size;             /* [stratum_count], owned; images per stratum */
    size_t ignored;                   /* entries that were passed over, without hidden ones */
    struct insp_scan scan;            /* what was read and what was passed over */
    char *cameras;                    /* owned; holds the names of the items' cameras; NULL: none */
};

/* Lists the dataset in the folder `root`; insp_dataset_free releases *ret. Errors:
 *   INSP_E_DATASET    no folder, no good images, no defect images, too many images or defect types, or a class
 *                     folder whose name is too long; the detail of the first three shows the layout
 *   INSP_E_FORBIDDEN  a link leads out of the dataset; the detail names it
 *   INSP_E_NOMEM, errno codes */
int insp_dataset_open(const char *root, struct insp_dataset **ret, struct insp_error *reterr);
/* Lists a dataset as insp_dataset_open does, but accepts one without good or without defect images. */
int insp_dataset_list(const char *root, struct insp_dataset **ret, struct insp_error *reterr);
void insp_dataset_free(struct insp_dataset *dataset); /* accepts NULL */

/* Hashes every image and fills the item's sha256 and the scan's counts of duplicates.
 *   progress         may be NULL; receives a step per file and is asked for cancellation before each
 *   skip_unreadable  true: an unreadable file keeps "" and is left out of the digest; false: it fails the call
 *   ret_digest       INSP_SHA256_HEX_BYTES bytes: the hash of the sorted lines "sha256 stratum\n". It depends on
 *                    the images and their classes, not on file names, nor on masks and boxes:
 *                    core/train/tiles/tile_samples.h hashes the labels that follow from these.
 * Errors: INSP_E_CANCELLED, INSP_E_NOMEM, errno codes with the file's name. */
int insp_dataset_hash(struct insp_dataset *dataset, const struct insp_progress *progress, bool skip_unreadable,
                      char *ret_digest, struct insp_error *reterr);

/* Returns true if the extension is png, jpg or jpeg, in any case. */
bool insp_dataset_image_name(const char *name);

/* Returns {stratum: images} as a new reference, or NULL without memory. */
json_t *insp_dataset_counts_json(const struct insp_dataset *dataset);

DEFINE_CLEANUP(struct insp_dataset, insp_dataset_free);
#endif
