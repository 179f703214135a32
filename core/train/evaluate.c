#include "core/base/clock.h"
#include "core/judge/heat_range.h"
#include "core/judge/report.h"
#include "core/judge/served.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"
#include "core/train/feedback.h"
#include "core/train/score_version.h"

#include <string.h>

static int pick_version(const struct insp_train_context *context, const char *version, char *ret,
                        struct insp_error *reterr) {
    if (version) {
        snprintf(ret, INSP_NAME_BYTES, "%s", version);
        return 0;
    }
    int r = insp_registry_active(context->state_dir, context->product, ret, reterr);
    if (r == 0 && !*ret)
        return insp_fail(reterr, INSP_E_CONFLICT, "product %s has no active model; train one, or name a version",
                         context->product);
    return r;
}

/* The answers to the images. */
struct answers {
    size_t *member; /* [count], the images that were judged */
    size_t count;
    float *probability, *map;   /* [count], [count,14,14] */
    struct insp_served *served; /* [count]; NULL: the version has no good-only model */
};

static void answers_clear(struct answers *a) {
    free(a->member);
    free(a->probability);
    free(a->map);
    free(a->served);
}

static int add_served(const struct insp_manifest *manifest, const struct insp_train_data *data,
                      const struct answers *a, json_t *report, struct insp_error *reterr) {
    const struct insp_served_set set = {.set = &data->set,
                                        .member = a->member,
                                        .count = a->count,
                                        .served = a->served,
                                        .good_decides = insp_manifest_good_decides(manifest),
                                        .probability = a->probability,
                                        .threshold = (double)manifest->threshold};
    json_t *served = NULL;
    int r = a->served ? insp_served_json(&set, &served, reterr) : 0;
    if (r == 0 && json_object_set_new(report, "served", served ? served : json_null()) < 0)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
    return r;
}

static int report(const struct insp_train_context *context, const struct insp_manifest *manifest,
                  const struct insp_train_data *data, const struct answers *a,
                  const struct insp_progress *progress, int64_t start_us, json_t **ret,
                  struct insp_error *reterr) {
    const struct insp_judgement judgement = {.set = &data->set,
                                             .member = a->member,
                                             .count = a->count,
                                             .probability = a->probability,
                                             .map = a->map,
                                             .threshold = (double)manifest->threshold,
                                             .heatmap_scale = manifest->heatmap.scale,
                                             .heatmap_threshold = manifest->heatmap.threshold};
    struct insp_metrics metrics = {0};
    json_t *judged = NULL;
    int r =
        insp_train_data_metrics(data, a->member, a->count, a->probability, judgement.threshold, &metrics, reterr);
    if (r == 0)
        r = insp_judgement_json(&judgement, &context->limits, progress, &judged, reterr);
    if (r == 0)
        r = add_served(manifest, data, a, judged, reterr);
    if (r == 0) {
        json_t *json =
            json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:i, s:{s:f, s:f, s:f}}", "kind", "evaluate", "product",
                      context->product, "version", manifest->version, "decided_by",
                      insp_manifest_good_decides(manifest) ? "good_only" : "supervised", "dataset",
                      insp_report_dataset(&data->set, true), "metrics", insp_report_metrics(&data->set, &metrics),
                      "trunk_runs", (int)data->trunk_runs, "seconds", "reading", data->reading_s, "features",
                      data->features_s, "evaluating", insp_seconds_since(start_us));
        r = insp_report_join(json, json_incref(judged), ret, reterr);
    }
    json_decref(judged);
    insp_metrics_clear(&metrics);
    return r;
}

/* Leaves out the images that did not decode. */
static void keep_readable(struct insp_train_data *data, struct answers *a, const bool *unreadable) {
    size_t kept = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (unreadable[i]) {
            data->set.skipped++;
            continue;
        }
        a->member[kept] = a->member[i];
        a->probability[kept] = a->probability[i];
        a->served[kept] = a->served[i];
        memmove(a->map + kept * INSP_MAP_FLOATS, a->map + i * INSP_MAP_FLOATS, INSP_MAP_FLOATS * sizeof *a->map);
        kept++;
    }
    a->count = kept;
}

/* Judges the image files as the daemon would, by both models of the version. */
static int serve(const struct insp_train_context *context, bool skip_unreadable, const char *version,
                 struct insp_train_data *data, const struct insp_progress *progress, struct answers *a,
                 struct insp_error *reterr) {
    _cleanup_free_ bool *unreadable = calloc(a->count + 1, sizeof *unreadable);
    a->served = calloc(a->count + 1, sizeof *a->served);
    if (!unreadable || !a->served)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to judge %zu images", a->count);
    const struct insp_answers answers = {.probability = a->probability,
                                         .map = a->map,
                                         .served = a->served,
                                         .unreadable = skip_unreadable ? unreadable : NULL};
    int r = insp_serve_version(context, data, version, a->member, a->count, progress, &answers, reterr);
    if (r < 0)
        return r;
    data->trunk_runs += a->count;
    keep_readable(data, a, unreadable);
    return 0;
}

