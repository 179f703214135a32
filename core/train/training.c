#include "core/train/train.h"

#include "core/base/clock.h"
#include "core/dataset/picture_ranges.h"
#include "core/dataset/split.h"
#include "core/judge/heat_range.h"
#include "core/judge/report.h"
#include "core/model/bundle.h"
#include "core/train/candidates/choice.h"
#include "core/train/features/memory.h"
#include "core/train/feedback.h"
#include "core/train/golden_pick.h"
#include "core/train/good/good_model.h"
#include "core/train/good/good_training.h"
#include "core/train/heat/heat_choose.h"
#include "core/train/promotion.h"
#include "core/train/tiles/tile_samples.h"

#include <math.h>
#include <string.h>

/* Holds a duration, and the processor time of all threads within it. */
struct span {
    double seconds, cpu_s;
};

static struct span span_start(void) {
    return (struct span){(double)insp_mono_us() / 1e6, (double)insp_cpu_us() / 1e6};
}

static struct span span_since(struct span start) {
    const struct span now = span_start();
    return (struct span){now.seconds - start.seconds, now.cpu_s - start.cpu_s};
}

/* A training from data to report. run_free releases it at any stage. */
struct run {
    const struct insp_train_context *context;
    const struct insp_train_params *params;
    struct insp_train_data *data;
    size_t *member; /* [count]: first the training split, then held-out images that only choose, then the others */
    size_t train_count, choosing_count, held_count;
    struct insp_candidate_models models; /* trained; after the choice those of the candidate that was taken */
    struct insp_choice choice;
    json_t *curve;
    struct insp_metrics metrics; /* of the held-out images */
    float *probability;          /* [held_count] */
    float *map;                  /* [held_count,14,14], heat */
    float low, high;             /* the range of the maps, from the training split */
    json_t *judged;              /* judgement.h, of the held-out images */
    json_t *feedback;            /* feedback.h; NULL: none */
    bool beside;                 /* a good-only model is wanted */
    struct insp_good_model good; /* good.gauss NULL: none */
    struct insp_heat_choice heat;
    json_t *heat_maps; /* insp_heat_maps_json; NULL: there was no choice */
    struct insp_manifest *manifest;
    struct insp_promotion promotion;
    struct span training_time, threshold_time;
    double evaluating_s, writing_s;
};

static void run_free(struct run *run) {
    insp_train_data_free(run->data);
    free(run->member);
    insp_candidate_models_clear(&run->models);
    insp_choice_clear(&run->choice);
    json_decref(run->curve);
    insp_metrics_clear(&run->metrics);
    free(run->probability);
    free(run->map);
    json_decref(run->judged);
    json_decref(run->feedback);
    insp_good_model_clear(&run->good);
    json_decref(run->heat_maps);
    insp_manifest_free(run->manifest);
    insp_promotion_clear(&run->promotion);
}

/* --- split --- */

/* Checks that each part has images of both classes. */
static int check_classes(const struct run *run, struct insp_error *reterr) {
    size_t anomalies[2] = {0}, count[2] = {run->train_count, run->held_count};
    for (size_t i = 0; i < run->train_count + run->held_count; i++)
        anomalies[i >= run->train_count] += run->data->set.label[run->member[i]] == INSP_CLASS_ANOMALY;
    for (int part = 0; part < 2; part++)
        if (anomalies[part] == 0 || anomalies[part] == count[part])
            return insp_fail(
                reterr, INSP_E_DATASET,
                "the %s part of %zu images has no %s images; add images, or choose another test_share",
                part ? "held-out" : "training", count[part], anomalies[part] ? "good" : "defective");
    return 0;
}

/* Checks the number of images before the split does, so that the error says what the dataset lacks. */
static int check_enough(const struct run *run, struct insp_error *reterr) {
    const struct insp_train_data *data = run->data;
    _cleanup_free_ size_t *size = calloc(data->set.dataset->stratum_count + 1, sizeof *size);
    if (!size)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the split of %zu images", data->set.count);
    for (size_t m = 0; m < data->set.count; m++)
        size[data->set.strata[m]]++;
    size_t largest = 0;
    for (size_t s = 1; s < data->set.dataset->stratum_count; s++)
        largest = size[s] > largest ? size[s] : largest;
    if (size[0] >= 2 && largest >= 2)
        return 0;
    return insp_fail(
        reterr, INSP_E_DATASET,
        "%s has %zu good images and at most %zu of one defect type. A training holds some of both back to "
        "evaluate the model, so it needs at least 2 good images, 2 images of one defect type, and %u images "
        "(one mini-batch) to train on",
        data->set.dataset->root, size[0], largest, run->params->batch);
}

