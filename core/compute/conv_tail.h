/* core/compute/conv_tail.h - define the tail of conv_cpu.h for train_cpu.c, which changes its weights step by
 * step. */
#ifndef INSP_COMPUTE_CONV_TAIL_H
#define INSP_COMPUTE_CONV_TAIL_H

#include "core/compute/conv_layer.h"
#include "core/compute/vgg16.h"

/* Sizes of the tail's activations. */
enum {
    INSP_TAIL_ROW_FLOATS = (INSP_MAP_SIDE + 2) * INSP_BLOCK, /* a row of 16 channels, with its border */
    INSP_TAIL_PLANE_FLOATS = (INSP_MAP_SIDE + 2) * INSP_TAIL_ROW_FLOATS, /* 16 channels */
    INSP_TAIL_IMAGE_FLOATS = INSP_CHANNELS / INSP_BLOCK * INSP_TAIL_PLANE_FLOATS,
};

struct insp_cpu_tail {
    struct insp_conv_layer layer[INSP_TAIL_CONVS];
    float classifier_weight[INSP_CLASSES][INSP_CHANNELS], classifier_bias[INSP_CLASSES];
};

#endif
