/* core/judge/metrics.h - evaluation; positive = anomaly. Pure functions, any thread. Where a rate's denominator is
 * 0 the rate is NaN, and JSON says null. Values equal scikit-learn's (tests/parity/test_metrics.py) but for those
 * NaNs, where scikit-learn warns and answers 0. */
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
struct insp_rate insp_rate(uint64_t hits, uint64_t of);

struct insp_metrics {
    uint64_t true_anomaly, false_anomaly, true_good, false_good; /* tp, fp, tn, fn */
    struct insp_rate accuracy, precision, recall, specificity;
    double balanced_accuracy; /* mean of recall and specificity; NaN with one class only */
    double f1;                /* 2 tp / (2 tp + fp + fn) */
    double roc_auc;           /* ties count half; NaN with one class only */
    size_t stratum_count;
    struct insp_rate *stratum; /* share classified right per stratum; owned: insp_metrics_clear */
};

/* probability [count] of anomaly, 0..1; label [count] of 0..1; strata [count] of 0..stratum_count-1; predicted
 * anomaly where probability >= threshold. *ret is the caller's to clear. INSP_E_NOMEM; INSP_E_MODEL for a
 * probability that is not a number. */
int insp_metrics_compute(const float *probability, const uint8_t *label, const size_t *strata, size_t count,
                         size_t stratum_count, double threshold, struct insp_metrics *ret,
                         struct insp_error *reterr);
void insp_metrics_clear(struct insp_metrics *metrics);

/* {"value","low","high","hits","of"} as a new reference, NULL without memory. */
json_t *insp_rate_json(const struct insp_rate *rate);

/* New reference, NULL without memory: {"images", "confusion": {"actual_anomaly": {"predicted_anomaly",
 * "predicted_good"}, "actual_good": {...}}, "missed", "false_alarms", "summary" (the same in words), "accuracy":
 * {"value","low","high","hits","of"}, "precision", "recall", "specificity" (as accuracy), "balanced_accuracy",
 * "f1", "roc_auc", "by_type": {stratum: as accuracy}}. */
json_t *insp_metrics_json(const struct insp_metrics *metrics, const char (*stratum_name)[65]);

/* The ROC curve as a new reference to [[false alarm rate, recall, threshold], ...] from (0,0) to (1,1), without
 * the points in the middle of straight lines, at most INSP_ROC_POINTS of them. The first threshold is null: above
 * all probabilities. [] with one class only. NULL without memory. */
enum { INSP_ROC_POINTS = 512 };
json_t *insp_roc_json(const float *probability, const uint8_t *label, size_t count);

#endif
