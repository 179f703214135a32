/* core/judge/threshold.h - advises a threshold from the probabilities of images that the model was not trained on.
 * Pure functions; any thread. */
#ifndef INSP_JUDGE_THRESHOLD_H
#define INSP_JUDGE_THRESHOLD_H

#include "core/judge/metrics.h"

struct insp_threshold_advice {
    double max_missed;       /* the argument: share of anomalies that may be missed */
    bool reachable;          /* missed.high <= max_missed at the threshold */
    float threshold;         /* verdict anomaly if probability >= threshold; one of the given probabilities */
    struct insp_rate missed; /* anomalies below the threshold, of all anomalies */
    struct insp_rate false_alarms; /* good images at or above the threshold, of all good images */
    uint64_t anomalies_needed;     /* if not reachable: number of anomalies that would suffice if none is missed */
};

/* Finds the highest threshold for which the upper bound of the miss rate (Wilson, 95 %) is at most max_missed,
 * that is, the one with the fewest false alarms. If there are too few anomalies for any threshold to guarantee
 * max_missed, `reachable` is false and the threshold is the highest that misses none.
 *   probability  [count], of an anomaly, 0..1
 *   label        [count], 0 good, 1 anomaly
 *   max_missed   0 < max_missed < 1
 * Errors:
 *   INSP_E_DATASET  no anomaly, or no good image
 *   INSP_E_MODEL    a probability is not a number
 *   INSP_E_NOMEM */
int insp_threshold_advise(const float *probability, const uint8_t *label, size_t count, double max_missed,
                          struct insp_threshold_advice *ret, struct insp_error *reterr);

/* Returns {"max_missed","reachable","threshold","missed":{rate},"false_alarms":{rate}} as a new reference, or NULL
 * without memory. If not reachable it also has "anomalies_needed" and "reason". */
json_t *insp_threshold_json(const struct insp_threshold_advice *advice);

#endif
