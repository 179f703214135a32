/* core/judge/metrics.h - computes classification metrics; the positive class is anomaly. Pure functions; any
 * thread. A rate with denominator 0 is NaN, and null in JSON. Values equal scikit-learn's
 * (tests/parity/test_metrics.py) except for these rates, for which scikit-learn warns and returns 0. */
#ifndef INSP_JUDGE_METRICS_H
#define INSP_JUDGE_METRICS_H

#include "core/base/error.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct insp_rate {
    uint64_t hits, of;
    double value;     /* hits / of */
    double low, high; /* Wilson score interval, 95 % (Wilson 1927) */
};
/* Computes hits / of and its interval; hits <= of. All values are NaN if of is 0. */
struct insp_rate insp_rate(uint64_t hits, uint64_t of);

struct insp_metrics {
    uint64_t true_anomaly, false_anomaly, true_good, false_good; /* tp, fp, tn, fn */
    struct insp_rate accuracy, precision, recall, specificity;
    double balanced_accuracy; /* mean of recall and specificity; NaN with one class only */
    double f1;                /* 2 tp / (2 tp + fp + fn) */
    double roc_auc;           /* ties count half; NaN with one class only */
    size_t stratum_count;
    struct insp_rate *stratum; /* [stratum_count], owned; share of correct verdicts per stratum */
};

/* Computes the metrics of the rule "anomaly if probability >= threshold"; insp_metrics_clear releases *ret.
 *   probability  [count], of an anomaly, 0..1
 *   label        [count], 0 good, 1 anomaly
 *   strata       [count], each 0..stratum_count-1
 * Errors:
 *   INSP_E_MODEL  a probability is not a number
 *   INSP_E_NOMEM */
int insp_metrics_compute(const float *probability, const uint8_t *label, const size_t *strata, size_t count,
                         size_t stratum_count, double threshold, struct insp_metrics *ret,
                         struct insp_error *reterr);
/* Computes the area under the ROC curve alone; ties count half. NaN with one class only. probability, label:
 * [count]. Fails with INSP_E_NOMEM. */
int insp_metrics_auc(const float *probability, const uint8_t *label, size_t count, double *ret,
                     struct insp_error *reterr);
void insp_metrics_clear(struct insp_metrics *metrics);

/* Returns {"value","low","high","hits","of"} as a new reference, or NULL without memory. */
json_t *insp_rate_json(const struct insp_rate *rate);

/* Returns a new reference, or NULL without memory:
 *   {"images", "confusion": {"actual_anomaly": {"predicted_anomaly", "predicted_good"}, "actual_good": {...}},
 *    "missed", "false_alarms", "summary": the confusion as a sentence,
 *    "accuracy", "precision", "recall", "specificity": rates as insp_rate_json,
 *    "balanced_accuracy", "f1", "roc_auc", "by_type": {stratum: rate}}
 * stratum_name [stratum_count]. */
json_t *insp_metrics_json(const struct insp_metrics *metrics, const char (*stratum_name)[65]);

/* Returns the ROC curve [[false alarm rate, recall, threshold], ...] from (0,0) to (1,1) as a new reference, or
 * NULL without memory. Points inside straight lines are left out; at most INSP_ROC_POINTS remain. The first
 * threshold is null, that is, above all probabilities. With one class only the array is empty. probability, label:
 * [count]. */
enum { INSP_ROC_POINTS = 512 };
json_t *insp_roc_json(const float *probability, const uint8_t *label, size_t count);

#endif
