#include "core/compute/train_head.h"
#include "core/compute/team.h"

#include <math.h>
#include <string.h>

enum {
    CHANNELS = INSP_CHANNELS,
    WINDOWS = INSP_MAP_FLOATS / 4, /* of the head's pool */
};

/* Returns the first largest value of a 2x2 window, as PyTorch's max_pool2d picks it. */
static size_t window_best(const float *window) {
    static const size_t at[4] = {0, INSP_BLOCK, INSP_TAIL_ROW_FLOATS, INSP_TAIL_ROW_FLOATS + INSP_BLOCK};
    size_t best = 0;
    for (size_t i = 1; i < 4; i++)
        if (window[at[i]] > window[best] || isnan(window[at[i]]))
            best = at[i];
    return best;
}

static const float *window_of(const float *image, size_t channel, size_t i) {
    return image + channel / INSP_BLOCK * INSP_TAIL_PLANE_FLOATS + (i / 7 * 2 + 1) * INSP_TAIL_ROW_FLOATS +
           (i % 7 * 2 + 1) * INSP_BLOCK + channel % INSP_BLOCK;
}

static void pool(const float *image, float *ret_mean) {
    for (size_t c = 0; c < CHANNELS; c++) {
        float sum = 0;
        for (size_t i = 0; i < WINDOWS; i++) {
            const float *window = window_of(image, c, i);
            sum += window[window_best(window)];
        }
        ret_mean[c] = sum / WINDOWS;
    }
}

/* Computes the gradient at the input of the last ReLU from the gradient of the logits. */
static void unpool(const struct insp_cpu_tail *tail, const float *image, const double *dlogit, float *ret_dy) {
    memset(ret_dy, 0, INSP_TAIL_IMAGE_FLOATS * sizeof *ret_dy);
    for (size_t c = 0; c < CHANNELS; c++) {
        double d = 0;
        for (size_t k = 0; k < INSP_CLASSES; k++)
            d += dlogit[k] * (double)tail->classifier_weight[k][c];
        for (size_t i = 0; i < WINDOWS; i++) {
            const float *window = window_of(image, c, i);
            size_t best = window_best(window);
            if (window[best] > 0)
                ret_dy[window - image + (ptrdiff_t)best] = (float)(d / WINDOWS);
        }
    }
}

/* Adds the weighted cross-entropy of one image to the result and computes the gradient of its logits. share:
 * its class weight over the sum of those of the batch. */
static void head_loss(const struct insp_cpu_tail *tail, const float *mean, unsigned label, double share,
                      struct insp_head_result *result, double *ret_dlogit) {
    double logit[INSP_CLASSES], norm = 0;
    for (size_t k = 0; k < INSP_CLASSES; k++) {
        logit[k] = (double)tail->classifier_bias[k];
        for (size_t c = 0; c < CHANNELS; c++)
            logit[k] += (double)tail->classifier_weight[k][c] * (double)mean[c];
    }
    double top = fmax(logit[0], logit[1]);
    for (size_t k = 0; k < INSP_CLASSES; k++)
        norm += exp(logit[k] - top);
    result->loss += share * (top + log(norm) - logit[label]);
    result->correct += (logit[INSP_CLASS_ANOMALY] > logit[INSP_CLASS_GOOD]) == (label == INSP_CLASS_ANOMALY);
    for (size_t k = 0; k < INSP_CLASSES; k++) {
        ret_dlogit[k] = share * (exp(logit[k] - top) / norm - (k == label));
        result->dbias[k] += ret_dlogit[k];
        for (size_t c = 0; c < CHANNELS; c++)
            result->dweight[k][c] += ret_dlogit[k] * (double)mean[c];
    }
}

/* A batch with its scratch memory. */
struct steps {
    const struct insp_head_batch *batch;
    float *means;
    double (*dlogit)[INSP_CLASSES];
};

static void pool_step(void *arg, size_t i, unsigned thread) {
    const struct steps *s = arg;
    (void)thread;
    pool(s->batch->deep + i * INSP_TAIL_IMAGE_FLOATS, s->means + i * CHANNELS);
}

static void unpool_step(void *arg, size_t i, unsigned thread) {
    const struct steps *s = arg;
    (void)thread;
    unpool(s->batch->tail, s->batch->deep + i * INSP_TAIL_IMAGE_FLOATS, s->dlogit[i],
           s->batch->dy + i * INSP_TAIL_IMAGE_FLOATS);
}

void insp_train_head(const struct insp_head_batch *batch, float *scratch, struct insp_head_result *result) {
    struct steps s = {batch, scratch, (void *)(scratch + batch->n * CHANNELS)};
    insp_team_run(batch->threads, batch->n, 1, pool_step, &s);
    for (size_t i = 0; i < batch->n; i++)
        head_loss(batch->tail, s.means + i * CHANNELS, batch->labels[i],
                  (double)batch->class_weights[batch->labels[i]] / batch->weight_sum, result, s.dlogit[i]);
    insp_team_run(batch->threads, batch->n, 1, unpool_step, &s);
}
