#include "core/train/good/good_training.h"

#include "core/base/clock.h"
#include "core/dataset/picture_ranges.h"
#include "core/judge/report.h"
#include "core/model/bundle.h"
#include "core/train/feedback.h"
#include "core/train/good/good_judge.h"
#include "core/train/promotion.h"
#include "core/train/tiles/tile_golden.h"

#include <math.h>
#include <string.h>

enum { GOLDEN_GOOD = 2, GOLDEN_DEFECTS = INSP_GOLDEN_MAX - GOLDEN_GOOD };

/* The state of one training; run_free frees all of it, at any stage. */
struct run {
    const struct insp_train_context *context;
    const struct insp_train_params *params;
    struct insp_train_data *data;
    struct insp_good_model model;
    struct insp_manifest *manifest;
    size_t *member; /* [count], the images that are judged */
    size_t count;
    float *probability, *map; /* [count], [count,14,14]: good images out of fold, defects by the whole model */
    struct insp_metrics metrics;
    json_t *judged, *feedback; /* feedback NULL: none */
    struct insp_promotion promotion;
    double evaluating_s, writing_s;
};

static void run_free(struct run *run) {
    insp_train_data_free(run->data);
    insp_good_model_clear(&run->model);
    insp_manifest_free(run->manifest);
    free(run->member);
    free(run->probability);
    free(run->map);
    insp_metrics_clear(&run->metrics);
    json_decref(run->judged);
    json_decref(run->feedback);
    insp_promotion_clear(&run->promotion);
}

static struct insp_model model_of(const struct run *run) {
    return (struct insp_model){.manifest = run->manifest, .good = run->model.gauss};
}

static const struct insp_dataset_item *item_of(const struct run *run, size_t member) {
    return &run->data->set.dataset->item[run->data->set.item[member]];
}

/* --- the version --- */

static int fill_manifest(struct run *run, struct insp_error *reterr) {
    struct insp_manifest *manifest = run->manifest = insp_manifest_new();
    if (!manifest)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the manifest");
    snprintf(manifest->product, sizeof manifest->product, "%s", run->context->product);
    snprintf(manifest->trunk_sha256, sizeof manifest->trunk_sha256, "%s", run->context->trunk_sha256);
    manifest->input = run->params->input;
    manifest->threshold = run->params->threshold;
    manifest->good_only = run->model.good;
    manifest->fields = insp_field_set_ref(run->context->fields);
    manifest->heatmap = (struct insp_heat_params){
        .scale = INSP_SCALE_FIXED, .threshold = run->params->heatmap_threshold, .low = 0, .high = 1};
    manifest->heat = insp_heat_choice_old(false, run->params->heatmap_threshold);
    int r = insp_manifest_tile(manifest, run->params->tiles, reterr);
    if (r < 0)
        return r;
    manifest->training = insp_train_params_json(run->params);
    manifest->dataset = insp_report_dataset(&run->data->set, false);
    manifest->images = insp_report_members(&run->data->set, NULL, 0);
    manifest->threshold_source = json_pack("{s:s}", "from", "training");
    if (!manifest->training || !manifest->dataset || !manifest->images || !manifest->threshold_source)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the manifest");
    return 0;
}

/* --- judging --- */

static int judge_images(struct run *run, const struct insp_progress *progress, struct insp_error *reterr) {
    struct insp_good_judged judged = {0};
    int r = insp_good_judge(run->context, run->params, &run->model, run->manifest, run->data, progress, &judged,
                            reterr);
    if (r < 0)
        return r;
    run->member = insp_take_ptr(judged.member);
    run->probability = insp_take_ptr(judged.score);
    run->map = insp_take_ptr(judged.map);
    run->count = judged.count;
    for (size_t i = 0; i < run->count; i++)
        run->probability[i] = insp_good_probability(&run->model.good.scale, run->probability[i]);
    return insp_train_data_metrics(run->data, run->member, run->count, run->probability,
                                   (double)run->params->threshold, &run->metrics, reterr);
}

