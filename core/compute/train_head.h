/* core/compute/train_head.h - run pool, classifier and loss of a batch forward and backward, for train_cpu.c. Any
 * thread; one at a time per batch. */
#ifndef INSP_COMPUTE_TRAIN_HEAD_H
#define INSP_COMPUTE_TRAIN_HEAD_H

#include "core/compute/conv_tail.h"

#include <stdint.h>

/* All borrowed. */
struct insp_head_batch {
    const struct insp_cpu_tail *tail;
    const float *class_weights; /* [INSP_CLASSES] */
    double weight_sum;          /* of the batch's images, above 0 */
    const uint8_t *labels;      /* [n] */
    size_t n;
    unsigned threads;
    const float *deep; /* activations after the last convolution, [n] images */
    float *dy;         /* output: gradient at the input of its ReLU, like deep */
};

struct insp_head_result {
    double loss;    /* weighted cross-entropy */
    size_t correct; /* images whose class has the larger logit */
    double dweight[INSP_CLASSES][INSP_CHANNELS], dbias[INSP_CLASSES];
};

/* Computes loss and gradients of a batch.
 *   scratch  n * (INSP_CHANNELS + 2 * INSP_CLASSES) floats, 8-byte aligned
 *   result   added to */
void insp_train_head(const struct insp_head_batch *batch, float *scratch, struct insp_head_result *result);

#endif
