/* core/train/candidates/choice.h - choose how a version decides and from which probability on, by scores of images
 * that its models have not seen. Internal to core/train. The job's thread; blocks on the device. */
#ifndef INSP_TRAIN_CANDIDATES_CHOICE_H
#define INSP_TRAIN_CANDIDATES_CHOICE_H

#include "core/train/candidates/candidate_models.h"

/* More training images than this have a held-out part that is large enough to choose by. */
enum { INSP_CHOICE_FOLDS_MAX = 500 };

/* Decides which held-out images choose the threshold and do not judge the version: half of them, stratified by
 * defect type, if there are more than INSP_CHOICE_FOLDS_MAX training images and each half has enough good images
 * and anomalies to keep both promises without an error among them. Else none does: the choice needs all of them,
 * or does not use them. Pure; equal arguments give equal halves.
 *   trained      number of training images
 *   member       [count] held-out members of `set`; reordered: first those that choose, then those that judge
 *   ret_choosing number of those that choose
 * Fails with INSP_E_NOMEM. */
int insp_choice_divide(const struct insp_train_params *params, const struct insp_members *set, size_t trained,
                       size_t *member, size_t count, size_t *ret_choosing, struct insp_error *reterr);

/* Says by which images to choose. All pointers are borrowed. */
struct insp_choice_task {
    const struct insp_train_context *context;
    const struct insp_train_params *params;
    const struct insp_train_data *data;
    const size_t *trained, *held; /* [trained_count], [held_count]: members */
    size_t trained_count, held_count;
    bool apart;      /* the held-out members choose only; false: they judge the version too */
    unsigned epochs; /* that the training took */
};

/* Holds the result. A zeroed one is empty. */
struct insp_choice {
    float threshold;
    enum insp_candidate taken;
    json_t *candidates; /* owned: insp_candidates_json; NULL: there was no choice */
    json_t *promise;    /* owned: {"threshold_promise"} (train.h); NULL: no threshold was chosen */
};
void insp_choice_clear(struct insp_choice *choice);

/* Says whether ways to decide are compared, not the tail alone trained. */
bool insp_choice_compares(const struct insp_train_params *params);

/* Chooses by the training part, each half of it scored by models of the other (folds/out_of_fold.h), and drops the
 * models that are not taken. With too few images or epochs for halves, or with enough images in the held-out
 * part, it leaves the choice to insp_choice_by_held_out and logs why. Without params->threshold_auto the threshold
 * is that of params. Fails as insp_out_of_fold does. */
int insp_choice_by_folds(const struct insp_choice_task *task, const struct insp_progress *progress,
                         struct insp_candidate_models *models, struct insp_choice *choice,
                         struct insp_error *reterr);

/* Chooses by the held-out members what insp_choice_by_folds has not chosen. If they judge the version too, their
 * figures flatter it a little. Too small a set for halves has too few of them to choose more by than a threshold.
 * Fails as insp_candidate_models_score does. */
int insp_choice_by_held_out(const struct insp_choice_task *task, const struct insp_progress *progress,
                            struct insp_candidate_models *models, struct insp_choice *choice,
                            struct insp_error *reterr);

#endif
