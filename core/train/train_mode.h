/* core/train/train_mode.h - choose the models of a new version by what the dataset has. */
#ifndef INSP_TRAIN_TRAIN_MODE_H
#define INSP_TRAIN_TRAIN_MODE_H

#include "core/train/train.h"

#include <stddef.h>

/* Replaces INSP_MODE_AUTO by INSP_MODE_GOOD_ONLY for fewer than INSP_AUTO_DEFECTS defective images, and by
 * INSP_MODE_SUPERVISED for more. With fewer than 20 good images, too few for a good-only model, any defect is
 * enough to train on. Other modes stay. Pure; any thread. */
enum insp_train_mode insp_train_mode_choose(enum insp_train_mode mode, size_t good, size_t defective);

/* Checks that mode and heatmap scale allow the tiles. Fails with INSP_E_PARAMETER. Pure; any thread. */
int insp_train_tiles_check(const struct insp_train_params *params, struct insp_error *reterr);

/* Chooses by params->mode for the images of context->dataset_root as above. With tiles INSP_MODE_AUTO is
 * INSP_MODE_GOOD_ONLY also where no defective image has a mask or boxes; if some have, it is supervised, and the
 * training names those without. Blocks on the disk. Fails as insp_dataset_list and insp_tile_marks do, and as
 * insp_train_tiles_check does. */
int insp_train_mode_of(const struct insp_train_context *context, const struct insp_train_params *params,
                       enum insp_train_mode *ret, struct insp_error *reterr);

#endif
