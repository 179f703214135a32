/* core/train/metrics.h - evaluation; positive = anomaly. Pure functions. Where a rate's denominator is 0 the rate
 * is NaN and JSON says null. */
#ifndef INSP_TRAIN_METRICS_H
#define INSP_TRAIN_METRICS_H

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
    double balanced_accuracy; /* mean of recall and specificity */
    double f1;
    double roc_auc; /* ties count half; NaN with one class only */
    size_t stratum_count;
    struct insp_rate *stratum; /* share classified right per stratum; owned: insp_metrics_clear */
};

/* probability [count] of anomaly, label [count] of 0..1, strata [count]; predicted anomaly where probability >=
 * threshold. */
int insp_metrics_compute(const float *probability, const uint8_t *label, const size_t *strata, size_t count,
                         size_t stratum_count, double threshold, struct insp_metrics *ret,
                         struct insp_error *reterr);
void insp_metrics_clear(struct insp_metrics *metrics);

/* New reference: {accuracy:{value,low,high}, balanced_accuracy,
 * confusion:{actual_anomaly:{predicted_anomaly,...},...}, ...} */
json_t *insp_metrics_json(const struct insp_metrics *metrics, const char (*stratum_name)[65]);

#endif
