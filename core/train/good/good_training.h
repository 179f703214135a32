/* core/train/good/good_training.h - train versions with a good-only model. Internal to core/train; insp_train
 * chooses among these. Both block for minutes; the job's thread. */
#ifndef INSP_TRAIN_GOOD_GOOD_TRAINING_H
#define INSP_TRAIN_GOOD_GOOD_TRAINING_H

#include "core/train/train.h"

/* Fits a good-only model to the good images (good_model.h) and writes it as a version without a tail, which
 * decides by it. Good images are judged out of fold, defects, if there are any, by the whole model, which has
 * never seen one. Report and errors: train.h, and the errors of insp_good_model_fit. */
int insp_train_good_only(const struct insp_train_context *context, const struct insp_train_params *params,
                         json_t **ret_report, struct insp_error *reterr);

/* Trains a tail. beside: fits a good-only model to all good images too, which the version keeps beside the tail;
 * if there are too few good images for that, the log says so and the tail stands alone. Report and errors:
 * train.h. */
int insp_train_supervised(const struct insp_train_context *context, const struct insp_train_params *params,
                          bool beside, json_t **ret_report, struct insp_error *reterr);

#endif
