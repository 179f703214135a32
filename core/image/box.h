/* core/image/box.h - describe a rectangle of a posted image in which heat exceeds the threshold. */
#ifndef INSP_IMAGE_BOX_H
#define INSP_IMAGE_BOX_H

#include <stdint.h>

struct insp_box {
    uint32_t x, y, width, height; /* pixels of the posted image */
    float max;                    /* largest heat inside, 0..1 */
};

/* Bounds the boxes of one image. Hot neighbours in a row or column of the 14x14 map belong to one region, so
 * the most separate regions form a checkerboard. (A ridge thinner than one pixel may split into several
 * regions, and the maps of tiles hold more; only the largest are kept.) */
enum { INSP_BOXES_MAX = 14 * 14 / 2 };

#endif
