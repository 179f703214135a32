/* core/train/train_mode.h - choose the models of a new version by what the dataset has. */
#ifndef INSP_TRAIN_TRAIN_MODE_H
#define INSP_TRAIN_TRAIN_MODE_H

#include "core/train/train_params.h"

#include <stddef.h>

/* Replaces INSP_MODE_AUTO by INSP_MODE_GOOD_ONLY for fewer than INSP_AUTO_DEFECTS defective images, and by
 * INSP_MODE_SUPERVISED for more. With fewer than 20 good images, too few for a good-only model, any defect is
 * enough to train on. Other modes stay. Pure; any thread. */
enum insp_train_mode insp_train_mode_choose(enum insp_train_mode mode, size_t good, size_t defective);

#endif
