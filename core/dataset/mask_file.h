/* core/dataset/mask_file.h - finds the files that mark the defects of an image. The mask of
 * <set>/test/<class folder>/<name>.* is <set>/ground_truth/<class folder>/<name>_mask.png or, failing that,
 * <set>/ground_truth/<class folder>/<name>.png. Functions block on the disk. Any thread; one thread per dataset.
 */
#ifndef INSP_DATASET_MASK_FILE_H
#define INSP_DATASET_MASK_FILE_H

#include "core/dataset/dataset.h"

/* The ends of the names of these files; the first mask found counts. */
#define INSP_MASK_ENDS "_mask.png", ".png"
#define INSP_BOX_END ".txt"

/* Says whether an image can have a mask or boxes: it is defective and below test. Pure. */
bool insp_mask_may_have(const struct insp_dataset *dataset, const struct insp_dataset_item *item);

/* Finds the mask of an image.
 *   ret_path       INSP_PATH_BYTES bytes: the file with its links resolved; "" if the image is good, is not below
 *                  test, or has no mask
 *   ret_same_name  may be NULL; true if the mask has the image's name without "_mask". Set only if there is a
 *                  mask.
 * Errors: INSP_E_FORBIDDEN (a link leads out of the dataset), errno codes. */
int insp_mask_find(const struct insp_dataset *dataset, const struct insp_dataset_item *item, char *ret_path,
                   bool *ret_same_name, struct insp_error *reterr);

/* Finds the file with the boxes around the defects of an image, <set>/ground_truth/<class folder>/<name>.txt. As
 * above; "" if there is none. */
int insp_box_find(const struct insp_dataset *dataset, const struct insp_dataset_item *item, char *ret_path,
                  struct insp_error *reterr);

/* Counts the dataset's masks and files with boxes into dataset->scan: defective, masked, masked_by_name, boxed and
 * unused_marks. Call it once per listing. A file that cannot be followed counts as missing; reading it later
 * reports the error. */
void insp_mask_count(struct insp_dataset *dataset);

#endif
