/* core/image/transform.h - RGB pixels to the network's input. */
#ifndef INSP_IMAGE_TRANSFORM_H
#define INSP_IMAGE_TRANSFORM_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The network sees (pixel * scale - mean) / std, per channel in `channel order`. The notebook: rgb, 1/255, 0, 1.
 */
struct insp_transform {
    unsigned width, height; /* 224 x 224 */
    bool bgr;               /* channel order: false rgb, true bgr; mean and std are in this order */
    float scale, mean[3], std[3];
};

/* The notebook's: 224x224, rgb, 1/255, mean 0, std 1. */
struct insp_transform insp_transform_default(void);

/* "notebook": the default; "imagenet": 0..1, then ImageNet's mean and deviation, as torchvision documents for its
 * weights. False, and nothing written, where the name is another. */
bool insp_transform_named(const char *name, struct insp_transform *ret);
/* The name again; "custom" for any other. */
const char *insp_transform_name(const struct insp_transform *transform);
bool insp_transform_equal(const struct insp_transform *a, const struct insp_transform *b);

/* Interleaved RGB8 [height,width,3] -> float32 [3,height,width]. Never fails; any thread. */
void insp_transform_apply(const struct insp_transform *transform, const uint8_t *rgb, float *ret_chw);

#endif
