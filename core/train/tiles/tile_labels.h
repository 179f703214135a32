/* core/train/tiles/tile_labels.h - say which tiles of the images of a set show a defect, by masks
 * (core/dataset/mask_file.h) or boxes (box_file.h). Internal to core/train. The job's thread; blocks on the disk.
 *
 * The tile of an image that holds most of its defect pixels sets the measure: the label of a tile is
 *   anomaly   from a quarter of these pixels on, or from 1 % of the tile's pixels on
 *   good      without any defect pixel, and for all tiles of good images
 *   left out  in between, and for tiles that the image's field ignores
 * A tile that shows the edge of a defect alone would teach the tail wrongly with either label. Beyond 1 % of a
 * tile, 22x22 of the pixels that the network sees, a defect shows however large the rest of it is. Each defective
 * image has an anomalous tile, unless its field ignores all of its defect: then its tiles are left out. */
#ifndef INSP_TRAIN_TILES_TILE_LABELS_H
#define INSP_TRAIN_TILES_TILE_LABELS_H

#include "core/dataset/dataset.h"
#include "core/region/field_set.h"

enum insp_tile_label {
    INSP_TILE_GOOD = INSP_CLASS_GOOD,
    INSP_TILE_ANOMALY = INSP_CLASS_ANOMALY,
    INSP_TILE_LEFT_OUT,
};

/* Labels tiles by the share of their pixels that belong to a defect. Pure; any thread.
 *   share  [count], 0..1
 *   ret    [count], enum insp_tile_label */
void insp_tile_label_by(const double *share, size_t count, uint8_t *ret);

/* Counts the defective images with a mask or a box file, and those without.
 *   ret_names  up to three of the latter, as paths below the set's root, separated by commas
 * Fails as insp_mask_find does. */
enum { INSP_TILE_NAMES_BYTES = 400 };
int insp_tile_marks(const struct insp_dataset *dataset, size_t *ret_marked, size_t *ret_bare,
                    char ret_names[INSP_TILE_NAMES_BYTES], struct insp_error *reterr);
/* Counts the defective images that cannot have either, because they are below train (insp_mask_may_have). Pure. */
size_t insp_tile_unmarkable(const struct insp_dataset *dataset);

/* Labels the tiles of all images. Logs how many images have their defect in ignored parts alone.
 *   fields    tiled (insp_field_set_tile); NULL: the whole pictures
 *   progress  may be NULL; asked for cancellation before each image
 *   ret       [dataset->count,tiles], enum insp_tile_label, the caller's (free)
 * Fails with INSP_E_DATASET (defective images without mask and box: the detail names some and says the way out; or
 * a mask or a box file that cannot be used), INSP_E_CANCELLED, INSP_E_NOMEM. */
int insp_tile_labels(const struct insp_dataset *dataset, const struct insp_field_set *fields,
                     struct insp_tiles tiles, const struct insp_image_limits *limits,
                     const struct insp_progress *progress, uint8_t **ret, struct insp_error *reterr);

#endif
