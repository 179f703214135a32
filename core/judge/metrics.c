#include "core/judge/metrics.h"

#include "core/base/cleanup.h"

#include <math.h>
#include <stdlib.h>

struct insp_rate insp_rate(uint64_t hits, uint64_t of) {
    static const double z = 1.959963984540054; /* 97.5 % point of the normal distribution */
    if (!of)
        return (struct insp_rate){.hits = hits, .of = of, .value = NAN, .low = NAN, .high = NAN};
    double n = (double)of, p = (double)hits / n;
    double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return (struct insp_rate){.hits = hits,
                              .of = of,
                              .value = p,
                              .low = hits ? fmax(0, centre - half) : 0,
                              .high = hits < of ? fmin(1, centre + half) : 1};
}

struct scored {
    float probability;
    uint8_t label;
};

static int by_falling_probability(const void *a, const void *b) {
    float x = ((const struct scored *)a)->probability, y = ((const struct scored *)b)->probability;
    return (x < y) - (x > y);
}

/* Returns the scores by falling probability, which the caller frees, or NULL without memory. */
static struct scored *sorted_scores(const float *probability, const uint8_t *label, size_t count) {
    struct scored *sorted = calloc(count + 1, sizeof *sorted);
    if (!sorted)
        return NULL;
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct scored){probability[i], label[i]};
    qsort(sorted, count, sizeof *sorted, by_falling_probability);
    return sorted;
}

/* Returns the share of (anomaly, good) pairs in which the anomaly has the higher probability, a tie counting half:
 * the Mann-Whitney form of the area under the curve. Sums are integers until the last division. */
static double area_under_roc(const struct scored *sorted, size_t count) {
    uint64_t anomalies = 0, goods = 0, twice = 0;
    for (size_t i = 0; i < count;) {
        uint64_t anomalous = 0, good = 0;
        for (float p = sorted[i].probability; i < count && sorted[i].probability == p; i++)
            sorted[i].label ? anomalous++ : good++;
        twice += good * (2 * anomalies + anomalous);
        anomalies += anomalous;
        goods += good;
    }
    return anomalies && goods ? (double)twice / 2 / ((double)anomalies * (double)goods) : NAN;
}

static void count_confusion(const float *probability, const uint8_t *label, size_t count, double threshold,
                            struct insp_metrics *m) {
    for (size_t i = 0; i < count; i++) {
        bool called = (double)probability[i] >= threshold;
        if (label[i])
            called ? m->true_anomaly++ : m->false_good++;
        else
            called ? m->false_anomaly++ : m->true_good++;
    }
}

static void count_strata(const float *probability, const uint8_t *label, const size_t *strata, size_t count,
                         double threshold, struct insp_rate *stratum) {
    for (size_t i = 0; i < count; i++) {
        stratum[strata[i]].of++;
        stratum[strata[i]].hits += ((double)probability[i] >= threshold) == (label[i] != 0);
    }
}

int insp_metrics_compute(const float *probability, const uint8_t *label, const size_t *strata, size_t count,
                         size_t stratum_count, double threshold, struct insp_metrics *ret,
                         struct insp_error *reterr) {
    for (size_t i = 0; i < count; i++)
        if (isnan(probability[i]))
            return insp_fail(reterr, INSP_E_MODEL, "the probability of image %zu of %zu is not a number", i + 1,
                             count);
    _cleanup_free_ struct scored *sorted = sorted_scores(probability, label, count);
    struct insp_rate *stratum = calloc(stratum_count + 1, sizeof *stratum);
    if (!sorted || !stratum) {
        free(stratum);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to evaluate %zu images", count);
    }
    struct insp_metrics m = {.stratum_count = stratum_count, .stratum = stratum};
    count_confusion(probability, label, count, threshold, &m);
    count_strata(probability, label, strata, count, threshold, stratum);
    for (size_t s = 0; s < stratum_count; s++)
        stratum[s] = insp_rate(stratum[s].hits, stratum[s].of);
    m.accuracy = insp_rate(m.true_anomaly + m.true_good, count);
    m.precision = insp_rate(m.true_anomaly, m.true_anomaly + m.false_anomaly);
    m.recall = insp_rate(m.true_anomaly, m.true_anomaly + m.false_good);
    m.specificity = insp_rate(m.true_good, m.true_good + m.false_anomaly);
    m.balanced_accuracy = (m.recall.value + m.specificity.value) / 2;
    uint64_t f1_of = 2 * m.true_anomaly + m.false_anomaly + m.false_good;
    m.f1 = f1_of ? 2 * (double)m.true_anomaly / (double)f1_of : NAN;
    m.roc_auc = area_under_roc(sorted, count);
    *ret = m;
    return 0;
}

