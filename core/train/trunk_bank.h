/* core/train/trunk_bank.h - builds the filter-bank trunk (core/model/filter_bank.h) from image files. Blocks on
 * the disk and computes for about 0.1 s per image; any thread. */
#ifndef INSP_TRAIN_TRUNK_BANK_H
#define INSP_TRAIN_TRUNK_BANK_H

#include "core/base/progress.h"
#include "core/image/image.h"
#include "core/image/transform.h"
#include "core/model/weights.h"

enum { INSP_BANK_IMAGES = 32 }; /* enough to calibrate it */

/* Builds the trunk from files.
 *   path      [count], count >= 1
 *   input     transform of the later trainings
 *   progress  stage "calibrating on N images" with a step per image and pass; may be NULL
 *   ret       the caller's
 * Fails with INSP_E_CANCELLED (between two images read), INSP_E_NOMEM, and as insp_load_image does. */
int insp_trunk_bank(char *const *path, size_t count, const struct insp_transform *input,
                    const struct insp_image_limits *limits, const struct insp_progress *progress,
                    struct insp_trunk_arrays **ret, struct insp_error *reterr);

/* Builds it from at most INSP_BANK_IMAGES good images of a dataset, evenly spaced, installs it in the state folder
 * and makes it the default for new trainings.
 *   ret_sha256  INSP_SHA256_HEX_BYTES bytes
 * Fails also with INSP_E_DATASET (no good images) and as insp_dataset_list and insp_trunk_install do. */
int insp_trunk_bank_install(const char *state_dir, const char *dataset, const struct insp_transform *input,
                            const struct insp_image_limits *limits, const struct insp_progress *progress,
                            char *ret_sha256, struct insp_error *reterr);

#endif
