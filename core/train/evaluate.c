/* core/train/evaluate.c - a stored model judged on a whole dataset. */
#include "core/base/clock.h"
#include "core/model/bundle.h"
#include "core/model/registry.h"
#include "core/train/report.h"
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
        return insp_fail(reterr, INSP_E_CONFLICT, "product %s has no active model: train one, or name a version",
                         context->product);
    return r;
}

static json_t *report(const struct insp_train_context *context, const struct insp_train_data *data,
                      const struct insp_manifest *manifest, const size_t *member, const float *probability,
                      const struct insp_metrics *metrics, double evaluating_s) {
    return json_pack("{s:s, s:s, s:s, s:f, s:o, s:o, s:o, s:o, s:i, s:{s:f, s:f, s:f}}", "kind", "evaluate",
                     "product", context->product, "version", manifest->version, "threshold",
                     (double)manifest->threshold, "dataset", insp_report_dataset(data), "metrics",
                     insp_report_metrics(data, metrics), "roc",
                     insp_report_roc(data, member, data->count, probability), "images",
                     insp_report_images(data, member, data->count, probability, (double)manifest->threshold),
                     "trunk_runs", (int)data->trunk_runs, "seconds", "reading", data->reading_s, "features",
                     data->features_s, "evaluating", evaluating_s);
}

static int judge(const struct insp_train_context *context, const struct insp_transform *input, const char *version,
                 const struct insp_train_data *data, const struct insp_progress *progress, json_t **ret_report,
                 struct insp_error *reterr) {
    _cleanup_free_ size_t *member = malloc(data->count * sizeof *member);
    _cleanup_free_ float *probability = malloc(data->count * sizeof *probability);
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    struct insp_metrics metrics = {0};
    if (!member || !probability)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to judge %zu images", data->count);
    for (size_t m = 0; m < data->count; m++)
        member[m] = m;
    int64_t start_us = insp_mono_us();
    insp_progress_stage(progress, "evaluating");
    int r = insp_score_version(context, data, input, version, member, data->count, progress, probability,
                               &manifest, reterr);
    if (r == 0)
        r = insp_train_data_metrics(data, member, data->count, probability, (double)manifest->threshold, &metrics,
                                    reterr);
    if (r < 0)
        return r;
    *ret_report = report(context, data, manifest, member, probability, &metrics, insp_seconds_since(start_us));
    insp_metrics_clear(&metrics);
    return *ret_report ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
}

int insp_evaluate(const struct insp_train_context *context, const struct insp_train_params *params,
                  const char *version, json_t **ret_report, struct insp_error *reterr) {
    char name[INSP_NAME_BYTES];
    _cleanup_(insp_train_data_freep) struct insp_train_data *data = NULL;
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    const struct insp_progress opening = insp_progress_part(&context->progress, 0, 0.8),
                               judging = insp_progress_part(&context->progress, 0.8, 1);
    int r = pick_version(context, version, name, reterr);
    /* Before the set is read: a version that is not there is told at once, and the features are made with the
     * input that the model takes. */
    if (r == 0)
        r = insp_bundle_read_manifest(context->state_dir, context->product, name, &manifest, reterr);
    if (r == 0)
        r = insp_train_data_open(context, &manifest->input, params->skip_unreadable, &opening, &data, reterr);
    return r ? r : judge(context, &manifest->input, name, data, &judging, ret_report, reterr);
}
