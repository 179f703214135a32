#include "core/good_only/good_threshold.h"

#include "core/compute/vgg16.h"

#include <math.h>

static const double confidence_miss = 0.05;
static const size_t images_max = (size_t)1 << 40; /* more than any dataset; a double counts them exactly */

double insp_good_binomial_cdf(size_t k, size_t n, double p) {
    if (k >= n || p <= 0)
        return 1;
    if (p >= 1)
        return 0;
    /* Sums in logarithms: 0.95^n is below the smallest double for n beyond 15,000. */
    double step = log(p) - log1p(-p), term = (double)n * log1p(-p), sum = exp(term);
    for (size_t i = 1; i <= k; i++) {
        term += log((double)(n - i + 1) / (double)i) + step;
        sum += exp(term);
    }
    return fmin(sum, 1);
}

size_t insp_good_images_needed(double alpha) {
    const double least = ceil(log(confidence_miss) / log1p(-alpha));
    if (!(least < (double)images_max))
        return images_max;
    size_t n = (size_t)fmax(least, 1);
    while (n > 1 && insp_good_binomial_cdf(0, n - 1, alpha) <= confidence_miss)
        n--;
    while (insp_good_binomial_cdf(0, n, alpha) > confidence_miss)
        n++;
    return n;
}

/* Returns the smallest number that is above a score by more than the rounding of a probability. */
static float just_above(float score) {
    return score + fmaxf(fabsf(score) * 0x1p-16F, 0x1p-100F);
}

static int check_sorted(const float *sorted, size_t n, struct insp_error *reterr) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(sorted[i]) || (i && sorted[i] < sorted[i - 1]))
            return insp_fail(reterr, INSP_E_MODEL,
                             "score %zu of the good images is %g: not finite, or out of order", i,
                             (double)sorted[i]);
    return 0;
}

int insp_good_promise_of(const float *sorted, size_t n, double alpha, struct insp_good_promise *ret,
                         struct insp_error *reterr) {
    if (!n || !(alpha > 0 && alpha < 1))
        return insp_fail(reterr, INSP_E_PARAMETER, "a promise of at most %g false alarms from %zu good images",
                         alpha, n);
    int r = check_sorted(sorted, n, reterr);
    if (r < 0)
        return r;
    size_t needed = insp_good_images_needed(alpha), above = 0;
    struct insp_good_promise promise = {.alpha = alpha, .more_needed = needed > n ? needed - n : 0};
    if (promise.more_needed)
        promise.alpha = 1 - pow(confidence_miss, 1 / (double)n);
    else
        while (above + 1 < n && insp_good_binomial_cdf(above + 1, n, alpha) <= confidence_miss)
            above++;
    promise.rank = n - above;
    promise.threshold = just_above(sorted[promise.rank - 1]);
    *ret = promise;
    return 0;
}

float insp_good_quantile(const float *sorted, size_t n, double q) {
    double at = q * (double)(n - 1);
    size_t below = (size_t)at;
    if (below + 1 >= n)
        return sorted[n - 1];
    double low = (double)sorted[below], high = (double)sorted[below + 1];
    return (float)(low + (at - (double)below) * (high - low));
}

float insp_good_unlike(const float *sorted, size_t n) {
    static const double share = 0.999, deviations = 3.0902; /* that share of a normal distribution is below */
    static const size_t enough = 1000;
    float seen = insp_good_quantile(sorted, n, share);
    if (n >= enough)
        return seen;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += log(fmax((double)sorted[i], 1e-6));
    for (size_t i = 0; i < n; i++)
        squares += pow(log(fmax((double)sorted[i], 1e-6)) - sum / (double)n, 2);
    double fitted = exp(sum / (double)n + deviations * sqrt(squares / (double)(n > 1 ? n - 1 : 1)));
    return (float)fmax((double)sorted[n - 1], fmin(fitted, 1e9));
}

int insp_good_scale_of(const float *score, size_t n, const float *cell, size_t cells, float threshold,
                       struct insp_good_scale *ret, struct insp_error *reterr) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)score[i];
    for (size_t i = 0; i < n; i++)
        squares += ((double)score[i] - sum / (double)n) * ((double)score[i] - sum / (double)n);
    if (!isfinite(squares) || !isfinite(threshold) || !n || !cells)
        return insp_fail(reterr, INSP_E_MODEL, "the scores of %zu good images are not finite", n);
    int r = check_sorted(cell, cells, reterr);
    if (r < 0)
        return r;
    struct insp_good_scale scale = {.threshold = threshold,
                                    .spread = (float)sqrt(squares / (double)n),
                                    .cold = insp_good_quantile(cell, cells, 0.90),
                                    .warm = insp_good_quantile(cell, cells, 0.995)};
    /* Equal scores, or cells that are as far away as whole images: keep the order, strictly. */
    float least = fmaxf(fabsf(threshold) * 1e-3F, 1e-6F);
    scale.spread = fmaxf(scale.spread, least);
    scale.warm = fminf(scale.warm, threshold - least);
    scale.cold = fminf(scale.cold, scale.warm - least);
    *ret = scale;
    return 0;
}

float insp_good_probability(const struct insp_good_scale *scale, float score) {
    double x = ((double)score - (double)scale->threshold) / (double)scale->spread;
    float probability = (float)(1 / (1 + exp(-x)));
    return score < scale->threshold ? fminf(probability, nextafterf(0.5F, 0)) : fmaxf(probability, 0.5F);
}

static float between(float x, float x0, float x1, float y0, float y1) {
    return y0 + (x - x0) / (x1 - x0) * (y1 - y0);
}

float insp_good_heat(const struct insp_good_scale *scale, float heat_threshold, float distance) {
    static const float warm_heat = INSP_GOOD_WARM_PERMILLE / 1000.0F;
    if (!(distance > scale->cold))
        return 0;
    if (distance <= scale->warm)
        return between(distance, scale->cold, scale->warm, 0, warm_heat);
    return between(distance, scale->warm, scale->threshold, warm_heat, fmaxf(heat_threshold, 1.01F * warm_heat));
}

void insp_good_heat_map(const struct insp_good_scale *scale, float heat_threshold, const float *distance,
                        float *ret_map) {
    enum { SIDE = INSP_TAP_SIDE, HALF = SIDE / 2 };
    for (size_t cell = 0; cell < (size_t)HALF * HALF; cell++) {
        const float *at = distance + cell / HALF * 2 * SIDE + cell % HALF * 2;
        float largest = fmaxf(fmaxf(at[0], at[1]), fmaxf(at[SIDE], at[SIDE + 1]));
        ret_map[cell] = insp_good_heat(scale, heat_threshold, largest);
    }
}

float insp_good_percentile(const float *quantile, size_t n, float score) {
    if (!(score > quantile[0]))
        return 0;
    if (score >= quantile[n - 1])
        return 100;
    size_t low = 0, high = n - 1; /* quantile[low] < score <= quantile[high] */
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (quantile[middle] < score)
            low = middle;
        else
            high = middle;
    }
    float step = between(score, quantile[low], quantile[high], 0, 1);
    return 100 * ((float)low + step) / (float)(n - 1);
}
