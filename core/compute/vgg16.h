/* core/compute/vgg16.h - define the network's shape, in this one place.
 *
 * VGG16 `features` (Simonyan & Zisserman 2015, torchvision's numbering) cut after the fourth pool:
 *   trunk  features[0..23]: ten 3x3 convolutions in four blocks, each block ends in a 2x2 max-pool;
 *          [n,3,224,224] -> [n,512,14,14]; frozen, the same for all products
 *   tail   features[24..29]: three 3x3 convolutions 512 -> 512, ReLU, no pool; trained per product
 *   head   max-pool 2x2 -> [n,512,7,7], mean over 7x7, linear 512 -> 2, softmax; class 0 good, 1 anomaly
 *   map    class activation map: sum over k of W[anomaly,k] * relu5_3[k], [n,14,14], no bias
 *   taps   outputs of the trunk's first three pools, each mean-pooled to 28x28, channels last: [n,28,28,448],
 *          64 channels of pool 1, 128 of pool 2, 256 of pool 3
 * All weights are float32, convolutions OIHW, as in PyTorch. Padding 1, stride 1 throughout. */
#ifndef INSP_COMPUTE_VGG16_H
#define INSP_COMPUTE_VGG16_H

#include <stddef.h>
#include <stdint.h>

enum {
    INSP_INPUT_SIDE = 224,
    INSP_INPUT_FLOATS = 3 * 224 * 224,
    INSP_TRUNK_CONVS = 10,
    INSP_TAIL_CONVS = 3,
    INSP_CHANNELS = 512, /* of the trunk's output and of the tail */
    INSP_MAP_SIDE = 14,
    INSP_MAP_FLOATS = 14 * 14,
    INSP_FEATURE_FLOATS = 512 * 14 * 14,
    INSP_TAPS = 3,
    INSP_TAP_SIDE = 28,
    INSP_TAP_CELLS = 28 * 28,
    INSP_TAP_CHANNELS = 64 + 128 + 256,
    INSP_TAP_FLOATS = 28 * 28 * 448,
    INSP_CLASSES = 2,
    INSP_CLASS_GOOD = 0,
    INSP_CLASS_ANOMALY = 1,
};

struct insp_conv_shape {
    int index;      /* N of torchvision's features.N */
    int in, out;    /* channels */
    int side;       /* height and width of input and output */
    int pool_after; /* 1: a 2x2 max-pool follows the ReLU */
};

static const struct insp_conv_shape insp_trunk_shape[INSP_TRUNK_CONVS] = {
    {0, 3, 64, 224, 0},    {2, 64, 64, 224, 1},   {5, 64, 128, 112, 0},  {7, 128, 128, 112, 1},
    {10, 128, 256, 56, 0}, {12, 256, 256, 56, 0}, {14, 256, 256, 56, 1}, {17, 256, 512, 28, 0},
    {19, 512, 512, 28, 0}, {21, 512, 512, 28, 1},
};

static const struct insp_conv_shape insp_tail_shape[INSP_TAIL_CONVS] = {
    {24, 512, 512, 14, 0}, {26, 512, 512, 14, 0}, {28, 512, 512, 14, 0}};

/* View weights without owning them; the memory stays that of the struct behind the view (insp_trunk_arrays or
 * insp_tail_buffers of core/model/weights.h, usually). */
struct insp_conv_weights {
    const float *weight; /* [out,in,3,3] */
    const float *bias;   /* [out] */
};

struct insp_trunk_weights {
    struct insp_conv_weights conv[INSP_TRUNK_CONVS];
};

struct insp_tail_weights {
    struct insp_conv_weights conv[INSP_TAIL_CONVS];
    const float *classifier_weight; /* [2,512] */
    const float *classifier_bias;   /* [2] */
};

#endif
