/* core/dataset/members.h - lists the images of a dataset that take part in a job, that is, all readable ones. */
#ifndef INSP_DATASET_MEMBERS_H
#define INSP_DATASET_MEMBERS_H

#include "core/dataset/dataset.h"

/* Member m is dataset->item[item[m]]. The embedding struct (insp_train_data) owns the dataset and the arrays. */
struct insp_members {
    struct insp_dataset *dataset;
    char digest[INSP_SHA256_HEX_BYTES]; /* of all readable images, from insp_dataset_hash */
    size_t count;
    size_t *item;   /* [count], index into dataset->item */
    size_t *strata; /* [count], the item's stratum */
    uint8_t *label; /* [count], enum insp_class */
    size_t skipped; /* unreadable images */
};

#endif
