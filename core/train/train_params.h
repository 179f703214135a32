/* core/train/train_params.h - holds the parameters of a training, a cross-validation or an evaluation. The
 * defaults of the recipe are the notebook's. Pure; any thread. */
#ifndef INSP_TRAIN_TRAIN_PARAMS_H
#define INSP_TRAIN_TRAIN_PARAMS_H

#include "core/compute/vgg16.h"
#include "core/judge/promote.h"
#include "core/model/manifest.h"

/* Chooses the models of a new version. */
enum insp_train_mode {
    INSP_MODE_AUTO,       /* good_only below INSP_AUTO_DEFECTS defective images, else both side by side */
    INSP_MODE_SUPERVISED, /* a trained tail alone */
    INSP_MODE_GOOD_ONLY,  /* a good-only model alone */
    INSP_MODE_ADD_GOOD,   /* the active version, its good-only model extended by further good images */
};
enum { INSP_AUTO_DEFECTS = 10 };
const char *insp_train_mode_name(enum insp_train_mode mode); /* "auto" | "supervised" | "good_only" | "add_good" */

/* Comments give the default first, then the meaning or the range. */
struct insp_train_params {
    float class_weights[INSP_CLASSES]; /* {1, 3}: good, anomaly; > 0. With tiles see tiles/tile_samples.h */
    float learning_rate;               /* 1e-4 */
    unsigned epochs;                   /* 10: largest number of epochs; 1..1000 */
    unsigned batch;                    /* 10: images per mini-batch; 1..256 */
    float target_accuracy;             /* 0.98: stop after an epoch whose running accuracy exceeds it; 1: never */
    float test_share;                  /* 0.2: share of images held out by a training; 0.01..0.9 */
    unsigned folds;                    /* 5: of a cross-validation; 2..20 */
    uint64_t seed;                     /* 42 */
    float threshold;                   /* 0.5: verdict anomaly if probability >= threshold */
    bool threshold_auto; /* true: a training chooses the tail's threshold for max_missed and max_rejected */
    bool candidates;     /* true: a training with threshold_auto, or a cross-validation, compares ways to decide
                            (core/judge/candidates.h) */
    float heatmap_threshold;               /* 0.7: heat 0..1 */
    enum insp_heatmap_scale heatmap_scale; /* fixed */
    enum insp_activate activate;           /* if_better */
    double max_missed;         /* 0.05: share of anomalies that the threshold may miss: advised, or auto */
    enum insp_train_mode mode; /* auto; of a cross-validation not add_good */
    double max_rejected; /* 0.05: share of good parts that a good-only model, or a tail with threshold_auto, may
                            reject */
    bool heat_auto;      /* true: a training with both models chooses the map that locates best */
    enum insp_heat_kind heat;    /* class_activation: the map to show, unless heat_auto */
    struct insp_tiles tiles;     /* {0, 0}: none */
    bool skip_unreadable;        /* false: an unreadable image fails the job */
    struct insp_transform input; /* insp_transform_default */
};
/* Returns the defaults. */
struct insp_train_params insp_train_params_default(void);

/* Returns a new reference with one member per parameter; NULL without memory. */
json_t *insp_train_params_json(const struct insp_train_params *params);

#endif
