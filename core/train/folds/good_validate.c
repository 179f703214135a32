#include "core/train/folds/good_validate.h"

#include "core/base/clock.h"
#include "core/inspect/suspect.h"
#include "core/judge/report.h"
#include "core/train/folds/fold_figures.h"
#include "core/train/folds/good_opinions.h"

#include <stdlib.h>

static json_t *describe(const struct insp_good_opinions *o, const struct insp_train_params *params) {
    return insp_good_model_json(&o->model, params->max_rejected);
}

/* --- beside tails --- */

/* Puts the two models' answers together as insp_model_verdict does. Members without a good-only score, because
 * their picture has become unreadable, stay out. */
static void combine(const struct insp_train_params *params, const float *by_member, struct insp_good_opinions *o) {
    for (size_t i = 0; i < o->judged.count; i++) {
        struct insp_served *served = &o->served[i];
        o->probability[i] = by_member[o->judged.member[i]];
        served->verdict = o->probability[i] >= params->threshold ? INSP_VERDICT_ANOMALY : INSP_VERDICT_GOOD;
        if (served->verdict == INSP_VERDICT_GOOD && o->unlike[i])
            served->suspect = 1U << INSP_SUSPECT_UNLIKE_GOOD;
        served->verdict = insp_suspect_verdict(served->verdict, served->suspect);
    }
}

static int served_json(const struct insp_train_params *params, const struct insp_members *set, bool good_decides,
                       const struct insp_good_opinions *o, json_t **ret, struct insp_error *reterr) {
    const struct insp_served_set served = {.set = set,
                                           .member = o->judged.member,
                                           .count = o->judged.count,
                                           .served = o->served,
                                           .good_decides = good_decides,
                                           .probability = o->probability,
                                           .threshold = (double)params->threshold};
    return insp_served_json(&served, ret, reterr);
}

int insp_good_validate_beside(const struct insp_train_context *context, const struct insp_train_params *params,
                              struct insp_train_data *data, const float *probability,
                              const struct insp_progress *progress, json_t **ret, struct insp_error *reterr) {
    _cleanup_(insp_good_opinions_clear) struct insp_good_opinions o = {0};
    struct insp_error why;
    json_t *served = NULL;
    *ret = NULL;
    int r = insp_good_opinions_make(context, params, data, progress, &o, &why);
    if (r == INSP_E_DATASET) {
        insp_progress_log(progress, "no good-only model beside the trained ones: %s", why.detail);
        return 0;
    }
    if (r < 0)
        return insp_fail(reterr, r, "%s", why.detail);
    combine(params, probability, &o);
    r = served_json(params, &data->set, false, &o, &served, reterr);
    if (r < 0)
        return r;
    *ret = json_pack("{s:o, s:o}", "served", served, "good_only", describe(&o, params));
    return *ret ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
}

/* --- by itself --- */

/* Holds one cross-validation. */
struct validation {
    const struct insp_train_context *context;
    const struct insp_train_params *params;
    struct insp_train_data *data;
    struct insp_good_opinions opinions;
    struct insp_fold_figures figures;
    json_t *folds;
    double evaluating_s;
};

static void validation_clear(struct validation *v) {
    insp_good_opinions_clear(&v->opinions);
    insp_train_data_free(v->data);
    json_decref(v->folds);
}

static int add_fold(struct validation *v, size_t fold, size_t *member, float *probability,
                    struct insp_error *reterr) {
    const struct insp_good_opinions *o = &v->opinions;
    struct insp_metrics metrics = {0};
    size_t count = 0;
    for (size_t i = 0; i < o->judged.count; i++)
        if (o->fold[i] == fold) {
            member[count] = o->judged.member[i];
            probability[count++] = o->probability[i];
        }
    int r = insp_train_data_metrics(v->data, member, count, probability, (double)v->params->threshold, &metrics,
                                    reterr);
    if (r < 0)
        return r;
    insp_fold_figures_add(&v->figures, &metrics);
    json_t *entry = json_pack("{s:i, s:i, s:[], s:o}", "fold", (int)fold + 1, "held_out", (int)count, "epochs",
                              "metrics", insp_report_metrics(&v->data->set, &metrics));
    insp_metrics_clear(&metrics);
    return entry && json_array_append_new(v->folds, entry) == 0 ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory");
}

