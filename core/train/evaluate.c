#include "core/base/clock.h"
#include "core/judge/heat_range.h"
#include "core/judge/report.h"
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

static int report(const struct insp_train_context *context, const struct insp_manifest *manifest,
                  const struct insp_train_data *data, const struct insp_judgement *judgement,
                  const struct insp_progress *progress, int64_t start_us, json_t **ret,
                  struct insp_error *reterr) {
    struct insp_metrics metrics = {0};
    json_t *judged = NULL;
    int r = insp_train_data_metrics(data, judgement->member, judgement->count, judgement->probability,
                                    judgement->threshold, &metrics, reterr);
    if (r == 0)
        r = insp_judgement_json(judgement, &context->limits, progress, &judged, reterr);
    if (r == 0) {
        json_t *json = json_pack(
            "{s:s, s:s, s:s, s:o, s:o, s:i, s:{s:f, s:f, s:f}}", "kind", "evaluate", "product", context->product,
            "version", manifest->version, "dataset", insp_report_dataset(&data->set, true), "metrics",
            insp_report_metrics(&data->set, &metrics), "trunk_runs", (int)data->trunk_runs, "seconds", "reading",
            data->reading_s, "features", data->features_s, "evaluating", insp_seconds_since(start_us));
        r = insp_report_join(json, judged, ret, reterr);
    }
    insp_metrics_clear(&metrics);
    return r;
}

static int judge(const struct insp_train_context *context, const struct insp_transform *input, const char *version,
                 const struct insp_train_data *data, const struct insp_progress *progress, json_t **ret_report,
                 struct insp_error *reterr) {
    _cleanup_free_ size_t *member = malloc(data->set.count * sizeof *member);
    _cleanup_free_ float *probability = malloc(data->set.count * sizeof *probability),
                         *map = malloc(data->set.count * INSP_MAP_FLOATS * sizeof *map);
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    const struct insp_progress scoring = insp_progress_part(progress, 0, 0.8),
                               reporting = insp_progress_part(progress, 0.8, 1);
    if (!member || !probability || !map)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to judge %zu images", data->set.count);
    for (size_t m = 0; m < data->set.count; m++)
        member[m] = m;
    int64_t start_us = insp_mono_us();
    insp_progress_stage(progress, "evaluating");
    int r = insp_score_version(context, data, input, version, member, data->set.count, &scoring, probability, map,
                               &manifest, reterr);
    if (r < 0)
        return r;
    insp_heat_normalise(map, data->set.count * INSP_MAP_FLOATS, manifest->heatmap.low, manifest->heatmap.high);
    const struct insp_judgement judgement = {.set = &data->set,
                                             .member = member,
                                             .count = data->set.count,
                                             .probability = probability,
                                             .map = map,
                                             .threshold = (double)manifest->threshold,
                                             .heatmap_scale = manifest->heatmap.scale,
                                             .heatmap_threshold = manifest->heatmap.threshold};
    return report(context, manifest, data, &judgement, &reporting, start_us, ret_report, reterr);
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

int insp_evaluate(const struct insp_train_context *context, const struct insp_train_params *params,
                  const char *version, json_t **ret_report, struct insp_error *reterr) {
    char name[INSP_NAME_BYTES];
    _cleanup_(insp_train_data_freep) struct insp_train_data *data = NULL;
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    const struct insp_progress opening = insp_progress_part(&context->progress, 0, 0.8),
                               judging = insp_progress_part(&context->progress, 0.8, 0.95),
                               labelled = insp_progress_part(&context->progress, 0.95, 1);
    json_t *made = NULL;
    int r = pick_version(context, version, name, reterr);
    /* Fail early if the version does not exist; its input transform is needed for the features. */
    if (r == 0)
        r = insp_bundle_read_manifest(context->state_dir, context->product, name, &manifest, reterr);
    if (r == 0)
        r = insp_manifest_good_decides(manifest)
                ? insp_train_data_list(context, params->skip_unreadable, &opening, &data, reterr)
                : insp_train_data_open(context, &manifest->input, params->skip_unreadable, &opening, &data,
                                       reterr);
    if (r == 0)
        r = judge(context, &manifest->input, name, data, &judging, &made, reterr);
    if (r == 0)
        r = judge_labelled(context, manifest, data, &labelled, made, reterr);
    if (r < 0)
        json_decref(made);
    else
        *ret_report = made;
    return r;
}
