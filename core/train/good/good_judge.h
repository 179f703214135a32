/* core/train/good/good_judge.h - score the images of a set by a fitted good-only model as if it had seen none of
 * them: good images out of fold, defects by the whole model, which has never seen one. Internal to core/train. The
 * job's thread; blocks on the disk and the device. */
#ifndef INSP_TRAIN_GOOD_GOOD_JUDGE_H
#define INSP_TRAIN_GOOD_GOOD_JUDGE_H

#include "core/train/good/good_model.h"
#include "core/train/good/score_files.h"

/* All pointers are owned. */
struct insp_good_judged {
    size_t *member; /* [count], readable images; indices of the set */
    size_t count;
    float *score; /* [count] */
    float *map;   /* [count,14,14], heat by the model's scale */
};
void insp_good_judged_clear(struct insp_good_judged *judged); /* accepts a zeroed one */

/* Scores members of data->set; counts those that do not decode, if params->skip_unreadable is set, as skipped.
 *   member    [count]; those that are not readable are missing in the result
 *   manifest  of the model: input, good_only and heatmap are used
 *   progress  may be NULL; asked for cancellation before each image
 * Fails with INSP_E_CANCELLED, INSP_E_NOMEM and the errors of insp_score_files. */
int insp_good_judge_members(const struct insp_train_context *context, const struct insp_train_params *params,
                            const struct insp_good_model *model, struct insp_manifest *manifest,
                            struct insp_train_data *data, const size_t *member, size_t count,
                            const struct insp_progress *progress, struct insp_good_judged *ret,
                            struct insp_error *reterr);
/* Scores all members. */
int insp_good_judge(const struct insp_train_context *context, const struct insp_train_params *params,
                    const struct insp_good_model *model, struct insp_manifest *manifest,
                    struct insp_train_data *data, const struct insp_progress *progress,
                    struct insp_good_judged *ret, struct insp_error *reterr);

#endif
