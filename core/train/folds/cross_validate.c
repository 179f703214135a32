/* Cross-validates tails with k folds stratified by defect type. Each fold trains a new tail without early stop, so
 * that every image is judged once, by a tail that was not trained on it. With candidates it trains what the others
 * of them need too, and each fold is judged by the one that the other folds take. */
#include "core/base/clock.h"
#include "core/dataset/split.h"
#include "core/judge/report.h"
#include "core/train/features/memory.h"
#include "core/train/folds/fold_figures.h"
#include "core/train/folds/fold_scores.h"
#include "core/train/folds/good_validate.h"
#include "core/train/tiles/tile_samples.h"
#include "core/train/train_mode.h"

#include <stdlib.h>

struct validation {
    const struct insp_train_context *context;
    const struct insp_train_params *params;
    struct insp_train_data *data;
    size_t *fold;   /* [count] */
    bool thin;      /* a defect type has fewer images than there are folds */
    size_t *member; /* [count] scratch: members to train on, then members to judge */
    struct insp_fold_scores by;
    json_t *curves, *folds; /* of each fold */
    struct insp_fold_figures figures;
    json_t *good; /* served and good_only, for the report; NULL: the tail alone is judged */
    double training_s, evaluating_s;
};

static void validation_free(struct validation *v) {
    insp_train_data_free(v->data);
    free(v->fold);
    free(v->member);
    insp_fold_scores_clear(&v->by);
    json_decref(v->curves);
    json_decref(v->folds);
    json_decref(v->good);
}

static size_t choose(const struct validation *v, size_t fold, bool held_out, size_t *ret) {
    size_t count = 0;
    for (size_t m = 0; m < v->data->set.count; m++)
        if ((v->fold[m] == fold) == held_out)
            ret[count++] = m;
    return count;
}

static int run_fold(struct validation *v, size_t fold, const struct insp_progress *progress,
                    struct insp_error *reterr) {
    const size_t trained = choose(v, fold, false, v->member);
    const struct insp_fit_config config = {
        .device = v->context->device,
        .params = v->params,
        .data = v->data,
        .member = v->member,
        .count = trained,
        .stop_early = false,
        .fold = fold + 1,
    };
    const struct insp_progress training = insp_progress_part(progress, 0, 0.95),
                               judging = insp_progress_part(progress, 0.95, 1);
    struct insp_candidate_models models = {0};
    json_t *curve = NULL;
    int64_t start_us = insp_mono_us();
    insp_progress_stage(progress, "fold %zu of %u", fold + 1, v->params->folds);
    int r = insp_candidate_models_fit(&config, v->by.compares, &training, &models, &curve, reterr);
    v->training_s += insp_seconds_since(start_us);
    if (r < 0)
        return r;
    start_us = insp_mono_us();
    const struct insp_fold judged = {.models = &models,
                                     .trained = v->member,
                                     .trained_count = trained,
                                     .held = v->member + trained,
                                     .held_count = choose(v, fold, true, v->member + trained)};
    r = insp_fold_scores_add(&v->by, v->context, v->params, v->data, &judged, &judging, reterr);
    insp_candidate_models_clear(&models);
    v->evaluating_s += insp_seconds_since(start_us);
    if (json_array_append_new(v->curves, curve) < 0 && r == 0)
        r = insp_fail(reterr, INSP_E_NOMEM, "no memory for the loss curve");
    return r;
}

/* Adds a fold to the report, judged by the candidate that the others took. */
static int add_fold(struct validation *v, size_t fold, struct insp_error *reterr) {
    const size_t count = choose(v, fold, true, v->member);
    const bool compares = v->by.compares;
    struct insp_metrics metrics = {0};
    _cleanup_free_ float *probability = calloc(count + 1, sizeof *probability);
    if (!probability)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to judge %zu images", count);
    for (size_t i = 0; i < count; i++)
        probability[i] = v->by.probability[v->member[i]];
    int r = insp_train_data_metrics(v->data, v->member, count, probability, (double)v->params->threshold, &metrics,
                                    reterr);
    if (r < 0)
        return r;
    insp_fold_figures_add(&v->figures, &metrics);
    json_t *entry =
        json_pack("{s:i, s:i, s:O, s:o, s:s*}", "fold", (int)fold + 1, "held_out", (int)count, "epochs",
                  json_array_get(v->curves, fold), "metrics", insp_report_metrics(&v->data->set, &metrics),
                  "candidate", compares ? insp_candidate_name(v->by.taken[fold]) : NULL);
    insp_metrics_clear(&metrics);
    return entry && json_array_append_new(v->folds, entry) == 0 ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory");
}

