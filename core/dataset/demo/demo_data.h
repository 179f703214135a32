/* core/dataset/demo/demo_data.h - procedural woven texture in MVTec AD layout, with the defects hole, thread and
 * stain and their masks, for first runs and tests. Deterministic in (index, seed). */
#ifndef INSP_DATASET_DEMO_DEMO_DATA_H
#define INSP_DATASET_DEMO_DEMO_DATA_H

#include "core/base/error.h"
#include "core/dataset/demo/demo_defects.h"
#include "core/image/image.h"

#include <stddef.h>
#include <stdint.h>

/* Draws one RGB image of side x side; ret_mask (may be NULL) is side*side bytes, 0 or 255, the caller's memory. */
int insp_demo_image(enum insp_demo_defect defect, size_t index, uint64_t seed, uint32_t side,
                    struct insp_image **ret, uint8_t *ret_mask, struct insp_error *reterr);

/* Writes a set of `images` images (>= 20): half of them train/good, the rest test/good and the three defects, with
 * masks. An existing non-empty folder is INSP_E_CONFLICT. progress(done, total) may be NULL. */
int insp_demo_data(const char *folder, size_t images, uint64_t seed,
                   void (*progress)(void *arg, size_t done, size_t total), void *arg, struct insp_error *reterr);

#endif