static int split(struct run *run, struct insp_error *reterr) {
    const struct insp_train_data *data = run->data;
    int enough = check_enough(run, reterr);
    if (enough < 0)
        return enough;
    _cleanup_free_ bool *is_held_out = calloc(data->set.count, sizeof *is_held_out);
    run->member = malloc(data->set.count * sizeof *run->member);
    run->probability = malloc(data->set.count * sizeof *run->probability);
    run->map = malloc(data->set.count * INSP_MAP_FLOATS * sizeof *run->map);
    if (!is_held_out || !run->member || !run->probability || !run->map)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the split of %zu images", data->set.count);
    /* 0.2f is slightly more than 0.2 and the split rounds up, so without this 21 of 100 images would be held out.
     * */
    double test_share = round((double)run->params->test_share * 1e6) / 1e6;
    int r = insp_split_stratified(data->set.strata, data->set.count, data->set.dataset->stratum_count, test_share,
                                  run->params->seed, is_held_out, reterr);
    if (r < 0)
        return r;
    for (size_t m = 0; m < data->set.count; m++)
        if (!is_held_out[m])
            run->member[run->train_count++] = m;
    for (size_t m = 0; m < data->set.count; m++)
        if (is_held_out[m])
            run->member[run->train_count + run->held_count++] = m;
    r = check_classes(run, reterr);
    if (r == 0)
        r = insp_choice_divide(run->params, &data->set, run->train_count, run->member + run->train_count,
                               run->held_count, &run->choosing_count, reterr);
    run->held_count -= run->choosing_count;
    return r;
}

static const size_t *choosing(const struct run *run) {
    return run->member + run->train_count;
}

/* Returns the held-out members that judge the version, [held_count]. */
static const size_t *held_out(const struct run *run) {
    return choosing(run) + run->choosing_count;
}

/* --- the threshold --- */

static struct insp_scorer scorer_of(const struct run *run) {
    return (struct insp_scorer){.tail = run->models.served,
                                .logistic = run->models.logistic,
                                .use = insp_candidate_use(run->choice.taken)};
}

/* Returns by which images to choose: a part of the held-out ones, or all of them if they are too few for parts. */
static struct insp_choice_task choice_task(const struct run *run) {
    return (struct insp_choice_task){.context = run->context,
                                     .params = run->params,
                                     .data = run->data,
                                     .trained = run->member,
                                     .trained_count = run->train_count,
                                     .held = run->choosing_count ? choosing(run) : held_out(run),
                                     .held_count = run->choosing_count ? run->choosing_count : run->held_count,
                                     .apart = run->choosing_count > 0,
                                     .epochs = (unsigned)json_array_size(run->curve)};
}

static int choose_by_folds(struct run *run, const struct insp_progress *progress, struct insp_error *reterr) {
    const struct insp_choice_task task = choice_task(run);
    const struct span start = span_start();
    int r = insp_choice_by_folds(&task, progress, &run->models, &run->choice, reterr);
    run->threshold_time = span_since(start);
    return r;
}

static int choose_by_held_out(struct run *run, const struct insp_progress *progress, struct insp_error *reterr) {
    const struct insp_choice_task task = choice_task(run);
    return insp_choice_by_held_out(&task, progress, &run->models, &run->choice, reterr);
}

/* --- judging --- */

static int judge(struct run *run, const struct insp_progress *progress, struct insp_error *reterr) {
    const struct insp_scorer scorer = scorer_of(run);
    int r = insp_train_data_score(run->data, &scorer, held_out(run), run->held_count, progress, run->probability,
                                  run->map, reterr);
    if (r < 0)
        return r;
    insp_train_data_heat(run->data, held_out(run), run->held_count, run->params->heatmap_scale, run->low,
                         run->high, run->map);
    return insp_train_data_metrics(run->data, held_out(run), run->held_count, run->probability,
                                   (double)run->choice.threshold, &run->metrics, reterr);
}

