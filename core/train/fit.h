/* core/train/fit.h - the training loop: the notebook's recipe on cached features (DESIGN section 2). Internal to
 * core/train. One thread, the job's. */
#ifndef INSP_TRAIN_FIT_H
#define INSP_TRAIN_FIT_H

#include "core/train/train_data.h"

struct insp_fit_config {
    struct insp_device *device; /* borrowed */
    const struct insp_train_params *params;
    const struct insp_train_data *data;
    const size_t *member; /* [count] who is trained on */
    size_t count;
    bool stop_early; /* at params->target_accuracy */
    size_t fold;     /* 1-based, told with progress; 0 outside cross-validation. Also varies the seed. */
};

/* Trains a fresh tail: each epoch shuffles, takes whole mini-batches and drops the rest; its running accuracy
 * counts each image by the parameters of the moment it was seen with, as the notebook does. ret_trainer the
 * trained tail, the caller's ret_curve   [{"epoch","loss","accuracy","seconds"}], new reference The same seed on
 * the same device and threads gives the same parameters bit for bit (CUDA: where the device was opened
 * deterministic). INSP_E_DATASET where there is not one whole mini-batch; INSP_E_CANCELLED; INSP_E_MODEL where the
 * loss is no longer finite (learning rate too high). */
int insp_fit(const struct insp_fit_config *config, const struct insp_progress *progress,
             struct insp_trainer **ret_trainer, json_t **ret_curve, struct insp_error *reterr);

#endif
