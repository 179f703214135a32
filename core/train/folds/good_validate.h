/* core/train/folds/good_validate.h - cross-validate a good-only model: by itself, or beside the tails of a
 * cross-validation. Internal to core/train. The job's thread; blocks on the disk and the device. */
#ifndef INSP_TRAIN_FOLDS_GOOD_VALIDATE_H
#define INSP_TRAIN_FOLDS_GOOD_VALIDATE_H

#include "core/train/train_data.h"

/* Cross-validates with mode good_only (train.h). params->folds: the parts that the limits are chosen without
 * (good_opinions.h). */
int insp_good_validate(const struct insp_train_context *context, const struct insp_train_params *params,
                       json_t **ret_report, struct insp_error *reterr);

/* Adds the opinion of a good-only model beside the tail: *ret is {"served", "good_only"} for the report, a new
 * reference, or NULL if the set has too few good images for one, which is logged.
 *   probability  [data->set.count], each by a tail that was not trained on the image */
int insp_good_validate_beside(const struct insp_train_context *context, const struct insp_train_params *params,
                              struct insp_train_data *data, const float *probability,
                              const struct insp_progress *progress, json_t **ret, struct insp_error *reterr);

#endif