/* Chooses the map that is shown, and puts its heat in place of class activation's. */
static int choose_heat(struct run *run, const struct insp_progress *progress, struct insp_error *reterr) {
    const struct insp_heat_task task = {.context = run->context,
                                        .params = run->params,
                                        .data = run->data,
                                        .good = &run->good,
                                        .member = held_out(run),
                                        .count = run->held_count,
                                        .probability = run->probability,
                                        .threshold = run->choice.threshold,
                                        .low = run->low,
                                        .high = run->high};
    return insp_heat_choose(&task, progress, run->map, &run->heat, &run->heat_maps, reterr);
}

static int localise(struct run *run, const struct insp_progress *progress, struct insp_error *reterr) {
    const struct insp_train_params *params = run->params;
    const struct insp_judgement judgement = {.set = &run->data->set,
                                             .member = held_out(run),
                                             .count = run->held_count,
                                             .probability = run->probability,
                                             .map = run->map,
                                             .threshold = (double)run->choice.threshold,
                                             .heatmap_scale = params->heatmap_scale,
                                             .heatmap_threshold = params->heatmap_threshold};
    return insp_judgement_json(&judgement, &run->context->limits, progress, &run->judged, reterr);
}

/* --- writing --- */

static int fill_manifest(struct run *run, struct insp_error *reterr) {
    struct insp_manifest *manifest = run->manifest = insp_manifest_new();
    if (!manifest)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the manifest");
    snprintf(manifest->product, sizeof manifest->product, "%s", run->context->product);
    snprintf(manifest->trunk_sha256, sizeof manifest->trunk_sha256, "%s", run->context->trunk_sha256);
    manifest->input = run->params->input;
    manifest->logistic.use = insp_candidate_use(run->choice.taken);
    manifest->threshold = run->choice.threshold;
    manifest->fields = insp_field_set_ref(run->context->fields);
    manifest->heatmap = (struct insp_heat_params){.scale = run->params->heatmap_scale,
                                                  .threshold = run->params->heatmap_threshold,
                                                  .low = run->low,
                                                  .high = run->high};
    if (run->heat.kind != INSP_HEAT_ACTIVATION) { /* its map is heat */
        manifest->heatmap.low = 0;
        manifest->heatmap.high = 1;
    }
    manifest->heat = run->heat;
    int r = insp_manifest_tile(manifest, run->params->tiles, reterr);
    if (r < 0)
        return r;
    manifest->heat_chosen = json_incref(run->heat_maps);
    manifest->good_only = run->good.good;
    manifest->training = insp_train_params_json(run->params);
    manifest->dataset = insp_report_dataset(&run->data->set, false);
    char labels[INSP_SHA256_HEX_BYTES];
    if (insp_tile_samples_digest(run->data, labels) &&
        json_object_set_new(manifest->dataset, "tile_labels", json_string(labels)) < 0)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the manifest");
    manifest->images = insp_report_members(&run->data->set, choosing(run), run->choosing_count + run->held_count);
    manifest->curve = json_incref(run->curve);
    manifest->metrics = insp_report_metrics(&run->data->set, &run->metrics);
    bool usual = !run->choice.promise && manifest->threshold == insp_train_params_default().threshold;
    json_t *promise = json_copy(json_object_get(run->choice.promise, "threshold_promise"));
    json_object_del(promise, "preventing"); /* images are for the report */
    manifest->threshold_source =
        json_pack("{s:s, s:o*}", "from", usual ? "default" : "training", "promise", promise);
    manifest->lineage =
        json_pack("{s:s?, s:s?, s:s}", "parent", *run->promotion.previous ? run->promotion.previous : NULL, "job",
                  run->context->job_id, "dataset", run->data->set.digest);
    if (!manifest->training || !manifest->dataset || !manifest->metrics || !manifest->threshold_source ||
        !manifest->lineage || !manifest->images ||
        json_object_set_new(manifest->training, "candidate", json_string(insp_candidate_name(run->choice.taken))) <
            0)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the manifest");
    return 0;
}

