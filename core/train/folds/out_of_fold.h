/* core/train/folds/out_of_fold.h - score images by tails that have not seen them, to choose a threshold by.
 * Internal to core/train. The job's thread. */
#ifndef INSP_TRAIN_FOLDS_OUT_OF_FOLD_H
#define INSP_TRAIN_FOLDS_OUT_OF_FOLD_H

#include "core/judge/candidates.h"
#include "core/train/train_data.h"

/* Divides the members into two halves, stratified by defect type, and scores each half by models that are trained
 * on the other one, with the recipe of the training, but for fewer mini-batches: so many that they and the scores
 * cost INSP_OUT_OF_FOLD_COST of a training of so many epochs, the same number on every machine, but two epochs of
 * the half at least. With tiles, whose scores alone cost more than that, the mini-batches are those of all epochs.
 *   member      [count]
 *   epochs      that the training took; 0: those of params
 *   candidates  scores by all candidates (core/judge/candidates.h), else by the tail alone
 *   progress    may be NULL; asked for cancellation before each mini-batch
 *   ret         the scores of all members; insp_candidate_scores_clear releases them
 *   ret_half    [count], 0 or 1
 * Fails with INSP_E_DATASET, and then nothing was trained (too few images of a class, or for a mini-batch; params
 * with one epoch), and with the errors of insp_fit and insp_train_data_score. */
#define INSP_OUT_OF_FOLD_COST 0.9
int insp_out_of_fold(const struct insp_train_context *context, const struct insp_train_params *params,
                     const struct insp_train_data *data, const size_t *member, size_t count, unsigned epochs,
                     bool candidates, const struct insp_progress *progress, struct insp_candidate_scores *ret,
                     size_t *ret_half, struct insp_error *reterr);

#endif
