/* core/train/folds/fold_scores.h - keep how the models of each fold score the images that they have not seen, by
 * all candidates (core/judge/candidates.h), and judge each fold by the candidate that the other folds take.
 * Internal to core/train. The job's thread. */
#ifndef INSP_TRAIN_FOLDS_FOLD_SCORES_H
#define INSP_TRAIN_FOLDS_FOLD_SCORES_H

#include "core/train/candidates/candidate_models.h"

/* All arrays are by member number, and owned. A zeroed one is empty. */
struct insp_fold_scores {
    size_t count, folds;
    bool compares; /* there is more than the tail to choose from */
    struct insp_candidate_scores scores;
    float *map;          /* [count,14,14] heat by the tail of the image's fold, by the range of that fold's maps */
    float *averaged_map; /* the same by the tail with averaged weights; NULL: there is none */
    uint8_t *label;      /* [count] */
    struct insp_candidates candidates; /* after insp_fold_scores_choose */
    enum insp_candidate *taken;        /* [folds], by the images of the other folds */
    float *probability;                /* [count], by the candidate of the image's fold; its heat is in `map` */
};
void insp_fold_scores_clear(struct insp_fold_scores *fold_scores);

/* Makes room for the images of data->set. candidates false: for the tail alone. Fails with INSP_E_NOMEM. */
int insp_fold_scores_reserve(const struct insp_train_data *data, const struct insp_train_params *params,
                             bool candidates, struct insp_fold_scores *ret, struct insp_error *reterr);

/* Scores the images of a fold.
 *   models  trained on the others
 *   trained, held  [trained_count], [held_count]: members that the models were trained on, and those of the fold
 * Fails as insp_train_data_heat_range and insp_candidate_models_score do. */
struct insp_fold {
    const struct insp_candidate_models *models;
    const size_t *trained, *held;
    size_t trained_count, held_count;
};
int insp_fold_scores_add(struct insp_fold_scores *fold_scores, const struct insp_train_context *context,
                         const struct insp_train_params *params, const struct insp_train_data *data,
                         const struct insp_fold *fold, const struct insp_progress *progress,
                         struct insp_error *reterr);

/* Compares the candidates by all images, and takes one for each fold by the others, after all folds are added.
 *   fold  [count], the fold of each member
 * Fails as insp_candidates_compare does. */
int insp_fold_scores_choose(struct insp_fold_scores *fold_scores, const struct insp_train_params *params,
                            const size_t *fold, struct insp_error *reterr);

#endif