static int add_folds(struct validation *v, struct insp_error *reterr) {
    _cleanup_free_ size_t *member = calloc(v->opinions.judged.count + 1, sizeof *member);
    _cleanup_free_ float *probability = calloc(v->opinions.judged.count + 1, sizeof *probability);
    v->folds = json_array();
    int r = member && probability && v->folds ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the folds");
    for (size_t f = 0; f < v->params->folds && r == 0; f++)
        r = add_fold(v, f, member, probability, reterr);
    return r;
}

/* Builds the parts of the report that concern single images. */
static int judged_json(const struct validation *v, const struct insp_progress *progress, json_t **ret,
                       struct insp_error *reterr) {
    const struct insp_good_opinions *o = &v->opinions;
    const struct insp_judgement judgement = {.set = &v->data->set,
                                             .member = o->judged.member,
                                             .count = o->judged.count,
                                             .probability = o->probability,
                                             .map = o->judged.map,
                                             .threshold = (double)v->params->threshold,
                                             .heatmap_scale = INSP_SCALE_FIXED,
                                             .heatmap_threshold = v->params->heatmap_threshold};
    json_t *judged, *served = NULL;
    int r = insp_judgement_json(&judgement, &v->context->limits, progress, &judged, reterr);
    if (r < 0)
        return r;
    r = served_json(v->params, &v->data->set, true, o, &served, reterr);
    if (r == 0 && json_object_set_new(judged, "served", served) < 0)
        r = insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
    if (r < 0)
        json_decref(judged);
    else
        *ret = judged;
    return r;
}

static int report(struct validation *v, const struct insp_progress *progress, json_t **ret,
                  struct insp_error *reterr) {
    const struct insp_good_opinions *o = &v->opinions;
    const struct insp_train_data *data = v->data;
    struct insp_metrics metrics = {0};
    json_t *judged = NULL;
    int64_t start_us = insp_mono_us();
    int r = add_folds(v, reterr);
    if (r == 0)
        r = insp_train_data_metrics(data, o->judged.member, o->judged.count, o->probability,
                                    (double)v->params->threshold, &metrics, reterr);
    if (r == 0)
        r = judged_json(v, progress, &judged, reterr);
    if (r == 0) {
        json_t *json = json_pack(
            "{s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:O, s:o, s:o, s:o, s:o, s:I, s:{s:f, s:f, s:f, s:f}}", "kind",
            "cross-validate", "mode", insp_train_mode_name(INSP_MODE_GOOD_ONLY), "product", v->context->product,
            "trunk", v->context->trunk_sha256, "params", insp_train_params_json(v->params), "dataset",
            insp_report_dataset(&data->set, true), "thin", false, "folds", v->folds, "mean",
            insp_fold_figures_json(&v->figures, false), "std", insp_fold_figures_json(&v->figures, true), "pooled",
            insp_report_metrics(&data->set, &metrics), "good_only", describe(o, v->params), "trunk_runs",
            (json_int_t)o->model.trunk_runs, "seconds", "reading", data->reading_s, "features", o->model.samples_s,
            "training", o->model.fitting_s, "evaluating", insp_seconds_since(start_us));
        r = insp_report_join(json, judged, ret, reterr);
    }
    insp_metrics_clear(&metrics);
    return r;
}

int insp_good_validate(const struct insp_train_context *context, const struct insp_train_params *params,
                       json_t **ret_report, struct insp_error *reterr) {
    _cleanup_(validation_clear) struct validation v = {.context = context, .params = params};
    const struct insp_progress reading = insp_progress_part(&context->progress, 0, 0.05),
                               judging = insp_progress_part(&context->progress, 0.05, 0.95),
                               reporting = insp_progress_part(&context->progress, 0.95, 1);
    int r = insp_train_data_list(context, params->skip_unreadable, &reading, &v.data, reterr);
    if (r == 0)
        r = insp_good_opinions_make(context, params, v.data, &judging, &v.opinions, reterr);
    return r < 0 ? r : report(&v, &reporting, ret_report, reterr);
}
