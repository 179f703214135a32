#include "core/train/judgement.h"

#include "core/train/localise.h"
#include "core/train/report.h"

struct insp_heat_params insp_judgement_heat(const struct insp_judgement *j) {
    return (struct insp_heat_params){j->heatmap_scale, j->heatmap_threshold, 0, 1};
}

bool insp_judgement_anomaly(const struct insp_judgement *j, size_t i) {
    return (double)j->probability[i] >= j->threshold;
}

int insp_judgement_json(const struct insp_judgement *j, const struct insp_image_limits *limits,
                        const struct insp_progress *progress, json_t **ret, struct insp_error *reterr) {
    struct insp_localisation localisation;
    int r = insp_localise(j, limits, progress, &localisation, reterr);
    if (r < 0)
        return r;
    json_t *json = json_pack("{s:f, s:{s:s, s:f}, s:o, s:o, s:o, s:o, s:o}", "threshold", j->threshold, "heatmap",
                             "scale", j->heatmap_scale == INSP_SCALE_FIXED ? "fixed" : "per_image", "threshold",
                             (double)j->heatmap_threshold, "roc",
                             insp_report_roc(j->data, j->member, j->count, j->probability), "histogram",
                             insp_report_histogram(j), "images", insp_report_images(j), "examples",
                             insp_report_examples(j), "localisation", insp_localisation_json(&localisation));
    if (!json)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
    *ret = json;
    return 0;
}
