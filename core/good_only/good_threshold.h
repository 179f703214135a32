/* core/good_only/good_threshold.h - choose the threshold of a good-only model without a defect, and put scores and
 * distances on absolute scales. All from scores of good images by models that had not seen them (out of fold).
 *
 * Pure functions; any thread. */
#ifndef INSP_GOOD_ONLY_GOOD_THRESHOLD_H
#define INSP_GOOD_ONLY_GOOD_THRESHOLD_H

#include "core/base/error.h"

#include <stddef.h>

enum { INSP_GOOD_QUANTILES = 101 }; /* of scores: 0 %, 1 %, ... 100 % */

/* Returns P(X <= k) of a binomial distribution with n trials of probability p, 0..1. */
double insp_good_binomial_cdf(size_t k, size_t n, double p);

/* Returns the number of good images from which on a promise of at most `alpha` false alarms can be kept with 95 %
 * confidence: 59 for 5 %, 299 for 1 %; 2^40 if it is larger. alpha: above 0, below 1. */
size_t insp_good_images_needed(double alpha);

struct insp_good_promise {
    float threshold;    /* an image whose score is at least this is an anomaly */
    double alpha;       /* with 95 % confidence at most this share of good parts reaches the threshold */
    size_t rank;        /* the threshold lies just above the rank-th smallest of the n scores, 1..n */
    size_t more_needed; /* good images that are missing to promise the alpha that was requested; 0: it is kept */
};

/* Chooses the smallest threshold with a promise of at most `alpha`: just above the order statistic k with
 * BinomCDF(n - k; n, alpha) <= 0.05. If n is too small for that, the threshold is just above the largest score and
 * the promise is 1 - 0.05^(1/n).
 *   sorted  [n] scores, ascending, finite
 * Fails with INSP_E_PARAMETER (no score, alpha not between 0 and 1), INSP_E_MODEL (a score that is not finite, or
 * out of order). */
int insp_good_promise_of(const float *sorted, size_t n, double alpha, struct insp_good_promise *ret,
                         struct insp_error *reterr);

/* Returns the quantile q, 0..1, of n >= 1 ascending values, linear between neighbours (numpy's default). */
float insp_good_quantile(const float *sorted, size_t n, double q);

/* Returns the score beyond which a picture is unlike good parts: their 99.9 % quantile. A thousand scores and more
 * show it; fewer only bound it from below, so the larger of the greatest score and of that quantile of a
 * log-normal distribution with their mean and deviation counts.
 *   sorted  [n] scores, n >= 1, ascending, finite, 0 or more */
float insp_good_unlike(const float *sorted, size_t n);

/* Puts scores and distances on scales that are the same for all images of a model. */
struct insp_good_scale {
    float threshold; /* of the score and of a cell's distance; heat is heat_threshold here */
    float spread;    /* above 0; standard deviation of the good scores */
    float cold;      /* distance with heat 0: 90 % of the cells of good parts are below */
    float warm;      /* distance with heat 0.1: 99.5 % of them are below; cold < warm < threshold */
};
enum { INSP_GOOD_WARM_PERMILLE = 100 };

/* Makes the scale.
 *   score  [n] scores as above
 *   cell   [cells] distances of cells of the same images, ascending
 * Fails with INSP_E_MODEL for values that are not finite. */
int insp_good_scale_of(const float *score, size_t n, const float *cell, size_t cells, float threshold,
                       struct insp_good_scale *ret, struct insp_error *reterr);

/* Returns sigmoid((score - threshold) / spread): rises with the score, 0.5 or more exactly from the threshold on.
 */
float insp_good_probability(const struct insp_good_scale *scale, float score);

/* Returns the heat of a distance, 0 or more: 0 up to cold, 0.1 at warm, heat_threshold at the threshold, linear
 * between them and beyond. A heat_threshold of 0.1 or less counts as a little more. */
float insp_good_heat(const struct insp_good_scale *scale, float heat_threshold, float distance);

/* Turns distances [28,28] into a map of heat [14,14]: of each 2x2 cells the hottest. heat_threshold: as above. */
void insp_good_heat_map(const struct insp_good_scale *scale, float heat_threshold, const float *distance,
                        float *ret_map);

/* Returns the share of good parts with a lower score in percent, 0..100, from quantiles of their scores.
 *   quantile  [n] ascending, evenly spaced from the smallest to the largest; n >= 2 */
float insp_good_percentile(const float *quantile, size_t n, float score);

#endif
