/* core/train/fit.h - trains a tail with the notebook's recipe on cached features. Internal to core/train. One
 * thread, the job's. */
#ifndef INSP_TRAIN_FIT_H
#define INSP_TRAIN_FIT_H

#include "core/model/weights.h"
#include "core/train/candidates/tail_history.h"
#include "core/train/train_data.h"

struct insp_fit_config {
    struct insp_device *device; /* borrowed */
    const struct insp_train_params *params;
    const struct insp_train_data *data;
    const size_t *member; /* [count], members to train on: their samples (tiles/tile_samples.h) */
    size_t count;
    bool stop_early;                   /* stop after an epoch whose accuracy exceeds params->target_accuracy */
    unsigned epochs;                   /* at most; 0: params->epochs */
    size_t steps;                      /* mini-batches at most, also within an epoch; 0: no limit */
    struct insp_tail_history *history; /* receives the weights after each epoch; NULL: not wanted */
    size_t fold; /* 1-based, 0 outside cross-validation; reported with progress and added to the seed */
};

/* Trains a new tail. Each epoch shuffles the samples, trains on whole mini-batches and drops the rest. An epoch's
 * accuracy is a running one, as in the notebook: each image is counted with the parameters before its step. The
 * same seed on devices of equal arithmetic (insp_device_arithmetic) gives the same parameters bit for bit; a CUDA
 * device must be opened with `deterministic` for that.
 *   progress     may be NULL; asked for cancellation before each mini-batch
 *   ret_trainer  the trained tail; insp_trainer_free releases it
 *   ret_curve    [{"epoch","loss","accuracy","seconds"}], a new reference
 * Errors:
 *   INSP_E_PARAMETER  the batch is 0
 *   INSP_E_DATASET    fewer samples than one mini-batch; with tiles also none of a class
 *   INSP_E_MODEL      the loss is not finite (the learning rate is too high), or all features are equal
 *   INSP_E_CANCELLED, INSP_E_NOMEM, INSP_E_DEVICE */
int insp_fit(const struct insp_fit_config *config, const struct insp_progress *progress,
             struct insp_trainer **ret_trainer, json_t **ret_curve, struct insp_error *reterr);

/* A trained tail as the device serves it: exported, and loaded again in the precision in which it scores, so that
 * thresholds are chosen on the scores that are served. ret_buffers, ret_tail: the caller's. INSP_E_NOMEM,
 * INSP_E_DEVICE. */
int insp_fit_serve(struct insp_device *device, struct insp_trainer *trainer,
                   struct insp_tail_buffers **ret_buffers, struct insp_tail **ret_tail, struct insp_error *reterr);

#endif
