#include "core/judge/threshold.h"

#include "core/base/cleanup.h"
#include "core/good_only/good_threshold.h"
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

/* Sorts the probabilities of one class in rising order; the caller frees *ret. */
static int sort_class(const float *probability, const uint8_t *label, size_t count, bool anomalies, float **ret,
                      uint64_t *ret_count, struct insp_error *reterr) {
    _cleanup_free_ float *sorted = calloc(count + 1, sizeof *sorted);
    uint64_t n = 0;
    if (!sorted)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the scores of %zu images", count);
    for (size_t i = 0; i < count; i++) {
        if (isnan(probability[i]))
            return insp_fail(reterr, INSP_E_MODEL, "the probability of image %zu of %zu is not a number", i + 1,
                             count);
        if ((label[i] != 0) == anomalies)
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
    int r = sort_class(probability, label, count, true, &anomaly, &anomalies, reterr);
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

/* --- two promises --- */

static const double confidence_miss = 0.05;

/* Returns the number of errors among n images with which at most `allowed` can be promised; -1: not even with
 * none. */
static int64_t errors_allowed(uint64_t n, double allowed) {
    int64_t errors = -1;
    while (errors + 1 < (int64_t)n && insp_good_binomial_cdf((size_t)(errors + 1), n, allowed) <= confidence_miss)
        errors++;
    return errors;
}

/* Returns the share p with P(at most `hits` of n) = 5 %. */
static double upper_bound(uint64_t hits, uint64_t n) {
    double low = 0, high = 1;
    if (hits >= n)
        return 1;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (insp_good_binomial_cdf(hits, n, middle) > confidence_miss)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* Returns how many images would do in place of n, if the share of errors stays; INSP_NO_NUMBER if none does. */
static uint64_t images_that_keep(uint64_t hits, uint64_t n, double allowed) {
    static const uint64_t most = 1000000;
    double share = n ? (double)hits / (double)n : 0;
    uint64_t low = n, high = n ? n : 1;
    if (share >= allowed)
        return INSP_NO_NUMBER;
#define KEEPS(images)                                                                                             \
    (insp_good_binomial_cdf((size_t)ceil(share * (double)(images)), (images), allowed) <= confidence_miss)
    while (high < most && !KEEPS(high)) {
        low = high;
        high *= 2;
    }
    if (!KEEPS(high))
        return INSP_NO_NUMBER;
    while (high - low > 1) {
        uint64_t middle = (low + high) / 2;
        if (KEEPS(middle))
            high = middle;
        else
            low = middle;
    }
#undef KEEPS
    return high;
}

static struct insp_error_promise promise_of(double allowed, uint64_t hits, uint64_t of) {
    struct insp_error_promise p = {.allowed = allowed, .hits = hits, .of = of, .at_most = upper_bound(hits, of)};
    p.kept = (int64_t)hits <= errors_allowed(of, allowed);
    if (!p.kept) {
        uint64_t images = images_that_keep(hits, of, allowed);
        p.needed = images == INSP_NO_NUMBER ? images : images - of;
    }
    return p;
}

/* Returns a threshold just above a probability, at most 1 + 2^-16. */
static float above(float probability) {
    return probability + fmaxf(probability * 0x1p-16F, 0x1p-100F);
}

/* Returns the anomaly's score, as a threshold, with the least sum of both errors in units of what is allowed; of
 * equal ones the lowest. Both arrays rise. */
static float least_errors(const float *anomaly, uint64_t anomalies, double max_missed, const float *good,
                          uint64_t goods, double max_rejected) {
    double least = INFINITY;
    float threshold = anomaly[0];
    for (uint64_t missed = 0, below = 0; missed < anomalies; missed++) {
        while (below < goods && good[below] < anomaly[missed])
            below++;
        double sum = (double)missed / (double)anomalies / max_missed +
                     (double)(goods - below) / (double)goods / max_rejected;
        if (sum < least && (missed == 0 || anomaly[missed] > anomaly[missed - 1])) {
            least = sum;
            threshold = anomaly[missed];
        }
    }
    return threshold;
}

int insp_threshold_promise_of(const float *probability, const uint8_t *label, size_t count, double max_missed,
                              double max_rejected, struct insp_threshold_promise *ret, struct insp_error *reterr) {
    _cleanup_free_ float *anomaly = NULL, *good = NULL;
    uint64_t anomalies, goods, missed = 0, rejected = 0;
    int r = sort_class(probability, label, count, true, &anomaly, &anomalies, reterr);
    if (r == 0)
        r = sort_class(probability, label, count, false, &good, &goods, reterr);
    if (r)
        return r;
    int64_t misses = errors_allowed(anomalies, max_missed), rejects = errors_allowed(goods, max_rejected);
    struct insp_threshold_promise promise = {.high = anomaly[misses > 0 ? misses : 0],
                                             .low =
                                                 above(good[goods - 1 - (uint64_t)(rejects > 0 ? rejects : 0)])};
    promise.overlap = promise.low > promise.high;
    promise.threshold = !promise.overlap ? promise.low + (promise.high - promise.low) / 2
                        : misses < 0     ? least_errors(anomaly, anomalies, max_missed, good, goods, max_rejected)
                                         : promise.high;
    while (missed < anomalies && anomaly[missed] < promise.threshold)
        missed++;
    while (rejected < goods && good[goods - 1 - rejected] >= promise.threshold)
        rejected++;
    promise.missed = promise_of(max_missed, missed, anomalies);
    promise.rejected = promise_of(max_rejected, rejected, goods);
    *ret = promise;
    return 0;
}

static json_t *error_json(const struct insp_error_promise *p) {
    return json_pack("{s:f, s:b, s:I, s:I, s:f, s:o}", "allowed", p->allowed, "kept", (int)p->kept, "hits",
                     (json_int_t)p->hits, "of", (json_int_t)p->of, "at_most", p->at_most, "more_needed",
                     p->needed == INSP_NO_NUMBER ? json_null() : json_integer((json_int_t)p->needed));
}

/* Writes what would keep a promise: "12 more anomalies". */
static void write_needed(const struct insp_error_promise *p, const char *name, char *ret, size_t bytes) {
    if (p->kept)
        *ret = '\0';
    else if (p->needed == INSP_NO_NUMBER)
        snprintf(ret, bytes, "%llu of %llu %s are on the wrong side, which no number of further ones makes good",
                 (unsigned long long)p->hits, (unsigned long long)p->of, name);
    else
        snprintf(ret, bytes, "%llu more %s are needed, with no larger share of them on the wrong side",
                 (unsigned long long)p->needed, name);
}

json_t *insp_threshold_promise_json(const struct insp_threshold_promise *promise) {
    char missed[160], rejected[160];
    bool kept = promise->missed.kept && promise->rejected.kept;
    write_needed(&promise->missed, "anomalies", missed, sizeof missed);
    write_needed(&promise->rejected, "good images", rejected, sizeof rejected);
    json_t *reason =
        kept ? json_null() : json_sprintf("%s%s%s", missed, *missed && *rejected ? "; " : "", rejected);
    return json_pack("{s:o, s:b, s:b, s:o, s:o, s:o}", "threshold", insp_float_json(promise->threshold), "kept",
                     (int)kept, "overlap", (int)promise->overlap, "missed", error_json(&promise->missed),
                     "rejected", error_json(&promise->rejected), "reason", reason);
}
