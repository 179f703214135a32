/* core/train/dataset.h - a folder in MVTec AD layout:
 *   <set>/train/good/IMAGE  <set>/test/good/IMAGE  <set>/test/<defect>/IMAGE
 * [<set>/ground_truth/<defect>/NAME_mask.png] PNG and JPEG, any size. All images of train and test make one pool
 * (the notebook's way), from which the stratified split takes its held-out part. Blocks on the disk; any thread.
 */
#ifndef INSP_TRAIN_DATASET_H
#define INSP_TRAIN_DATASET_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/model/manifest.h"

#include <stddef.h>
#include <stdint.h>

struct insp_dataset_item {
    char *path;                         /* owned */
    size_t stratum;                     /* index into strata: 0 is "good", then the defect types by name */
    uint8_t label;                      /* INSP_CLASS_GOOD or INSP_CLASS_ANOMALY */
    char sha256[INSP_SHA256_HEX_BYTES]; /* of the file's bytes; "" until insp_dataset_hash */
};

struct insp_dataset {
    char *root; /* owned */
    size_t count;
    struct insp_dataset_item *item; /* sorted by path relative to root: the order of every split */
    size_t stratum_count;
    char (*stratum)[INSP_NAME_BYTES]; /* "good", "hole", ... */
    size_t *stratum_size;
};

/* Lists a set. INSP_E_DATASET says what is missing (no good images, no defect images, layout) and shows the
 * layout. */
int insp_dataset_open(const char *root, struct insp_dataset **ret, struct insp_error *reterr);
void insp_dataset_free(struct insp_dataset *dataset);

/* Fills each item's sha256; *ret_digest (INSP_SHA256_HEX_BYTES) is the hash over the sorted list "sha256
 * stratum\n". */
int insp_dataset_hash(struct insp_dataset *dataset, char *ret_digest, struct insp_error *reterr);

DEFINE_CLEANUP(struct insp_dataset, insp_dataset_free);
#endif