static int judge_folds(struct validation *v, struct insp_error *reterr) {
    int64_t start_us = insp_mono_us();
    int r = insp_fold_scores_choose(&v->by, v->params, v->fold, reterr);
    for (size_t fold = 0; fold < v->params->folds && r == 0; fold++)
        r = add_fold(v, fold, reterr);
    v->evaluating_s += insp_seconds_since(start_us);
    return r;
}

/* Computes the metrics over all images, each judged by the tail of its fold. */
static int pooled(struct validation *v, struct insp_metrics *ret, struct insp_error *reterr) {
    for (size_t m = 0; m < v->data->set.count; m++)
        v->member[m] = m;
    return insp_train_data_metrics(v->data, v->member, v->data->set.count, v->by.probability,
                                   (double)v->params->threshold, ret, reterr);
}

static int judged(struct validation *v, const struct insp_progress *progress, json_t **ret,
                  struct insp_error *reterr) {
    const struct insp_judgement judgement = {.set = &v->data->set,
                                             .member = v->member,
                                             .count = v->data->set.count,
                                             .probability = v->by.probability,
                                             .map = v->by.map,
                                             .threshold = (double)v->params->threshold,
                                             .heatmap_scale = v->params->heatmap_scale,
                                             .heatmap_threshold = v->params->heatmap_threshold};
    return insp_judgement_json(&judgement, &v->context->limits, progress, ret, reterr);
}

