/* core/model/good/good_scores.h - keep how good parts scored when a version was trained, so that those of the line
 * can be compared with them (core/good_only/good_drift.h). In the manifest:
 *
 *   "good_scores": {"count": good images that were held out, 2 or more,
 *                   "quantiles": [101 ascending probabilities of an anomaly: 0 %, 1 %, ... 100 %]}
 *
 * null or missing: not known. A version whose good-only model decides needs none: its own quantiles (good_only.h)
 * say it. Pure; any thread. */
#ifndef INSP_MODEL_GOOD_GOOD_SCORES_H
#define INSP_MODEL_GOOD_GOOD_SCORES_H

#include "core/base/error.h"
#include "core/good_only/good_threshold.h"

#include <jansson.h>

struct insp_good_scores {
    size_t count; /* 0: not known */
    float quantile[INSP_GOOD_QUANTILES];
};

/* Makes the quantiles of the probabilities of n good images, and sorts these in place. Fewer than 2 give none. */
struct insp_good_scores insp_good_scores_of(float *probability, size_t n);

/* Parses the object; NULL or null gives none. Fails with INSP_E_MODEL, which names the field. */
int insp_good_scores_parse(const json_t *object, struct insp_good_scores *ret, struct insp_error *reterr);

/* Returns the object, or null for none; a new reference, NULL without memory. */
json_t *insp_good_scores_json(const struct insp_good_scores *scores);

#endif
