/* core/image/box.h - a rectangle in a picture in which something was found. */
#ifndef INSP_IMAGE_BOX_H
#define INSP_IMAGE_BOX_H

#include <stdint.h>

struct insp_box {
    uint32_t x, y, width, height; /* pixels of the posted image */
    float max;                    /* largest heat inside, 0..1 */
};

/* Hot neighbours in a row or column of the 14x14 map are connected by a hot edge, so separate peaks form a
 * checkerboard at most. (A ridge thinner than one pixel may split into several regions; only the largest are
 * kept.) */
enum { INSP_BOXES_MAX = 14 * 14 / 2 };

#endif
