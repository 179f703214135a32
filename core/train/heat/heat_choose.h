/* core/train/heat/heat_choose.h - choose the map that a new version with a tail and a good-only model shows.
 * Internal to core/train. The job's thread; blocks on the disk and the device. */
#ifndef INSP_TRAIN_HEAT_HEAT_CHOOSE_H
#define INSP_TRAIN_HEAT_HEAT_CHOOSE_H

#include "core/train/good/good_model.h"
#include "core/train/train_data.h"

/* All pointers are borrowed. */
struct insp_heat_task {
    const struct insp_train_context *context;
    const struct insp_train_params *params;
    struct insp_train_data *data;
    const struct insp_good_model *good; /* gauss NULL: there is none */
    const size_t *member;               /* [count], held out from the tail */
    size_t count;
    const float *probability; /* [count] */
    float threshold;          /* of the probability */
    float low, high;          /* the range of class activation */
};

/* Checks that the map which params ask for can be had at all. Fails with INSP_E_PARAMETER: a map of good parts
 * with mode supervised, another one with mode good_only, any with add_good, or another map than class activation
 * scaled by each image's own extremes. mode: what params->mode was resolved to, not INSP_MODE_AUTO. */
int insp_heat_choose_check(const struct insp_train_params *params, enum insp_train_mode mode,
                           struct insp_error *reterr);

/* Compares the three maps on held-out images: good ones get their distances out of fold, defects those of the
 * whole good-only model, which runs the trunk's first three blocks on them. Class activation stays without a
 * comparison where there is no good-only model, or maps are scaled by their own extremes, or a held-out image
 * cannot be read again. With tiles each map, the product too, is compared reduced (insp_map_reduce).
 *   map         [count,14,14], heat by class activation; then that of the map that was taken
 *   ret         the choice for the manifest
 *   ret_report  insp_heat_maps_json, a new reference; NULL: there was nothing to choose
 * Fails with INSP_E_DATASET (the map that params ask for needs a good-only model, which the set has too few good
 * images for) and as insp_good_judge_members and insp_heat_maps_compare do. */
int insp_heat_choose(const struct insp_heat_task *task, const struct insp_progress *progress, float *map,
                     struct insp_heat_choice *ret, json_t **ret_report, struct insp_error *reterr);

#endif
