/* core/judge/threshold.h - which threshold to set, from scores of images that their scorer had not seen. Pure
 * functions, any thread. */
#ifndef INSP_JUDGE_THRESHOLD_H
#define INSP_JUDGE_THRESHOLD_H

#include "core/judge/metrics.h"

struct insp_threshold_advice {
    double max_missed; /* as asked: the share of anomalies that may be missed */
    bool reachable;    /* missed.high <= max_missed at the threshold */
    float threshold;   /* verdict anomaly where probability >= threshold: exactly one of the given probabilities */
    struct insp_rate missed;       /* anomalies below the threshold, of all anomalies */
    struct insp_rate false_alarms; /* good images at or above it, of all good ones */
    uint64_t anomalies_needed;     /* where not reachable: from so many anomalies on it is, if none is missed */
};

/* The highest threshold whose miss rate's upper bound (Wilson, 95 %) is at most max_missed: the fewest false
 * alarms that can be had for that promise. Where even a threshold that misses none cannot promise it, because
 * there are too few anomalies, reachable is false and the advice is the highest threshold that misses none.
 *   probability [count] of anomaly, 0..1; label [count] of 0..1; max_missed above 0, below 1
 * INSP_E_DATASET without an anomaly or without a good image, INSP_E_MODEL for a probability that is not a number,
 * INSP_E_NOMEM. */
int insp_threshold_advise(const float *probability, const uint8_t *label, size_t count, double max_missed,
                          struct insp_threshold_advice *ret, struct insp_error *reterr);

/* New reference, NULL without memory:
 * {"max_missed","reachable","threshold","missed":{rate},"false_alarms":{rate}}, and where not reachable
 * "anomalies_needed" and "reason". */
json_t *insp_threshold_json(const struct insp_threshold_advice *advice);

#endif
