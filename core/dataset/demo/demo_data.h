/* core/dataset/demo/demo_data.h - draws a demo dataset for first runs and tests: a woven texture in MVTec AD
 * layout with the defects hole, thread and stain and their masks. Deterministic: the same defect, index, seed and
 * size give the same pixels. Any thread. */
#ifndef INSP_DATASET_DEMO_DEMO_DATA_H
#define INSP_DATASET_DEMO_DEMO_DATA_H

#include "core/base/error.h"
#include "core/dataset/demo/demo_defects.h"
#include "core/image/image.h"

#include <stddef.h>
#include <stdint.h>

/* Draws one image.
 *   side      width and height in pixels
 *   ret       RGB8; insp_image_free releases it
 *   ret_mask  uint8 [side, side], 255 inside the defect, else 0; the caller's memory, may be NULL
 * Errors: INSP_E_NOMEM. */
int insp_demo_image(enum insp_demo_defect defect, size_t index, uint64_t seed, uint32_t side,
                    struct insp_image **ret, uint8_t *ret_mask, struct insp_error *reterr);

/* Writes a dataset of 256 x 256 PNG files: half of the images in train/good, the rest shared evenly among
 * test/good and the three defects, with masks. Removes what it wrote if it fails. Blocks on the disk.
 *   folder    missing or empty
 *   images    20..100000
 *   progress  called after each image; may be NULL
 * Errors: INSP_E_PARAMETER (images), INSP_E_CONFLICT (the folder is not empty), INSP_E_NOMEM, errno codes. */
int insp_demo_data(const char *folder, size_t images, uint64_t seed,
                   void (*progress)(void *arg, size_t done, size_t total), void *arg, struct insp_error *reterr);

#endif
