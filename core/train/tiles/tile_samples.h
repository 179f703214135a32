/* core/train/tiles/tile_samples.h - choose the samples of members that models are trained on. Without tiles these
 * are the images. With tiles there are some defective ones among thousands of good ones: all of the former take
 * part, and a part of the latter, equally many of each image as far as there are, drawn by the seed. Internal to
 * core/train. The job's thread. */
#ifndef INSP_TRAIN_TILES_TILE_SAMPLES_H
#define INSP_TRAIN_TILES_TILE_SAMPLES_H

#include "core/train/train_data.h"

enum {
    INSP_TILES_ANOMALOUS_MAX = 1000, /* beyond it anomalous tiles are drawn as good ones are */
    INSP_TILES_GOOD_EACH = 4,        /* good tiles for each anomalous one that a tail is trained on */
    INSP_TILES_GOOD_MIN = 200,       /* but at least so many, if there are */
};

struct insp_tile_samples {
    size_t *sample; /* [count], owned (free); samples of train_data.h */
    size_t count;
    size_t of[INSP_CLASSES], there[INSP_CLASSES]; /* chosen ones by label, and all */
    size_t left_out;                              /* tiles of the members without a label */
    /* Weights in the loss. With tiles they follow from the counts: with the default of params both classes weigh
     * the same as a whole. */
    float class_weights[INSP_CLASSES];
    float target_accuracy; /* the one of params; with tiles stricter, so that it counts both classes alike */
};

/* Chooses samples. Equal members in equal order and an equal seed give equal samples.
 *   member    [count]
 *   good_max  good tiles at most; 0: as many as a tail is trained on
 * Fails with INSP_E_DATASET if no tile of the members is good, or none shows a defect, and INSP_E_NOMEM. */
int insp_tile_samples(const struct insp_train_data *data, const struct insp_train_params *params,
                      const size_t *member, size_t count, size_t good_max, struct insp_tile_samples *ret,
                      struct insp_error *reterr);

/* Hashes the labels of the tiles of all images of a set, in the order of its items. The set's own digest knows
 * neither masks nor boxes. Returns false without labels. Pure. */
bool insp_tile_samples_digest(const struct insp_train_data *data, char ret_digest[INSP_SHA256_HEX_BYTES]);

/* Describes the tiles of members for a report: {"anomalous", "good", "left_out", "trained": {"anomalous", "good"},
 * "labels": insp_tile_samples_digest} of a tail; null without tiles, or if no model can be trained on them. A new
 * reference; NULL without memory. */
json_t *insp_tile_samples_json(const struct insp_train_data *data, const struct insp_train_params *params,
                               const size_t *member, size_t count);

#endif