/* Adds to each candidate of the report the threshold that is advised for a version that decides by it. */
static int advise_candidates(const struct validation *v, json_t *candidates, struct insp_error *reterr) {
    const struct insp_members *set = &v->data->set;
    json_t *list = json_object_get(candidates, "list");
    size_t n = 0;
    for (enum insp_candidate c = 0; c < INSP_CANDIDATES; c++) {
        if (!v->by.candidates.known[c])
            continue;
        int r = insp_report_threshold(set, v->member, set->count, v->by.scores.probability[c],
                                      v->params->max_missed, json_array_get(list, n++), reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Adds the candidates, and for the one that would be taken the thresholds that keep one promise and both, or what
 * prevents it. */
static int add_thresholds(const struct validation *v, json_t *part, struct insp_error *reterr) {
    const struct insp_members *set = &v->data->set;
    const struct insp_candidates *candidates = &v->by.candidates;
    const float *probability = v->by.scores.probability[candidates->taken];
    json_t *json = v->by.compares ? insp_candidates_json(candidates, "folds") : json_null();
    int r = json_object_set_new(part, "candidates", json) == 0
                ? 0
                : insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
    if (r == 0 && v->by.compares)
        r = advise_candidates(v, json_object_get(part, "candidates"), reterr);
    if (r == 0)
        r = insp_report_threshold(set, v->member, set->count, probability, v->params->max_missed, part, reterr);
    return r < 0 ? r
                 : insp_report_promise(set, v->member, set->count, probability,
                                       &candidates->promise[candidates->taken], part, reterr);
}

static int report(struct validation *v, const struct insp_progress *progress, json_t **ret,
                  struct insp_error *reterr) {
    struct insp_metrics metrics = {0};
    const struct insp_train_data *data = v->data;
    json_t *part = NULL;
    int64_t start_us = insp_mono_us();
    int r = pooled(v, &metrics, reterr);
    if (r < 0)
        return r;
    r = judged(v, progress, &part, reterr);
    if (r == 0)
        r = add_thresholds(v, part, reterr);
    if (r == 0 && v->good && json_object_update(part, v->good) < 0)
        r = insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
    v->evaluating_s += insp_seconds_since(start_us);
    if (r == 0) {
        json_t *json = json_pack(
            "{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:O, s:o, s:o, s:o, s:i, s:{s:f, s:f, s:f, "
            "s:f}, s:o}",
            "kind", "cross-validate", "mode", insp_train_mode_name(INSP_MODE_SUPERVISED), "product",
            v->context->product, "trunk", v->context->trunk_sha256, "regions",
            insp_field_set_digest(v->context->fields), "params", insp_train_params_json(v->params), "dataset",
            insp_report_dataset(&data->set, true), "thin", v->thin, "folds", v->folds, "mean",
            insp_fold_figures_json(&v->figures, false), "std", insp_fold_figures_json(&v->figures, true), "pooled",
            insp_report_metrics(&data->set, &metrics), "trunk_runs", (int)data->trunk_runs, "seconds", "reading",
            data->reading_s, "features", data->features_s, "training", v->training_s, "evaluating",
            v->evaluating_s, "tiles", insp_tile_samples_json(data, v->params, v->member, data->set.count));
        r = insp_report_join(json, json_incref(part), ret, reterr);
    }
    json_decref(part);
    insp_metrics_clear(&metrics);
    return r;
}

static int open_data(struct validation *v, const struct insp_progress *progress, struct insp_error *reterr) {
    int r = insp_memory_check(insp_memory_training_estimate(v->params->batch), insp_memory_available(),
                              "cross-validation", reterr);
    if (r == 0)
        r = insp_train_data_open_tiled(v->context, &v->params->input, v->params->tiles, true,
                                       v->params->skip_unreadable, progress, &v->data, reterr);
    if (r)
        return r;
    size_t count = v->data->set.count;
    v->fold = malloc(count * sizeof *v->fold);
    v->member = malloc(count * sizeof *v->member);
    v->curves = json_array();
    v->folds = json_array();
    if (!v->fold || !v->member || !v->curves || !v->folds)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the folds of %zu images", count);
    r = insp_fold_scores_reserve(v->data, v->params, v->params->candidates, &v->by, reterr);
    if (r < 0)
        return r;
    r = insp_split_folds(v->data->set.strata, count, v->data->set.dataset->stratum_count, v->params->folds,
                         v->params->seed, v->fold, &v->thin, reterr);
    if (r == 0 && v->thin)
        insp_progress_log(progress,
                          "a defect type has fewer images than there are folds, so not every fold judges it");
    return r;
}

static int validate(struct validation *v, json_t **ret_report, struct insp_error *reterr) {
    const struct insp_progress opening = insp_progress_part(&v->context->progress, 0, 0.15);
    int r = open_data(v, &opening, reterr);
    for (size_t fold = 0; r == 0 && fold < v->params->folds; fold++) {
        double width = 0.83 / v->params->folds;
        const struct insp_progress part = insp_progress_part(&v->context->progress, 0.15 + width * (double)fold,
                                                             0.15 + width * (double)(fold + 1));
        r = run_fold(v, fold, &part, reterr);
    }
    const struct insp_progress beside = insp_progress_part(&v->context->progress, 0.98, 0.99),
                               reporting = insp_progress_part(&v->context->progress, 0.99, 1);
    if (r == 0)
        r = judge_folds(v, reterr);
    if (r == 0 && v->params->mode == INSP_MODE_AUTO)
        r = insp_good_validate_beside(v->context, v->params, v->data, v->by.probability, &beside, &v->good,
                                      reterr);
    return r ? r : report(v, &reporting, ret_report, reterr);
}

int insp_cross_validate(const struct insp_train_context *context, const struct insp_train_params *params,
                        json_t **ret_report, struct insp_error *reterr) {
    struct validation v = {.context = context, .params = params};
    enum insp_train_mode mode;
    int r = insp_train_mode_of(context, params, &mode, reterr);
    if (r < 0)
        return r;
    if (mode == INSP_MODE_GOOD_ONLY)
        return insp_good_validate(context, params, ret_report, reterr);
    r = validate(&v, ret_report, reterr);
    validation_free(&v);
    return r;
}
