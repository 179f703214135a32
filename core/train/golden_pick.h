/* core/train/golden_pick.h - chooses the golden samples of a new model (core/model/golden.h). Internal to
 * core/train. The job's thread; blocks on the disk. */
#ifndef INSP_TRAIN_GOLDEN_PICK_H
#define INSP_TRAIN_GOLDEN_PICK_H

#include "core/model/bundle.h"
#include "core/train/train_data.h"

/* Chooses two good and two defective images, of two defect types if possible, and scores them as the daemon will:
 * from the decoded file, not from the cache, which may hold features rounded to float16. An unreadable file is
 * logged and skipped. With tiles a sample is the worst one of its image (tiles/tile_golden.h).
 *   member  [count], held-out members, so that the probabilities are not all near 0 and 1
 *   manifest  the new model's: input, the field without a camera, tiles and the use of a logistic regression count
 *   parts     tail and logistic regression count
 *   ret     insp_golden_free releases it; NULL if no image could be read
 * Errors: INSP_E_NOMEM, INSP_E_DEVICE, INSP_E_MODEL. */
int insp_golden_pick(const struct insp_train_context *context, const struct insp_train_data *data,
                     struct insp_manifest *manifest, const size_t *member, size_t count,
                     const struct insp_bundle_parts *parts, struct insp_golden **ret, struct insp_error *reterr);

#endif
