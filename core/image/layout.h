/* core/image/layout.h - describe roughly what a picture shows and how sharp it is, to tell the product from
 * another scene and a picture in focus from a blurred one. Works on the picture at the network's size: a
 * difference that is not seen there cannot change a verdict. Pure functions; any thread. */
#ifndef INSP_IMAGE_LAYOUT_H
#define INSP_IMAGE_LAYOUT_H

#include "core/image/image.h"

enum {
    INSP_LAYOUT_SIDE = 8,  /* cells in a row */
    INSP_LAYOUT_KINDS = 4, /* numbers of a cell: its mean red, green and blue, and its texture */
    INSP_LAYOUT_NUMBERS = INSP_LAYOUT_SIDE * INSP_LAYOUT_SIDE * INSP_LAYOUT_KINDS,
    INSP_LAYOUT_PICTURES_MIN = 20, /* fewer do not say how much good pictures differ */
};

struct insp_layout {
    float number[INSP_LAYOUT_NUMBERS]; /* [8,8,4], each 0..255. Texture: 16 log2(1 + t), where t is the mean of
                                          |difference| to the left neighbour plus that to the upper one */
};
/* Measures a picture of 8x8 pixels or more, in some 0.1 ms. */
void insp_layout_of(const struct insp_image *picture, struct insp_layout *ret);

/* Returns how sharp a picture is, 0 or more: the energy of second differences between neighbours, relative to that
 * of differences over 4 pixels. Brightness and contrast cancel out; blur takes it towards 0, noise raises it. 0
 * for a picture of one level, or one of less than 5x5 pixels; NaN without memory. */
float insp_sharpness_of(const struct insp_image *picture);
/* Returns the same of the pixels that count and have neighbours that count: a resize has mixed the others with
 * pixels that do not. A difference with any other pixel is left out. keep: [height,width], 0 or 1. */
float insp_sharpness_within(const struct insp_image *picture, const uint8_t *keep);

/* Holds the layouts of good training pictures. */
struct insp_layout_range {
    bool known;
    float mean[INSP_LAYOUT_NUMBERS];      /* multiples of 1/256 */
    float deviation[INSP_LAYOUT_NUMBERS]; /* the same; INSP_LAYOUT_DEVIATION_MIN at least */
    float largest;                        /* distance of a training picture from the others; 0 or more */
};
/* Lamps and cameras drift by some levels that few training pictures show. */
#define INSP_LAYOUT_DEVIATION_MIN 8.0F

/* Takes mean and deviation of n layouts, and the largest distance of one of them from all others. Fewer than
 * INSP_LAYOUT_PICTURES_MIN give an unknown range. */
void insp_layout_range_of(const struct insp_layout *layout, size_t n, struct insp_layout_range *ret);

/* Returns the distance: the root of the mean square of (number - mean) / deviation. 0 for an unknown range. */
float insp_layout_distance(const struct insp_layout_range *range, const struct insp_layout *layout);

#endif
