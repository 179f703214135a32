/* core/train/candidates/tail_history.h - keep the weights of a tail after its last epochs, for their mean
 * (Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization"). Internal to
 * core/train. The job's thread. */
#ifndef INSP_TRAIN_CANDIDATES_TAIL_HISTORY_H
#define INSP_TRAIN_CANDIDATES_TAIL_HISTORY_H

#include "core/model/weights.h"

enum {
    INSP_TAIL_HISTORY = 3,
    /* The mean of fewer epochs would contain the first one, after which a tail has hardly learnt. */
    INSP_TAIL_AVERAGE_EPOCHS = INSP_TAIL_HISTORY + 1,
};

/* A zeroed one is empty. Each of the weights takes 28 MB. */
struct insp_tail_history {
    struct insp_tail_buffers *kept[INSP_TAIL_HISTORY]; /* owned */
    size_t epochs;                                     /* all that were added */
};
void insp_tail_history_clear(struct insp_tail_history *history);

/* Adds the trainer's weights at the end of an epoch, in place of the oldest of INSP_TAIL_HISTORY. Fails with
 * INSP_E_NOMEM and as insp_trainer_export does. */
int insp_tail_history_add(struct insp_tail_history *history, struct insp_trainer *trainer,
                          struct insp_error *reterr);

/* Returns the mean of the weights that are kept, the caller's (insp_tail_buffers_free), and empties the history.
 * Returns NULL after fewer than INSP_TAIL_AVERAGE_EPOCHS epochs. */
struct insp_tail_buffers *insp_tail_history_mean(struct insp_tail_history *history);

#endif
