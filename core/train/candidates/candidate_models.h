/* core/train/candidates/candidate_models.h - train the models of all candidates (core/judge/candidates.h) on the
 * same images, and score others with them. Internal to core/train. The job's thread. */
#ifndef INSP_TRAIN_CANDIDATES_CANDIDATE_MODELS_H
#define INSP_TRAIN_CANDIDATES_CANDIDATE_MODELS_H

#include "core/judge/candidates.h"
#include "core/train/fit.h"

/* All owned. A zeroed one is empty. */
struct insp_candidate_models {
    struct insp_tail_buffers *tail, *averaged; /* averaged NULL: not wanted, or after too few epochs */
    struct insp_tail *served;                  /* `tail` on the device */
    struct insp_logistic *logistic;            /* NULL: not wanted, or too many images */
};
void insp_candidate_models_clear(struct insp_candidate_models *models);

/* Says whether there is a regression among the models of count members: it is fitted to at most
 * INSP_LOGISTIC_IMAGES_MAX samples. */
bool insp_candidate_logistic(const struct insp_train_data *data, size_t count);

/* Trains a tail (insp_fit) and, if `all` is set, what the other candidates need. config->history is used in here.
 * ret_curve: as insp_fit. Fails as insp_fit and insp_fit_serve do. */
int insp_candidate_models_fit(const struct insp_fit_config *config, bool all, const struct insp_progress *progress,
                              struct insp_candidate_models *ret, json_t **ret_curve, struct insp_error *reterr);

/* Makes room for count scores of each candidate that the models can give. insp_candidate_scores_clear releases
 * them. Fails with INSP_E_NOMEM. */
int insp_candidate_scores_reserve(bool averaged, bool logistic, size_t count, struct insp_candidate_scores *ret,
                                  struct insp_error *reterr);
void insp_candidate_scores_clear(struct insp_candidate_scores *scores);

/* Scores members with the models of all candidates that `ret` has room for.
 *   member  [count]
 *   place   [count], the places of their scores in ret; NULL: 0, 1, 2...
 * Fails as insp_train_data_score and insp_tail_load do. */
int insp_candidate_models_score(const struct insp_candidate_models *models, struct insp_device *device,
                                const struct insp_train_data *data, const size_t *member, const size_t *place,
                                size_t count, const struct insp_progress *progress,
                                const struct insp_candidate_scores *ret, struct insp_error *reterr);

/* Loads the averaged tail, the first step of insp_candidate_models_score. *ret is the caller's, or NULL if the
 * training ended after too few epochs (tail_history.h): then the tail stands for it. Fails as insp_tail_load does.
 */
int insp_candidate_models_averaged(const struct insp_candidate_models *models, struct insp_device *device,
                                   struct insp_tail **ret, struct insp_error *reterr);
/* Scores members by the candidates that use this tail, the second step of insp_candidate_models_score.
 *   averaged  the tail has averaged weights, or stands for such a one
 *   ret_map   [count,14,14], the tail's activation in the order of `member`; NULL: not wanted
 * Fails as insp_train_data_score does. */
int insp_candidate_models_score_by(const struct insp_candidate_models *models, struct insp_tail *tail,
                                   bool averaged, const struct insp_train_data *data, const size_t *member,
                                   const size_t *place, size_t count, const struct insp_progress *progress,
                                   const struct insp_candidate_scores *ret, float *ret_map,
                                   struct insp_error *reterr);

/* Drops the models that a candidate does not need; its tail becomes tail and served. Fails as insp_tail_load does.
 */
int insp_candidate_models_keep(struct insp_candidate_models *models, struct insp_device *device,
                               enum insp_candidate candidate, struct insp_error *reterr);

#endif
