/* core/dataset/mask_file.h - which file marks the defects of an image: <set>/ground_truth/<class
 * folder>/<name>_mask.png or, where there is none, <name>.png belongs to <set>/test/<class folder>/<name>.* . */
#ifndef INSP_DATASET_MASK_FILE_H
#define INSP_DATASET_MASK_FILE_H

#include "core/dataset/dataset.h"

/* The mask's file, links resolved. *ret_path (INSP_PATH_BYTES) is "" where the image has none: a good one, or one
 * that is not below test. *ret_same_name (may be NULL): it is named as the image. INSP_E_FORBIDDEN for a link that
 * leaves the set; errno codes. Blocks on the disk; any thread. */
int insp_mask_find(const struct insp_dataset *dataset, const struct insp_dataset_item *item, char *ret_path,
                   bool *ret_same_name, struct insp_error *reterr);

/* Counts the set's masks into dataset->scan. Blocks on the disk. */
void insp_mask_count(struct insp_dataset *dataset);

#endif
