#include "core/judge/threshold.h"

#include "core/base/cleanup.h"
#include "core/model/float_json.h"
#include "core/model/manifest.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Returns the largest number of misses whose bound is at most max_missed, or -1 if no miss is already too many.
 * The bound grows with the misses. */
static int64_t misses_allowed(uint64_t anomalies, double max_missed) {
    int64_t allowed = -1;
    while (allowed + 1 < (int64_t)anomalies && insp_rate((uint64_t)allowed + 1, anomalies).high <= max_missed)
        allowed++;
    return allowed;
}

/* Returns the smallest number of anomalies that makes max_missed reachable. With no miss among n the bound is
 * z^2 / (n + z^2); this is solved for n, and the loop settles rounding. */
static uint64_t anomalies_needed(double max_missed) {
    static const double z2 = 3.841458820694124;
    uint64_t n = (uint64_t)fmax(1, floor(z2 * (1 - max_missed) / max_missed) - 1);
    while (insp_rate(0, n).high > max_missed)
        n++;
    return n;
}

/* Sorts the anomalies' probabilities in rising order; the caller frees *ret. */
static int sort_anomalies(const float *probability, const uint8_t *label, size_t count, float **ret,
                          uint64_t *ret_count, struct insp_error *reterr) {
    _cleanup_free_ float *sorted = calloc(count + 1, sizeof *sorted);
    uint64_t n = 0;
    if (!sorted)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the scores of %zu images", count);
    for (size_t i = 0; i < count; i++) {
        if (isnan(probability[i]))
            return insp_fail(reterr, INSP_E_MODEL, "the probability of image %zu of %zu is not a number", i + 1,
                             count);
        if (label[i])
            sorted[n++] = probability[i];
    }
    if (!n || n == count)
        return insp_fail(reterr, INSP_E_DATASET, "choosing a threshold needs both good and defective images");
    qsort(sorted, n, sizeof *sorted, by_value);
    *ret_count = n;
    *ret = insp_take_ptr(sorted);
    return 0;
}

int insp_threshold_advise(const float *probability, const uint8_t *label, size_t count, double max_missed,
                          struct insp_threshold_advice *ret, struct insp_error *reterr) {
    _cleanup_free_ float *anomaly = NULL;
    uint64_t anomalies, missed = 0, alarms = 0;
    int r = sort_anomalies(probability, label, count, &anomaly, &anomalies, reterr);
    if (r < 0)
        return r;
    int64_t allowed = misses_allowed(anomalies, max_missed);
    /* A threshold equal to the lowest score that must be found is the highest that finds it. With ties at that
     * score fewer anomalies are missed than allowed. */
    float threshold = anomaly[allowed > 0 ? allowed : 0];
    while (anomaly[missed] < threshold)
        missed++;
    for (size_t i = 0; i < count; i++)
        alarms += !label[i] && probability[i] >= threshold;
    *ret = (struct insp_threshold_advice){
        .max_missed = max_missed,
        .reachable = allowed >= 0,
        .threshold = threshold,
        .missed = insp_rate(missed, anomalies),
        .false_alarms = insp_rate(alarms, count - anomalies),
        .anomalies_needed = allowed >= 0 ? 0 : anomalies_needed(max_missed),
    };
    return 0;
}

json_t *insp_threshold_json(const struct insp_threshold_advice *advice) {
    json_t *json =
        json_pack("{s:f, s:b, s:o, s:o, s:o}", "max_missed", advice->max_missed, "reachable",
                  (int)advice->reachable, "threshold", insp_float_json(advice->threshold), "missed",
                  insp_rate_json(&advice->missed), "false_alarms", insp_rate_json(&advice->false_alarms));
    if (!json || advice->reachable)
        return json;
    json_t *reason = json_sprintf(
        "with %llu anomalies, even a threshold that misses none only guarantees at most %.2g %% missed "
        "(95 %% confidence); %llu anomalies are needed for %.3g %%",
        (unsigned long long)advice->missed.of, 100 * insp_rate(0, advice->missed.of).high,
        (unsigned long long)advice->anomalies_needed, 100 * advice->max_missed);
    if (json_object_set_new(json, "anomalies_needed", json_integer((json_int_t)advice->anomalies_needed)) < 0 ||
        json_object_set_new(json, "reason", reason) < 0) {
        json_decref(json);
        return NULL;
    }
    return json;
}
