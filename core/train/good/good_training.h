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

/* Extends the active version by the inspections that people labelled good (context->feedback) and by the good
 * images of context->dataset_root, unless that is NULL: adds those that its good-only model has not seen, exactly,
 * without the old images, and writes a new version with the same tail. It is activated unless params->activate is
 * never. Of params also skip_unreadable is used. The report: {"kind": "train", "mode": "add_good", "product",
 * "version", "activated", "reason", "base": the version that was extended, "good_only": {"images", "added",
 * "known", "unreadable", "max_rejected", "alpha", "more_needed", "threshold", "threshold_before", "unlike"}}.
 * Fails with INSP_E_CONFLICT (no active version, or one without sums), INSP_E_DATASET (nothing to add), and as
 * insp_model_read, insp_read_rgb, insp_good_fit and insp_bundle_write_parts do. */
int insp_train_add_good(const struct insp_train_context *context, const struct insp_train_params *params,
                        json_t **ret_report, struct insp_error *reterr);

/* Trains a tail. beside: fits a good-only model to all good images too, which the version keeps beside the tail;
 * if there are too few good images for that, the log says so and the tail stands alone. Report and errors:
 * train.h. */
int insp_train_supervised(const struct insp_train_context *context, const struct insp_train_params *params,
                          bool beside, json_t **ret_report, struct insp_error *reterr);

#endif