static int score(const struct insp_train_context *context, const struct insp_manifest *manifest,
                 bool skip_unreadable, struct insp_train_data *data, const struct insp_progress *progress,
                 struct answers *a, struct insp_error *reterr) {
    _cleanup_(insp_manifest_freep) struct insp_manifest *again = NULL;
    a->count = data->set.count;
    a->member = malloc((a->count + 1) * sizeof *a->member);
    a->probability = calloc(a->count + 1, sizeof *a->probability);
    a->map = calloc(a->count + 1, INSP_MAP_FLOATS * sizeof *a->map);
    if (!a->member || !a->probability || !a->map)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to judge %zu images", a->count);
    for (size_t m = 0; m < a->count; m++)
        a->member[m] = m;
    int r = manifest->good_only.images
                ? serve(context, skip_unreadable, manifest->version, data, progress, a, reterr)
                : insp_score_version(context, data, &manifest->input, manifest->version, a->member, a->count,
                                     progress, a->probability, a->map, &again, reterr);
    if (r == 0)
        insp_train_data_heat(data, a->member, a->count, manifest->heatmap.scale, manifest->heatmap.low,
                             manifest->heatmap.high, a->map);
    return r;
}

static int judge(const struct insp_train_context *context, const struct insp_manifest *manifest,
                 bool skip_unreadable, struct insp_train_data *data, const struct insp_progress *progress,
                 json_t **ret_report, struct insp_error *reterr) {
    _cleanup_(answers_clear) struct answers answers = {0};
    const struct insp_progress scoring = insp_progress_part(progress, 0, 0.8),
                               reporting = insp_progress_part(progress, 0.8, 1);
    int64_t start_us = insp_mono_us();
    insp_progress_stage(progress, "evaluating");
    int r = score(context, manifest, skip_unreadable, data, &scoring, &answers, reterr);
    return r < 0 ? r : report(context, manifest, data, &answers, &reporting, start_us, ret_report, reterr);
}

struct version {
    const struct insp_train_context *context;
    const struct insp_manifest *manifest;
};

static int score_labelled(void *arg, const struct insp_train_data *view, const size_t *member, size_t count,
                          const struct insp_progress *progress, float *ret_probability,
                          struct insp_error *reterr) {
    const struct version *v = arg;
    _cleanup_(insp_manifest_freep) struct insp_manifest *again = NULL;
    return insp_score_version(v->context, view, &v->manifest->input, v->manifest->version, member, count, progress,
                              ret_probability, NULL, &again, reterr);
}

/* Adds the report on labelled inspections. It comes last, because it refills the cache with other images than the
 * dataset's. The training images of a stored version are unknown. */
static int judge_labelled(const struct insp_train_context *context, const struct insp_manifest *manifest,
                          struct insp_train_data *data, const struct insp_progress *progress, json_t *report,
                          struct insp_error *reterr) {
    struct version version = {context, manifest};
    const struct insp_feedback_config config = {.context = context,
                                                .data = data,
                                                .scorer = score_labelled,
                                                .arg = &version,
                                                .threshold = manifest->threshold};
    json_t *feedback = NULL;
    int r = insp_feedback_report_or_null(&config, progress, &feedback, reterr);
    if (r == 0 && json_object_set_new(report, "feedback", feedback ? feedback : json_null()) < 0)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
    return r;
}

int insp_evaluate(const struct insp_train_context *caller, const struct insp_train_params *params,
                  const char *version, json_t **ret_report, struct insp_error *reterr) {
    char name[INSP_NAME_BYTES];
    _cleanup_(insp_train_data_freep) struct insp_train_data *data = NULL;
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    const struct insp_progress opening = insp_progress_part(&caller->progress, 0, 0.8),
                               judging = insp_progress_part(&caller->progress, 0.8, 0.95),
                               labelled = insp_progress_part(&caller->progress, 0.95, 1);
    json_t *made = NULL;
    struct insp_train_context own = *caller;
    const struct insp_train_context *context = &own;
    int r = pick_version(context, version, name, reterr);
    /* Fail early if the version does not exist; its input transform is needed for the features. */
    if (r == 0)
        r = insp_bundle_read_manifest(context->state_dir, context->product, name, &manifest, reterr);
    if (r == 0)
        own.fields = manifest->fields; /* not the product's, which may have changed since */
    if (r == 0)
        r = manifest->good_only.images
                ? insp_train_data_list(context, params->skip_unreadable, &opening, &data, reterr)
                : insp_train_data_open_tiled(context, &manifest->input, manifest->tiles, false,
                                             params->skip_unreadable, &opening, &data, reterr);
    if (r == 0)
        r = judge(context, manifest, params->skip_unreadable, data, &judging, &made, reterr);
    if (r == 0)
        r = judge_labelled(context, manifest, data, &labelled, made, reterr);
    if (r < 0)
        json_decref(made);
    else
        *ret_report = made;
    return r;
}