int insp_metrics_auc(const float *probability, const uint8_t *label, size_t count, double *ret,
                     struct insp_error *reterr) {
    _cleanup_free_ struct scored *sorted = sorted_scores(probability, label, count);
    if (!sorted)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to evaluate %zu images", count);
    *ret = area_under_roc(sorted, count);
    return 0;
}

void insp_metrics_clear(struct insp_metrics *metrics) {
    free(metrics->stratum);
    *metrics = (struct insp_metrics){0};
}

static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *insp_rate_json(const struct insp_rate *rate) {
    return json_pack("{s:o, s:o, s:o, s:I, s:I}", "value", number(rate->value), "low", number(rate->low), "high",
                     number(rate->high), "hits", (json_int_t)rate->hits, "of", (json_int_t)rate->of);
}

static json_t *by_type_json(const struct insp_metrics *m, const char (*stratum_name)[65]) {
    json_t *by_type = json_object();
    for (size_t s = 0; by_type && s < m->stratum_count; s++)
        if (json_object_set_new(by_type, stratum_name[s], insp_rate_json(&m->stratum[s])) < 0) {
            json_decref(by_type);
            return NULL;
        }
    return by_type;
}

static json_t *confusion_json(const struct insp_metrics *m) {
    return json_pack("{s:{s:I, s:I}, s:{s:I, s:I}}", "actual_anomaly", "predicted_anomaly",
                     (json_int_t)m->true_anomaly, "predicted_good", (json_int_t)m->false_good, "actual_good",
                     "predicted_anomaly", (json_int_t)m->false_anomaly, "predicted_good",
                     (json_int_t)m->true_good);
}

json_t *insp_metrics_json(const struct insp_metrics *m, const char (*stratum_name)[65]) {
    json_t *summary = json_sprintf("%llu of %llu anomalies found, %llu missed; %llu of %llu good parts passed, "
                                   "%llu false alarms",
                                   (unsigned long long)m->true_anomaly, (unsigned long long)m->recall.of,
                                   (unsigned long long)m->false_good, (unsigned long long)m->true_good,
                                   (unsigned long long)m->specificity.of, (unsigned long long)m->false_anomaly);
    return json_pack("{s:I, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "images",
                     (json_int_t)m->accuracy.of, "confusion", confusion_json(m), "missed",
                     (json_int_t)m->false_good, "false_alarms", (json_int_t)m->false_anomaly, "summary", summary,
                     "accuracy", insp_rate_json(&m->accuracy), "precision", insp_rate_json(&m->precision),
                     "recall", insp_rate_json(&m->recall), "specificity", insp_rate_json(&m->specificity),
                     "balanced_accuracy", number(m->balanced_accuracy), "f1", number(m->f1), "roc_auc",
                     number(m->roc_auc), "by_type", by_type_json(m, stratum_name));
}

struct point {
    uint64_t false_alarms, found;
    float threshold; /* infinity for the first */
};

/* Returns true if b lies on the straight line from a to c. */
static bool on_line(const struct point *a, const struct point *b, const struct point *c) {
    return (b->false_alarms - a->false_alarms) * (c->found - a->found) ==
           (c->false_alarms - a->false_alarms) * (b->found - a->found);
}

/* Writes one point per distinct probability, leaving out points on straight lines. point [count + 1]. Returns the
 * number of points. */
static size_t roc_points(const struct scored *sorted, size_t count, struct point *point) {
    size_t n = 0;
    struct point now = {0, 0, INFINITY};
    point[n++] = now;
    for (size_t i = 0; i < count;) {
        now.threshold = sorted[i].probability;
        for (; i < count && sorted[i].probability == now.threshold; i++)
            sorted[i].label ? now.found++ : now.false_alarms++;
        if (n >= 2 && on_line(&point[n - 2], &point[n - 1], &now))
            n--;
        point[n++] = now;
    }
    return n;
}

json_t *insp_roc_json(const float *probability, const uint8_t *label, size_t count) {
    _cleanup_free_ struct scored *sorted = sorted_scores(probability, label, count);
    _cleanup_free_ struct point *point = calloc(count + 1, sizeof *point);
    json_t *curve = json_array();
    if (!sorted || !point || !curve) {
        json_decref(curve);
        return NULL;
    }
    size_t n = roc_points(sorted, count, point);
    const struct point *last = &point[n - 1];
    if (!last->false_alarms || !last->found)
        return curve;
    size_t shown = n < INSP_ROC_POINTS ? n : INSP_ROC_POINTS;
    for (size_t k = 0; k < shown; k++) {
        const struct point *p = &point[k * (n - 1) / (shown - 1)]; /* always includes both ends */
        json_t *triple = json_pack("[f, f, o]", (double)p->false_alarms / (double)last->false_alarms,
                                   (double)p->found / (double)last->found, number((double)p->threshold));
        if (json_array_append_new(curve, triple) < 0) {
            json_decref(curve);
            return NULL;
        }
    }
    return curve;
}
