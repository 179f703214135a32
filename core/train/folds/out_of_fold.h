/* core/train/folds/out_of_fold.h - score images by tails that have not seen them, to choose a threshold by.
 * Internal to core/train. The job's thread. */
#ifndef INSP_TRAIN_FOLDS_OUT_OF_FOLD_H
#define INSP_TRAIN_FOLDS_OUT_OF_FOLD_H

#include "core/train/train_data.h"

/* Divides the members into two halves, stratified by defect type, and scores each half by a tail that is trained
 * on the other one, with the recipe of the training. Together this costs about the time of one training on all of
 * them.
 *   member           [count]
 *   progress         may be NULL; asked for cancellation before each mini-batch
 *   ret_probability  [count], of an anomaly
 * Fails with INSP_E_DATASET, and then nothing was trained (too few images of a class, or for a mini-batch), and
 * with the errors of insp_fit and insp_train_data_score. */
int insp_out_of_fold(const struct insp_train_context *context, const struct insp_train_params *params,
                     const struct insp_train_data *data, const size_t *member, size_t count,
                     const struct insp_progress *progress, float *ret_probability, struct insp_error *reterr);

#endif
