#include "core/train/folds/fold_scores.h"

#include <stdlib.h>
#include <string.h>

void insp_fold_scores_clear(struct insp_fold_scores *f) {
    insp_candidate_scores_clear(&f->scores);
    free(f->map);
    free(f->averaged_map);
    free(f->label);
    free(f->taken);
    free(f->probability);
    *f = (struct insp_fold_scores){0};
}

int insp_fold_scores_reserve(const struct insp_train_data *data, const struct insp_train_params *params,
                             bool candidates, struct insp_fold_scores *ret, struct insp_error *reterr) {
    const size_t count = data->set.count;
    const bool averaged = candidates && params->epochs >= INSP_TAIL_AVERAGE_EPOCHS;
    struct insp_fold_scores f = {.count = count, .folds = params->folds, .compares = candidates};
    int r = insp_candidate_scores_reserve(averaged, candidates && insp_candidate_logistic(data, count), count,
                                          &f.scores, reterr);
    if (r < 0)
        return r;
    f.map = calloc(count + 1, INSP_MAP_FLOATS * sizeof *f.map);
    f.averaged_map = averaged ? calloc(count + 1, INSP_MAP_FLOATS * sizeof *f.averaged_map) : NULL;
    f.label = calloc(count + 1, sizeof *f.label);
    f.taken = calloc(f.folds, sizeof *f.taken);
    f.probability = calloc(count + 1, sizeof *f.probability);
    if (!f.map || !f.label || !f.taken || !f.probability || (averaged && !f.averaged_map)) {
        insp_fold_scores_clear(&f);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the scores of %zu images", count);
    }
    memcpy(f.label, data->set.label, count * sizeof *f.label);
    *ret = f;
    return 0;
}

/* Scores the fold by the candidates that use this tail, and keeps its heat in `to`, [count,14,14]. */
static int add_tail(struct insp_fold_scores *f, const struct insp_train_params *params,
                    const struct insp_train_data *data, const struct insp_fold *fold, struct insp_tail *tail,
                    bool averaged, float *to, const struct insp_progress *progress, struct insp_error *reterr) {
    const struct insp_progress range = insp_progress_part(progress, 0, 0.8),
                               held = insp_progress_part(progress, 0.8, 1);
    float low, high;
    _cleanup_free_ float *map = malloc((fold->held_count + 1) * INSP_MAP_FLOATS * sizeof *map);
    if (!map)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to judge %zu images", fold->held_count);
    int r = insp_train_data_heat_range(data, tail, fold->trained, fold->trained_count, params->heatmap_threshold,
                                       &range, &low, &high, reterr);
    if (r == 0) /* the place of a member's score is its number */
        r = insp_candidate_models_score_by(fold->models, tail, averaged, data, fold->held, fold->held,
                                           fold->held_count, &held, &f->scores, map, reterr);
    if (r < 0)
        return r;
    insp_train_data_heat(data, fold->held, fold->held_count, params->heatmap_scale, low, high, map);
    for (size_t i = 0; i < fold->held_count; i++)
        memcpy(to + fold->held[i] * INSP_MAP_FLOATS, map + i * INSP_MAP_FLOATS, INSP_MAP_FLOATS * sizeof *map);
    return 0;
}

int insp_fold_scores_add(struct insp_fold_scores *f, const struct insp_train_context *context,
                         const struct insp_train_params *params, const struct insp_train_data *data,
                         const struct insp_fold *fold, const struct insp_progress *progress,
                         struct insp_error *reterr) {
    const struct insp_progress first = insp_progress_part(progress, 0, f->averaged_map ? 0.5 : 1),
                               second = insp_progress_part(progress, 0.5, 1);
    _cleanup_(insp_tail_freep) struct insp_tail *averaged = NULL;
    int r = add_tail(f, params, data, fold, fold->models->served, false, f->map, &first, reterr);
    if (r < 0 || !f->averaged_map)
        return r;
    r = insp_candidate_models_averaged(fold->models, context->device, &averaged, reterr);
    return r < 0 ? r
                 : add_tail(f, params, data, fold, averaged ? averaged : fold->models->served, true,
                            f->averaged_map, &second, reterr);
}

int insp_fold_scores_choose(struct insp_fold_scores *f, const struct insp_train_params *params, const size_t *fold,
                            struct insp_error *reterr) {
    int r = insp_candidates_compare(&f->scores, f->label, fold, f->folds, f->count, params->max_missed,
                                    params->max_rejected, &f->candidates, reterr);
    for (size_t i = 0; i < f->folds && r == 0; i++)
        r = insp_candidates_without(&f->scores, f->label, fold, f->count, i, &f->taken[i], reterr);
    for (size_t m = 0; m < f->count && r == 0; m++) {
        const enum insp_candidate taken = f->taken[fold[m]];
        f->probability[m] = f->scores.probability[taken][m];
        if (insp_candidate_averages(taken))
            memcpy(f->map + m * INSP_MAP_FLOATS, f->averaged_map + m * INSP_MAP_FLOATS,
                   INSP_MAP_FLOATS * sizeof *f->map);
    }
    return r;
}
