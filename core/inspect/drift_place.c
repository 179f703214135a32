#include "core/inspect/drift_place.h"

#include <math.h>

struct insp_drift_place insp_model_drift_place(const struct insp_manifest *manifest, float probability,
                                               float good_score) {
    const struct insp_good_only *good = &manifest->good_only;
    const struct insp_good_scores *scores = &manifest->good_scores;
    double limit = (double)(manifest->review.on ? manifest->review.low : manifest->threshold);
    if (insp_manifest_good_decides(manifest)) {
        /* The score whose probability is the limit: insp_good_probability, inverted. */
        double at = (double)good->scale.threshold + (double)good->scale.spread * log(limit / (1 - limit));
        return insp_drift_place_of(good->quantile, INSP_GOOD_QUANTILES, good->images, (float)at, good_score);
    }
    if (!scores->count)
        return (struct insp_drift_place){0};
    return insp_drift_place_of(scores->quantile, INSP_GOOD_QUANTILES, scores->count, (float)limit, probability);
}
