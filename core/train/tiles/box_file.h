/* core/train/tiles/box_file.h - read the boxes around the defects of an image, in the text format of YOLO: each
 * line is "class x y width height", the centre and the size of a box as shares of the upright picture; the class,
 * a whole number, is not used. Empty lines count for nothing. Blocks on the disk; any thread. */
#ifndef INSP_TRAIN_TILES_BOX_FILE_H
#define INSP_TRAIN_TILES_BOX_FILE_H

#include "core/base/error.h"

#include <stddef.h>

enum { INSP_BOX_FILE_BYTES_MAX = 1 << 20 };

/* Holds the edges of a box, 0..1: left < right, top < bottom. */
struct insp_box_share {
    double left, top, right, bottom;
};

/* Parses such a text, which ends with a zero byte. A box that reaches over the picture's edge is cut.
 *   ret  [*ret_count], the caller's (free)
 * Fails with INSP_E_DATASET: a line that is none, a box outside of the picture, or no box at all; INSP_E_NOMEM. */
int insp_box_parse(const char *text, struct insp_box_share **ret, size_t *ret_count, struct insp_error *reterr);

/* Reads the file at `path`. Fails as above, with the path in the detail, and as insp_read_file does. */
int insp_box_read(const char *path, struct insp_box_share **ret, size_t *ret_count, struct insp_error *reterr);

#endif
