/* core/train/golden_pick.h - the golden samples of a new model (core/model/golden.h). Internal to core/train; the
 * job's thread. */
#ifndef INSP_TRAIN_GOLDEN_PICK_H
#define INSP_TRAIN_GOLDEN_PICK_H

#include "core/model/golden.h"
#include "core/model/weights.h"
#include "core/train/train_data.h"

/* Two good images and two defective ones, of two defect types where there are two, from the members (held out, so
 * that they need not be near 0 and 1), scored by trunk and tail as the daemon will score them: from the decoded
 * file, in full precision, not from the cache. A file that has gone since is passed over with a line in the log.
 * *ret is NULL where no image could be read. INSP_E_NOMEM, INSP_E_DEVICE, INSP_E_MODEL. */
int insp_golden_pick(const struct insp_train_context *context, const struct insp_train_data *data,
                     const struct insp_transform *input, const size_t *member, size_t count,
                     const struct insp_tail_buffers *tail, struct insp_golden **ret, struct insp_error *reterr);

#endif
