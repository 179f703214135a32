/* core/train/train_params.h - the parameters of a training, a cross-validation or an evaluation. The defaults are
 * the notebook's. Pure; any thread. */
#ifndef INSP_TRAIN_TRAIN_PARAMS_H
#define INSP_TRAIN_TRAIN_PARAMS_H

#include "core/compute/vgg16.h"
#include "core/judge/promote.h"
#include "core/model/manifest.h"

struct insp_train_params {
    float class_weights[INSP_CLASSES]; /* {1, 3}; > 0 */
    float learning_rate;               /* 1e-4 */
    unsigned epochs;                   /* 10, at most; 1..1000 */
    unsigned batch;                    /* 10; 1..256 */
    float target_accuracy;             /* 0.98: stop when an epoch's running train accuracy exceeds it; 1: never */
    float test_share;                  /* 0.2 */
    unsigned folds;                    /* 5 */
    uint64_t seed;                     /* 42 */
    float threshold;                   /* 0.5 */
    float heatmap_threshold;           /* 0.7 */
    enum insp_heatmap_scale heatmap_scale; /* fixed */
    enum insp_activate activate;           /* if_better */
    double max_missed; /* 0.05: share of anomalies that the advised threshold may miss (threshold.h) */
    bool skip_unreadable;
    struct insp_transform input;
};
struct insp_train_params insp_train_params_default(void);

/* Returns a new reference with one member per parameter; NULL without memory. */
json_t *insp_train_params_json(const struct insp_train_params *params);

#endif
