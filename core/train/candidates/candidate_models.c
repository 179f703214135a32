#include "core/train/candidates/candidate_models.h"

#include "core/train/candidates/logistic_fit.h"
#include "core/train/tiles/tile_samples.h"

#include <stdlib.h>

void insp_candidate_models_clear(struct insp_candidate_models *models) {
    insp_tail_buffers_free(models->tail);
    insp_tail_buffers_free(models->averaged);
    insp_tail_free(models->served);
    free(models->logistic);
    *models = (struct insp_candidate_models){0};
}

static int fit_on(const struct insp_fit_config *config, const struct insp_tile_samples *samples,
                  struct insp_logistic **ret, struct insp_error *reterr) {
    const size_t count = samples->count;
    _cleanup_free_ float *pooled = calloc(count + 1, INSP_POOLED_FLOATS * sizeof *pooled);
    _cleanup_free_ uint8_t *label = calloc(count + 1, sizeof *label);
    _cleanup_free_ struct insp_logistic *logistic = malloc(sizeof *logistic);
    if (!pooled || !label || !logistic)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a logistic regression on %zu images", count);
    insp_train_data_pooled(config->data, samples->sample, count, pooled);
    for (size_t i = 0; i < count; i++)
        label[i] = insp_train_data_label(config->data, samples->sample[i]);
    int r = insp_logistic_fit(pooled, label, count, logistic, reterr);
    if (r == 0)
        *ret = insp_take_ptr(logistic);
    return r;
}

bool insp_candidate_logistic(const struct insp_train_data *data, size_t count) {
    return insp_tiles_on(data->tiles) || count <= INSP_LOGISTIC_IMAGES_MAX;
}

/* Fits the regression on the samples. It takes more good tiles than a tail does, because each costs it less. */
static int fit_logistic(const struct insp_fit_config *config, struct insp_logistic **ret,
                        struct insp_error *reterr) {
    struct insp_tile_samples samples;
    int r = insp_tile_samples(config->data, config->params, config->member, config->count,
                              INSP_LOGISTIC_IMAGES_MAX - INSP_TILES_ANOMALOUS_MAX, &samples, reterr);
    if (r < 0)
        return r;
    r = fit_on(config, &samples, ret, reterr);
    free(samples.sample);
    return r;
}

int insp_candidate_models_fit(const struct insp_fit_config *config, bool all, const struct insp_progress *progress,
                              struct insp_candidate_models *ret, json_t **ret_curve, struct insp_error *reterr) {
    struct insp_fit_config with = *config;
    struct insp_tail_history history = {0};
    struct insp_candidate_models models = {0};
    _cleanup_(insp_trainer_freep) struct insp_trainer *trainer = NULL;
    json_t *curve = NULL;
    with.history = all ? &history : NULL;
    int r = insp_fit(&with, progress, &trainer, &curve, reterr);
    if (r == 0)
        r = insp_fit_serve(config->device, trainer, &models.tail, &models.served, reterr);
    models.averaged = insp_tail_history_mean(&history);
    if (r == 0 && all && insp_candidate_logistic(config->data, config->count))
        r = fit_logistic(config, &models.logistic, reterr);
    if (r < 0) {
        insp_candidate_models_clear(&models);
        json_decref(curve);
        return r;
    }
    *ret = models;
    *ret_curve = curve;
    return 0;
}

int insp_candidate_scores_reserve(bool averaged, bool logistic, size_t count, struct insp_candidate_scores *ret,
                                  struct insp_error *reterr) {
    struct insp_candidate_scores scores = {0};
    for (enum insp_candidate c = 0; c < INSP_CANDIDATES; c++) {
        bool wanted =
            (averaged || !insp_candidate_averages(c)) && (logistic || insp_candidate_use(c) == INSP_LOGISTIC_NONE);
        if (wanted && !(scores.probability[c] = calloc(count + 1, sizeof *scores.probability[c]))) {
            insp_candidate_scores_clear(&scores);
            return insp_fail(reterr, INSP_E_NOMEM, "no memory for the scores of %zu images", count);
        }
    }
    *ret = scores;
    return 0;
}

void insp_candidate_scores_clear(struct insp_candidate_scores *scores) {
    for (enum insp_candidate c = 0; c < INSP_CANDIDATES; c++)
        free(scores->probability[c]);
    *scores = (struct insp_candidate_scores){0};
}

int insp_candidate_models_averaged(const struct insp_candidate_models *models, struct insp_device *device,
                                   struct insp_tail **ret, struct insp_error *reterr) {
    *ret = NULL;
    if (!models->averaged)
        return 0;
    struct insp_tail_weights view = insp_tail_buffers_view(models->averaged);
    return insp_tail_load(device, &view, ret, reterr);
}

int insp_candidate_models_score_by(const struct insp_candidate_models *models, struct insp_tail *tail,
                                   bool averaged, const struct insp_train_data *data, const size_t *member,
                                   const size_t *place, size_t count, const struct insp_progress *progress,
                                   const struct insp_candidate_scores *ret, float *ret_map,
                                   struct insp_error *reterr) {
    const size_t parts = insp_tiles_count(data->tiles);
    _cleanup_free_ float *probability = calloc(count * parts + 1, sizeof *probability);
    int r = probability
                ? insp_train_data_score_tiles(data, tail, member, count, progress, probability, ret_map, reterr)
                : insp_fail(reterr, INSP_E_NOMEM, "no memory to score %zu images", count);
    for (size_t i = 0; i < count && r == 0; i++) {
        size_t to = place ? place[i] : i;
        for (enum insp_candidate c = 0; c < INSP_CANDIDATES; c++)
            if (ret->probability[c] && insp_candidate_averages(c) == averaged)
                ret->probability[c][to] = insp_train_data_worst(data, models->logistic, insp_candidate_use(c),
                                                                member[i], probability + i * parts);
    }
    return r;
}

int insp_candidate_models_score(const struct insp_candidate_models *models, struct insp_device *device,
                                const struct insp_train_data *data, const size_t *member, const size_t *place,
                                size_t count, const struct insp_progress *progress,
                                const struct insp_candidate_scores *ret, struct insp_error *reterr) {
    _cleanup_(insp_tail_freep) struct insp_tail *averaged = NULL;
    int r = insp_candidate_models_score_by(models, models->served, false, data, member, place, count, progress,
                                           ret, NULL, reterr);
    if (r < 0 || !ret->probability[INSP_CANDIDATE_TAIL_AVERAGED])
        return r;
    r = insp_candidate_models_averaged(models, device, &averaged, reterr);
    return r < 0 ? r
                 : insp_candidate_models_score_by(models, averaged ? averaged : models->served, true, data, member,
                                                  place, count, progress, ret, NULL, reterr);
}

int insp_candidate_models_keep(struct insp_candidate_models *models, struct insp_device *device,
                               enum insp_candidate candidate, struct insp_error *reterr) {
    if (insp_candidate_averages(candidate) && models->averaged) {
        struct insp_tail *served = NULL;
        struct insp_tail_weights view = insp_tail_buffers_view(models->averaged);
        int r = insp_tail_load(device, &view, &served, reterr);
        if (r < 0)
            return r;
        insp_tail_free(models->served);
        insp_tail_buffers_free(models->tail);
        models->served = served;
        models->tail = insp_take_ptr(models->averaged);
    }
    insp_tail_buffers_free(insp_take_ptr(models->averaged));
    if (insp_candidate_use(candidate) == INSP_LOGISTIC_NONE)
        free(insp_take_ptr(models->logistic));
    return 0;
}