static int write_bundle(struct run *run, struct insp_error *reterr) {
    _cleanup_(insp_golden_freep) struct insp_golden *golden = NULL;
    struct insp_bundle_parts parts = {.tail = run->models.tail,
                                      .good = run->good.gauss,
                                      .memory = run->good.gauss ? &run->good.memory : NULL,
                                      .logistic = run->models.logistic};
    int r = insp_golden_pick(run->context, run->data, run->manifest, held_out(run), run->held_count, &parts,
                             &golden, reterr);
    parts.golden = golden;
    return r < 0 ? r : insp_bundle_write_parts(run->context->state_dir, run->manifest, &parts, reterr);
}

static int report(const struct run *run, json_t **ret, struct insp_error *reterr) {
    const struct insp_train_data *data = run->data;
    json_t *json = json_pack(
        "{s:s, s:s, s:o, s:s, s:s, s:b, s:s, s:o, s:o, s:O, s:O?, s:i, s:o, s:o, s:O?, s:O?, s:i, s:{s:f, s:f, "
        "s:f, s:f, s:f, s:f}, s:{s:f, s:f}, s:o}",
        "kind", "train", "mode", insp_train_mode_name(INSP_MODE_SUPERVISED), "good_only",
        run->good.gauss ? insp_good_model_json(&run->good, run->params->max_rejected) : json_null(), "product",
        run->context->product, "version", run->manifest->version, "activated", run->promotion.activated, "reason",
        run->promotion.reason, "params", insp_train_params_json(run->params), "dataset",
        insp_report_dataset(&data->set, true), "epochs", run->curve, "candidates", run->choice.candidates,
        "held_out", (int)run->held_count, "metrics", insp_report_metrics(&data->set, &run->metrics), "previous",
        insp_promotion_previous_json(&run->promotion), "feedback", run->feedback, "heat_maps", run->heat_maps,
        "trunk_runs", (int)data->trunk_runs, "seconds", "reading", data->reading_s, "features", data->features_s,
        "training", run->training_time.seconds, "threshold", run->threshold_time.seconds, "evaluating",
        run->evaluating_s, "writing", run->writing_s, "cpu_seconds", "training", run->training_time.cpu_s,
        "threshold", run->threshold_time.cpu_s, "tiles",
        insp_tile_samples_json(data, run->params, run->member, run->train_count));
    if (json && run->choice.promise && json_object_update(json, run->choice.promise) < 0) {
        json_decref(json);
        json = NULL;
    }
    return insp_report_join(json, json_incref(run->judged), ret, reterr);
}

/* --- the whole --- */

static int fit(struct run *run, const struct insp_progress *progress, struct insp_error *reterr) {
    const struct insp_fit_config config = {
        .device = run->context->device,
        .params = run->params,
        .data = run->data,
        .member = run->member,
        .count = run->train_count,
        .stop_early = true,
    };
    const struct span start = span_start();
    int r = insp_candidate_models_fit(&config, insp_choice_compares(run->params), progress, &run->models,
                                      &run->curve, reterr);
    run->training_time = span_since(start);
    return r;
}

static int evaluate(struct run *run, const struct insp_progress *progress, struct insp_error *reterr) {
    int64_t start_us = insp_mono_us();
    insp_progress_stage(progress, "evaluating");
    const struct insp_progress maps = insp_progress_part(progress, 0, 0.6),
                               held = insp_progress_part(progress, 0.6, 0.75),
                               heat = insp_progress_part(progress, 0.75, 0.8),
                               old = insp_progress_part(progress, 0.8, 0.9),
                               masks = insp_progress_part(progress, 0.9, 0.97),
                               pictures = insp_progress_part(progress, 0.97, 1);
    int r = choose_by_held_out(run, &held, reterr);
    if (r == 0)
        r = insp_train_data_heat_range(run->data, run->models.served, run->member, run->train_count,
                                       run->params->heatmap_threshold, &maps, &run->low, &run->high, reterr);
    if (r == 0)
        r = judge(run, &held, reterr);
    if (r == 0)
        r = choose_heat(run, &heat, reterr);
    if (r == 0)
        r = insp_promotion_compare(run->context, run->params, run->data, held_out(run), run->held_count, &old,
                                   &run->promotion, reterr);
    if (r == 0)
        r = localise(run, &masks, reterr);
    if (r == 0)
        r = insp_report_threshold(&run->data->set, held_out(run), run->held_count, run->probability,
                                  run->params->max_missed, run->judged, reterr);
    if (r == 0)
        r = fill_manifest(run, reterr);
    if (r == 0)
        r = insp_train_data_good_scores(run->data, held_out(run), run->held_count, run->probability,
                                        &run->manifest->good_scores, reterr);
    if (r == 0)
        r = insp_picture_ranges(&run->data->set, run->member, run->train_count, run->context->fields,
                                run->params->tiles, &run->context->limits, &pictures, &run->manifest->pictures,
                                reterr);
    run->evaluating_s = insp_seconds_since(start_us);
    return r;
}