static int judge(struct run *run, const struct insp_progress *progress, struct insp_error *reterr) {
    const struct insp_progress scoring = insp_progress_part(progress, 0, 0.8),
                               masks = insp_progress_part(progress, 0.8, 1);
    int r = judge_images(run, &scoring, reterr);
    if (r < 0)
        return r;
    const struct insp_judgement judgement = {.set = &run->data->set,
                                             .member = run->member,
                                             .count = run->count,
                                             .probability = run->probability,
                                             .map = run->map,
                                             .threshold = (double)run->params->threshold,
                                             .heatmap_scale = INSP_SCALE_FIXED,
                                             .heatmap_threshold = run->params->heatmap_threshold};
    return insp_judgement_json(&judgement, &run->context->limits, &masks, &run->judged, reterr);
}

static int score_labelled(void *arg, const struct insp_train_data *view, const size_t *member, size_t count,
                          const struct insp_progress *progress, float *ret_probability,
                          struct insp_error *reterr) {
    const struct run *run = arg;
    struct insp_model model = model_of(run);
    const struct insp_score_files files = {
        .context = run->context, .trunk = run->context->trunk, .model = &model, .set = &view->set};
    const struct insp_answers answers = {.probability = ret_probability};
    return insp_score_files(&files, member, count, progress, &answers, reterr);
}

static int judge_labelled(struct run *run, const struct insp_progress *progress, struct insp_error *reterr) {
    const struct insp_feedback_config config = {.context = run->context,
                                                .data = run->data,
                                                .scorer = score_labelled,
                                                .arg = run,
                                                .threshold = run->params->threshold,
                                                .trained_known = true,
                                                .trained = run->member,
                                                .trained_count = run->count};
    return insp_feedback_report_or_null(&config, progress, &run->feedback, reterr);
}

static int evaluate(struct run *run, const struct insp_progress *progress, struct insp_error *reterr) {
    const struct insp_progress own = insp_progress_part(progress, 0, 0.5),
                               old = insp_progress_part(progress, 0.5, 0.7),
                               labelled = insp_progress_part(progress, 0.7, 0.9),
                               pictures = insp_progress_part(progress, 0.9, 1);
    int64_t start_us = insp_mono_us();
    insp_progress_stage(progress, "evaluating");
    int r = fill_manifest(run, reterr);
    if (r == 0)
        r = judge(run, &own, reterr);
    if (r == 0)
        r = insp_promotion_compare(run->context, run->params, run->data, run->member,
                                   isnan(run->metrics.balanced_accuracy) ? 0 : run->count, &old, &run->promotion,
                                   reterr);
    if (r == 0)
        r = judge_labelled(run, &labelled, reterr);
    if (r == 0)
        r = insp_picture_ranges(&run->data->set, run->member, run->count, run->context->fields, run->params->tiles,
                                &run->context->limits, &pictures, &run->manifest->pictures, reterr);
    run->evaluating_s = insp_seconds_since(start_us);
    return r;
}

/* --- writing --- */

/* Decodes a picture as the daemon would and keeps the model's answer. */
static int add_golden(struct run *run, size_t member, struct insp_golden *golden, struct insp_error *reterr) {
    struct insp_golden_sample *sample = &golden->sample[golden->count];
    const struct insp_field *field = insp_field_of(run->manifest->fields, NULL);
    int r = insp_read_rgb(item_of(run, member)->path, &item_of(run, member)->type, field, run->manifest->tiles,
                          &run->context->limits, &sample->rgb, reterr);
    if (r < 0)
        return r;
    struct insp_model model = model_of(run);
    r = insp_golden_worst(run->context->trunk, &model, field, sample, reterr);
    if (r < 0)
        return r;
    sample->label = run->data->set.label[member];
    golden->count++;
    return 0;
}

/* Takes the first and the last good image, and as many defects where there are some. */
static int pick_golden(struct run *run, struct insp_golden **ret, struct insp_error *reterr) {
    _cleanup_(insp_golden_freep) struct insp_golden *golden = insp_golden_new();
    size_t taken[INSP_CLASSES] = {0};
    const size_t most[INSP_CLASSES] = {[INSP_CLASS_GOOD] = GOLDEN_GOOD, [INSP_CLASS_ANOMALY] = GOLDEN_DEFECTS};
    int r = golden ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for golden samples");
    if (r == 0)
        golden->cuda = insp_device_is_cuda(run->context->device);
    for (size_t i = 0; i < run->count && r == 0; i++) {
        size_t member = run->member[i % 2 ? run->count - 1 - i / 2 : i / 2];
        uint8_t label = run->data->set.label[member];
        if (taken[label] == most[label])
            continue;
        taken[label]++;
        r = add_golden(run, member, golden, reterr);
    }
    if (r == 0)
        *ret = insp_take_ptr(golden);
    return r;
}

