/* core/train/folds/good_opinions.h - judge each image of a set by a good-only model and by limits that have not
 * seen it. A score out of fold judged by a threshold that was chosen among these very scores would flatter the
 * model; so the good images are divided into parts, and the limits for a part come from the scores of the others.
 * Internal to core/train. The job's thread; blocks on the disk and the device. */
#ifndef INSP_TRAIN_FOLDS_GOOD_OPINIONS_H
#define INSP_TRAIN_FOLDS_GOOD_OPINIONS_H

#include "core/train/good/good_judge.h"

/* Arrays are owned, and [judged.count]. */
struct insp_good_opinions {
    struct insp_good_model model;
    struct insp_manifest *manifest; /* of the model: input, good_only, heatmap; owned */
    struct insp_good_judged judged;
    size_t *fold;               /* 0..params->folds - 1; copies of an image are in one fold */
    float *probability;         /* insp_good_probability by the limits of the fold */
    struct insp_served *served; /* the good-only model's verdict, without reasons */
    bool *unlike;               /* the score is beyond 99.9 % of the good parts of other folds */
};
void insp_good_opinions_clear(struct insp_good_opinions *opinions); /* accepts a zeroed one */

/* Fits a good-only model to the good images of data->set and judges all of its images. Of params seed, folds,
 * threshold, heatmap_threshold, max_rejected, input and skip_unreadable are used. Fails as insp_good_model_fit and
 * insp_good_judge do. */
int insp_good_opinions_make(const struct insp_train_context *context, const struct insp_train_params *params,
                            struct insp_train_data *data, const struct insp_progress *progress,
                            struct insp_good_opinions *ret, struct insp_error *reterr);

/* Holds the limits for the images of one fold. */
struct insp_good_limits {
    struct insp_good_scale scale;
    float unlike;
};

/* Chooses limits from the scores of all folds but one. Pure.
 *   score, fold  [count]; another fold has 2 scores at least
 *   alpha        as insp_good_promise_of
 *   heat         cold and warm of the whole model
 * Fails as insp_good_promise_of and insp_good_scale_of do, and with INSP_E_NOMEM. */
int insp_good_limits_without(const float *score, const size_t *fold, size_t count, size_t omitted, double alpha,
                             const struct insp_good_scale *heat, struct insp_good_limits *ret,
                             struct insp_error *reterr);

#endif