static int score_labelled(void *arg, const struct insp_train_data *view, const size_t *member, size_t count,
                          const struct insp_progress *progress, float *ret_probability,
                          struct insp_error *reterr) {
    const struct run *run = arg;
    const struct insp_scorer scorer = scorer_of(run);
    return insp_train_data_score(view, &scorer, member, count, progress, ret_probability, NULL, reterr);
}

/* Builds the report on labelled inspections. It comes last, because it refills the cache with other images than
 * the dataset's. */
static int judge_labelled(struct run *run, const struct insp_progress *progress, struct insp_error *reterr) {
    const struct insp_feedback_config config = {.context = run->context,
                                                .data = run->data,
                                                .scorer = score_labelled,
                                                .arg = run,
                                                .threshold = run->manifest->threshold,
                                                .trained_known = true,
                                                .trained = run->member,
                                                .trained_count = run->train_count};
    return insp_feedback_report_or_null(&config, progress, &run->feedback, reterr);
}

/* Fits the good-only model, if one is wanted and the set has enough good images. */
static int fit_beside(struct run *run, const struct insp_progress *progress, struct insp_error *reterr) {
    return run->beside ? insp_good_model_beside(run->context, run->params, run->data->set.dataset, progress,
                                                &run->good, reterr)
                       : 0;
}

static int finish(struct run *run, const struct insp_progress *progress, struct insp_error *reterr) {
    int64_t start_us = insp_mono_us();
    if (insp_progress_cancelled(progress))
        return insp_fail(reterr, INSP_E_CANCELLED, "cancelled before the model was written");
    insp_progress_stage(progress, "writing");
    int r = write_bundle(run, reterr);
    if (r == 0)
        r = insp_promotion_decide(run->context, run->params->activate, run->manifest->version,
                                  run->metrics.balanced_accuracy, &run->promotion, reterr);
    insp_promotion_say_source(run->params->activate, run->choice.promise, &run->promotion);
    run->writing_s = insp_seconds_since(start_us);
    return r;
}

static int train(struct run *run, json_t **ret_report, struct insp_error *reterr) {
    const struct insp_progress *whole = &run->context->progress;
    const struct insp_progress data = insp_progress_part(whole, 0, 0.35),
                               training =
                                   insp_progress_part(whole, 0.35, run->params->threshold_auto ? 0.65 : 0.9),
                               threshold = insp_progress_part(whole, 0.65, 0.9),
                               beside = insp_progress_part(whole, 0.9, 0.91),
                               evaluating = insp_progress_part(whole, 0.91, 0.97),
                               labelled = insp_progress_part(whole, 0.97, 0.98),
                               writing = insp_progress_part(whole, 0.98, 1);
    int r = insp_memory_check(insp_memory_training_estimate(run->params->batch), insp_memory_available(),
                              "training", reterr);
    if (r == 0)
        r = insp_train_data_open_tiled(run->context, &run->params->input, run->params->tiles, true,
                                       run->params->skip_unreadable, &data, &run->data, reterr);
    if (r == 0)
        r = split(run, reterr);
    if (r == 0)
        r = fit(run, &training, reterr);
    if (r == 0)
        r = choose_by_folds(run, &threshold, reterr);
    if (r == 0)
        r = fit_beside(run, &beside, reterr);
    if (r == 0)
        r = evaluate(run, &evaluating, reterr);
    if (r == 0)
        r = judge_labelled(run, &labelled, reterr);
    if (r == 0)
        r = finish(run, &writing, reterr);
    return r ? r : report(run, ret_report, reterr);
}

int insp_train_supervised(const struct insp_train_context *context, const struct insp_train_params *params,
                          bool beside, json_t **ret_report, struct insp_error *reterr) {
    struct run run = {.context = context, .params = params, .beside = beside};
    int r = train(&run, ret_report, reterr);
    run_free(&run);
    return r;
}