static int finish(struct run *run, const struct insp_progress *progress, struct insp_error *reterr) {
    _cleanup_(insp_golden_freep) struct insp_golden *golden = NULL;
    struct insp_manifest *manifest = run->manifest;
    int64_t start_us = insp_mono_us();
    if (insp_progress_cancelled(progress))
        return insp_fail(reterr, INSP_E_CANCELLED, "cancelled before the model was written");
    insp_progress_stage(progress, "writing");
    manifest->metrics = insp_report_metrics(&run->data->set, &run->metrics);
    manifest->lineage =
        json_pack("{s:s?, s:s?, s:s}", "parent", *run->promotion.previous ? run->promotion.previous : NULL, "job",
                  run->context->job_id, "dataset", run->data->set.digest);
    int r =
        manifest->metrics && manifest->lineage ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the manifest");
    if (r == 0)
        r = pick_golden(run, &golden, reterr);
    if (r == 0)
        r = insp_bundle_write_parts(
            run->context->state_dir, manifest,
            &(struct insp_bundle_parts){.golden = golden, .good = run->model.gauss, .memory = &run->model.memory},
            reterr);
    if (r == 0)
        r = insp_promotion_decide(run->context, run->params->activate, run->manifest->version,
                                  run->metrics.balanced_accuracy, &run->promotion, reterr);
    run->writing_s = insp_seconds_since(start_us);
    return r;
}

/* --- the report --- */

static int report(const struct run *run, json_t **ret, struct insp_error *reterr) {
    const struct insp_train_data *data = run->data;
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:s, s:b, s:s, s:o, s:o, s:[], s:I, s:o, s:o, s:O?, s:o, s:I, s:{s:f, s:f, s:f, s:f, "
        "s:f}}",
        "kind", "train", "mode", insp_train_mode_name(INSP_MODE_GOOD_ONLY), "product", run->context->product,
        "version", run->manifest->version, "activated", run->promotion.activated, "reason", run->promotion.reason,
        "params", insp_train_params_json(run->params), "dataset", insp_report_dataset(&data->set, true), "epochs",
        "held_out", (json_int_t)run->count, "metrics", insp_report_metrics(&data->set, &run->metrics), "previous",
        insp_promotion_previous_json(&run->promotion), "feedback", run->feedback, "good_only",
        insp_good_model_json(&run->model, run->params->max_rejected), "trunk_runs",
        (json_int_t)run->model.trunk_runs, "seconds", "reading", data->reading_s, "features", run->model.samples_s,
        "training", run->model.fitting_s, "evaluating", run->evaluating_s, "writing", run->writing_s);
    return insp_report_join(json, json_incref(run->judged), ret, reterr);
}

int insp_train_good_only(const struct insp_train_context *context, const struct insp_train_params *params,
                         json_t **ret_report, struct insp_error *reterr) {
    struct run run = {.context = context, .params = params};
    const struct insp_progress *whole = &context->progress;
    const struct insp_progress reading = insp_progress_part(whole, 0, 0.05),
                               fitting = insp_progress_part(whole, 0.05, 0.8),
                               evaluating = insp_progress_part(whole, 0.8, 0.96),
                               writing = insp_progress_part(whole, 0.96, 1);
    int r = insp_train_data_list(context, params->skip_unreadable, &reading, &run.data, reterr);
    if (r == 0) {
        const struct insp_good_model_config config = {.context = context,
                                                      .dataset = run.data->set.dataset,
                                                      .input = params->input,
                                                      .tiles = params->tiles,
                                                      .alpha = params->max_rejected,
                                                      .seed = params->seed,
                                                      .skip_unreadable = params->skip_unreadable};
        r = insp_good_model_fit(&config, &fitting, &run.model, reterr);
    }
    if (r == 0)
        r = evaluate(&run, &evaluating, reterr);
    if (r == 0)
        r = finish(&run, &writing, reterr);
    if (r == 0)
        r = report(&run, ret_report, reterr);
    run_free(&run);
    return r;
}
