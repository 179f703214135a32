/* core/dataset/members.h - the images of a dataset that take part in a job: those that could be read. */
#ifndef INSP_DATASET_MEMBERS_H
#define INSP_DATASET_MEMBERS_H

#include "core/dataset/dataset.h"

/* Member m is dataset->item[item[m]]. The arrays are [count]; their owner is whoever embeds the struct. */
struct insp_members {
    struct insp_dataset *dataset;
    char digest[INSP_SHA256_HEX_BYTES]; /* of the whole set */
    size_t count, *item, *strata;
    uint8_t *label; /* enum insp_class */
    size_t skipped; /* images that could not be read */
};

#endif
