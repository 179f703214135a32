/* core/image/transform.h - convert RGB pixels to the network's input. */
#ifndef INSP_IMAGE_TRANSFORM_H
#define INSP_IMAGE_TRANSFORM_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Describes the network's input: (pixel * scale - mean) / std, per channel. */
struct insp_transform {
    unsigned width, height; /* 224 x 224 */
    bool bgr;               /* channel order of the input, mean and std: false rgb, true bgr */
    float scale, mean[3], std[3];
};

/* Returns the notebook's transform: 224x224, rgb, scale 1/255, mean 0, std 1. */
struct insp_transform insp_transform_default(void);

/* Looks a transform up by name: "notebook", the default, or "imagenet", scale 1/255 with ImageNet's mean and
 * standard deviation as torchvision documents them for its weights. Returns false, and writes nothing, for any
 * other name. */
bool insp_transform_named(const char *name, struct insp_transform *ret);
/* Returns the name of a transform, "custom" if it has none. */
const char *insp_transform_name(const struct insp_transform *transform);
/* Says whether two transforms give the same input. */
bool insp_transform_equal(const struct insp_transform *a, const struct insp_transform *b);

/* Converts interleaved RGB8 [height,width,3] to float32 [3,height,width]; width and height are those of the
 * transform. Never fails; any thread. */
void insp_transform_apply(const struct insp_transform *transform, const uint8_t *rgb, float *ret_chw);

/* Do the same in parts, so that threads can share an image: first compute the table of all values, [channel in
 * `channel order`][pixel], then transform the pixels from..to of the image, 0 <= from <= to <= width * height. */
void insp_transform_tabulate(const struct insp_transform *transform, float table[3][256]);
void insp_transform_part(const struct insp_transform *transform, const float (*table)[256], const uint8_t *rgb,
                         size_t from, size_t to, float *ret_chw);

#ifdef __cplusplus
}
#endif

#endif
