#include "core/train/candidates/tail_history.h"

enum { ARRAYS = 2 * INSP_TAIL_CONVS + 2 };

/* Lists the arrays of a tail and their sizes. */
static void arrays_of(const struct insp_tail_buffers *tail, float *ret[ARRAYS], size_t ret_floats[ARRAYS]) {
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++) {
        ret[2 * i] = tail->conv_weight[i];
        ret_floats[2 * i] = (size_t)INSP_CHANNELS * INSP_CHANNELS * 9;
        ret[2 * i + 1] = tail->conv_bias[i];
        ret_floats[2 * i + 1] = INSP_CHANNELS;
    }
    ret[ARRAYS - 2] = tail->classifier_weight;
    ret_floats[ARRAYS - 2] = (size_t)INSP_CLASSES * INSP_CHANNELS;
    ret[ARRAYS - 1] = tail->classifier_bias;
    ret_floats[ARRAYS - 1] = INSP_CLASSES;
}

void insp_tail_history_clear(struct insp_tail_history *history) {
    for (size_t i = 0; i < INSP_TAIL_HISTORY; i++)
        insp_tail_buffers_free(history->kept[i]);
    *history = (struct insp_tail_history){0};
}

int insp_tail_history_add(struct insp_tail_history *history, struct insp_trainer *trainer,
                          struct insp_error *reterr) {
    struct insp_tail_buffers **kept = &history->kept[history->epochs % INSP_TAIL_HISTORY];
    if (!*kept)
        *kept = insp_tail_buffers_new();
    if (!*kept)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the weights of an epoch");
    int r = insp_trainer_export(trainer, *kept, reterr);
    history->epochs += r == 0;
    return r;
}

struct insp_tail_buffers *insp_tail_history_mean(struct insp_tail_history *history) {
    const size_t count = INSP_TAIL_HISTORY;
    float *to[ARRAYS], *from[ARRAYS];
    size_t floats[ARRAYS];
    struct insp_tail_buffers *mean = NULL;
    if (history->epochs >= INSP_TAIL_AVERAGE_EPOCHS) {
        arrays_of(history->kept[0], to, floats);
        for (size_t k = 1; k < count; k++) {
            arrays_of(history->kept[k], from, floats);
            for (size_t a = 0; a < ARRAYS; a++)
                for (size_t i = 0; i < floats[a]; i++)
                    to[a][i] += from[a][i];
        }
        for (size_t a = 0; a < ARRAYS; a++)
            for (size_t i = 0; i < floats[a]; i++)
                to[a][i] /= (float)count;
        mean = history->kept[0];
        history->kept[0] = NULL;
    }
    insp_tail_history_clear(history);
    return mean;
}
