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

/* Says how often a threshold errs on one class of images: misses anomalies, or rejects good parts. */
struct insp_error_promise {
    double allowed;  /* the share that was asked for */
    uint64_t hits;   /* images on the wrong side of the threshold */
    uint64_t of;     /* images of this class */
    double at_most;  /* with 95 % confidence the share is no larger: exact one-sided bound (Clopper-Pearson) */
    bool kept;       /* at_most is no larger than allowed, at a threshold that was chosen by rank */
    uint64_t needed; /* more images of this class that would keep it if the share of errors stays; 0: it is kept;
                        INSP_NO_NUMBER: no number of such images would */
};
#define INSP_NO_NUMBER UINT64_MAX

struct insp_threshold_promise {
    float threshold;
    struct insp_error_promise missed, rejected;
    bool overlap;    /* each could be kept alone, or fails for a lack of images; but not both at one threshold */
    float low, high; /* the thresholds that keep `rejected` begin at low, those that keep `missed` end at high */
};

/* Chooses a threshold for two promises: at most max_missed of anomalies are missed and at most max_rejected of
 * good parts are rejected, each with 95 % confidence. The highest threshold that keeps the first is an order
 * statistic of the anomalies' scores, the lowest that keeps the second one of the good parts'; too few images of a
 * class allow no error among them. Between the two the threshold is half way. If they overlap, the first promise
 * counts; but if there are too few anomalies to keep it at any threshold, both errors count, each in units of the
 * share that is allowed, and the threshold is one of their least sum.
 *   probability               [count], by models that have not seen the image
 *   label                     [count], 0 good, 1 anomaly
 *   max_missed, max_rejected  above 0, below 1
 * Fails as insp_threshold_advise does. */
int insp_threshold_promise_of(const float *probability, const uint8_t *label, size_t count, double max_missed,
                              double max_rejected, struct insp_threshold_promise *ret, struct insp_error *reterr);

/* Returns {"threshold", "kept": both, "overlap", "missed": {"allowed", "kept", "hits", "of", "at_most",
 * "more_needed": images or null}, "rejected": {the same}, "reason": why it is not kept, a sentence, or null} as a
 * new reference; NULL without memory. */
json_t *insp_threshold_promise_json(const struct insp_threshold_promise *promise);

#endif
