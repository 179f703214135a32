#include "core/judge/judgement.h"
#include "core/judge/localise.h"
#include "core/judge/report.h"

#include <math.h>

/* Counts the good images with heat at or above the threshold; below 5 % on held-out images is the aim. Looking at
 * the 14x14 map is enough, because the upsampled map never exceeds it. */
static struct insp_rate good_shown(const struct insp_judgement *j) {
    uint64_t shown = 0, good = 0;
    for (size_t i = 0; i < j->count; i++) {
        if (j->set->label[j->member[i]] != INSP_CLASS_GOOD)
            continue;
        float top = j->map[i * INSP_MAP_FLOATS];
        for (size_t at = 1; at < INSP_MAP_FLOATS; at++)
            top = fmaxf(top, j->map[i * INSP_MAP_FLOATS + at]);
        /* A map scaled by its own extremes always reaches 1, so heat is shown only for the verdict anomaly. */
        shown += j->heatmap_scale == INSP_SCALE_FIXED ? top >= j->heatmap_threshold : insp_judgement_anomaly(j, i);
        good++;
    }
    return insp_rate(shown, good);
}

int insp_judgement_json(const struct insp_judgement *j, const struct insp_image_limits *limits,
                        const struct insp_progress *progress, json_t **ret, struct insp_error *reterr) {
    struct insp_localisation localisation;
    int r = insp_localise(j, limits, progress, &localisation, reterr);
    if (r < 0)
        return r;
    struct insp_rate shown = good_shown(j);
    json_t *json = json_pack(
        "{s:f, s:{s:s, s:f}, s:o, s:o, s:o, s:o, s:o, s:o}", "threshold", j->threshold, "heatmap", "scale",
        j->heatmap_scale == INSP_SCALE_FIXED ? "fixed" : "per_image", "threshold", (double)j->heatmap_threshold,
        "roc", insp_report_roc(j->set, j->member, j->count, j->probability), "histogram", insp_report_histogram(j),
        "images", insp_report_images(j), "examples", insp_report_examples(j), "good_shown", insp_rate_json(&shown),
        "localisation", insp_localisation_json(&localisation));
    if (!json)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
    *ret = json;
    return 0;
}
