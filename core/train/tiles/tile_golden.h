/* core/train/tiles/tile_golden.h - answer for a golden sample (core/model/golden.h) of a new version. Internal to
 * core/train. The job's thread; blocks on the device. */
#ifndef INSP_TRAIN_TILES_TILE_GOLDEN_H
#define INSP_TRAIN_TILES_TILE_GOLDEN_H

#include "core/inspect/scoring.h"
#include "core/model/golden.h"

/* Scores the picture of a sample as the daemon will, and keeps probability and map. With tiles it scores those
 * that the field does not ignore, one by one, and keeps the answer of the worst, whose picture comes to the front
 * of rgb: a sample is one picture of the network.
 *   trunk   on the device of the model
 *   field   of the product, as the self-test will use it; NULL: the whole picture
 *   sample  its rgb is [tiles,224,224,3]
 * Fails as insp_model_score does. */
int insp_golden_worst(struct insp_trunk *trunk, struct insp_model *model, const struct insp_field *field,
                      struct insp_golden_sample *sample, struct insp_error *reterr);

#endif
