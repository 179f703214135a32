#include "core/good_only/good_drift.h"

#include "core/good_only/good_threshold.h"

#include <math.h>
#include <stdbool.h>

static const double chance_max = 1e-4; /* of each side, a day */
static const double tail_share = (double)INSP_DRIFT_TAIL_BINS / INSP_DRIFT_BINS;

const char *insp_drift_state_name(enum insp_drift_state state) {
    static const char *const name[INSP_DRIFT_STATES] = {[INSP_DRIFT_NONE] = "none",
                                                        [INSP_DRIFT_HIGHER] = "higher",
                                                        [INSP_DRIFT_LOWER] = "lower",
                                                        [INSP_DRIFT_FEW] = "few",
                                                        [INSP_DRIFT_UNKNOWN] = "unknown"};
    return name[state];
}

struct insp_drift_place insp_drift_place_of(const float *quantile, size_t n, size_t count, float limit,
                                            float score) {
    struct insp_drift_place place = {0};
    double below = (double)insp_good_percentile(quantile, n, limit) / 100,
           reference = floor((double)count * below);
    if (!(quantile[n - 1] > quantile[0]) || reference < INSP_DRIFT_REFERENCE_MIN || reference > UINT32_MAX)
        return place;
    double at = (double)insp_good_percentile(quantile, n, score) / 100 / below * INSP_DRIFT_BINS;
    place.reference = (uint32_t)reference;
    place.bin = (uint8_t)fmin(fmax(at, 0), INSP_DRIFT_BINS - 1);
    return place;
}

static double log_gamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

static double log_beta(double a, double b) {
    return log_gamma(a) + log_gamma(b) - log_gamma(a + b);
}

double insp_drift_chance(uint64_t k, uint64_t n, double r, double m) {
    const double a = r, b = m + 1 - r, trials = (double)n;
    if (k == 0)
        return 1;
    double sum = 0, first = (double)k;
    double term = exp(log_gamma(trials + 1) - log_gamma(first + 1) - log_gamma(trials - first + 1) +
                      log_beta(first + a, trials - first + b) - log_beta(a, b));
    for (uint64_t i = k; i <= n; i++) {
        double at = (double)i, ratio = (trials - at) / (at + 1) * (at + a) / (trials - at - 1 + b);
        sum += term;
        if (term < sum * 1e-9 && ratio < 1)
            break;
        term *= ratio;
    }
    return fmin(sum, 1);
}

/* Returns the least number of n parts that is drift; n + 1 if even all are not. */
static uint64_t least_drift(uint64_t n, double r, double m) {
    uint64_t low = (uint64_t)ceil(1.5 * r / (m + 1) * (double)n), high = n + 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (insp_drift_chance(middle, n, r, m) <= chance_max)
            high = middle;
        else
            low = middle + 1;
    }
    return high;
}

struct insp_drift insp_drift_of(const uint32_t bin[INSP_DRIFT_BINS], uint64_t parts, uint32_t reference) {
    struct insp_drift drift = {.state = INSP_DRIFT_UNKNOWN};
    uint64_t placed = 0, high = 0, low = 0;
    for (size_t i = 0; i < INSP_DRIFT_BINS; i++)
        placed += bin[i];
    for (size_t i = 0; i < INSP_DRIFT_TAIL_BINS; i++) {
        low += bin[i];
        high += bin[INSP_DRIFT_BINS - 1 - i];
    }
    if (reference < INSP_DRIFT_REFERENCE_MIN || (parts && !placed))
        return drift;
    /* A quantile between two of m scores has as many beyond it as its place says (good_threshold.h). */
    const double m = reference, r = tail_share * (m - 1) + 1;
    drift.expected = r / (m + 1);
    drift.high = placed ? (double)high / (double)placed : 0;
    drift.low = placed ? (double)low / (double)placed : 0;
    drift.state = INSP_DRIFT_FEW;
    if (placed < INSP_DRIFT_PARTS_MIN)
        return drift;
    uint64_t least = least_drift(placed, r, m);
    drift.limit = fmin((double)least / (double)placed, 1);
    bool higher = high >= least, lower = low >= least;
    drift.state = higher && (!lower || high >= low) ? INSP_DRIFT_HIGHER
                  : lower                           ? INSP_DRIFT_LOWER
                                                    : INSP_DRIFT_NONE;
    return drift;
}
