#include "core/good_only/good_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIMS = INSP_GOOD_DIMS, LANES = INSP_GOOD_LANES, PACKED = INSP_GOOD_PACKED };

static const double regularisation = 0.01, pooled_share = 0.3;
/* Taps have variance 1 after scaling. Copies of one picture leave rounding only, some 1e-14; a camera's noise
 * leaves more than 1e-4. */
static const double same_picture_variance = 1e-9;

struct insp_good_gauss *insp_good_gauss_new(void) {
    void *memory = NULL;
    if (posix_memalign(&memory, 64, sizeof(struct insp_good_gauss)))
        return NULL;
    return memset(memory, 0, sizeof(struct insp_good_gauss));
}

void insp_good_gauss_free(struct insp_good_gauss *gauss) {
    free(gauss);
}

struct fit {
    const struct insp_good_sums *sums;
    double scale[DIMS];       /* 1 / standard deviation of the channel's tap */
    double ridge;             /* added to each variance */
    double pooled[PACKED];    /* covariance, the mean over all cells */
    bool mix;                 /* pooled covariance is mixed in */
    double (*a)[LANES];       /* [PACKED], of one group */
    double mean[DIMS][LANES]; /* of the same group, unscaled */
};

static size_t packed_at(size_t i, size_t j) {
    return i * (i + 1) / 2 + j;
}

static int find_scales(struct fit *fit, const uint16_t *channel, struct insp_error *reterr) {
    static const double channels[INSP_TAPS] = {64, 128, 256};
    double scale[INSP_TAPS];
    for (size_t t = 0; t < INSP_TAPS; t++) {
        double n = (double)fit->sums->count * INSP_TAP_CELLS * channels[t], mean = fit->sums->tap_sum[t] / n;
        double square = fit->sums->tap_squares[t] / n, variance = square - mean * mean;
        if (!isfinite(variance))
            return insp_fail(reterr, INSP_E_MODEL, "the sums of tap %zu are not finite", t + 1);
        if (variance <= 1e-12 * square)
            return insp_fail(reterr, INSP_E_DATASET,
                             "the good images show nothing: tap %zu is the same everywhere", t + 1);
        scale[t] = 1 / sqrt(variance);
    }
    for (size_t k = 0; k < DIMS; k++)
        fit->scale[k] = scale[insp_good_tap_of(channel[k])];
    return 0;
}

/* Computes mean and scaled covariance of a group's cells. */
static void covariance(struct fit *fit, size_t group) {
    double n = (double)fit->sums->count;
    for (size_t i = 0; i < DIMS; i++)
        for (size_t l = 0; l < LANES; l++)
            fit->mean[i][l] = fit->sums->sum[group][i][l] / n;
    size_t at = 0;
    for (size_t i = 0; i < DIMS; i++)
        for (size_t j = 0; j <= i; j++, at++) {
            double scale = fit->scale[i] * fit->scale[j] / (n - 1);
            for (size_t l = 0; l < LANES; l++)
                fit->a[at][l] = scale * (fit->sums->product[group][at][l] - n * fit->mean[i][l] * fit->mean[j][l]);
        }
}

static int pool(struct fit *fit, struct insp_error *reterr) {
    double variances = 0;
    for (size_t g = 0; g < INSP_GOOD_GROUPS; g++) {
        covariance(fit, g);
        for (size_t at = 0; at < PACKED; at++)
            for (size_t l = 0; l < LANES; l++)
                fit->pooled[at] += fit->a[at][l] / INSP_TAP_CELLS;
    }
    for (size_t i = 0; i < DIMS; i++)
        variances += fit->pooled[packed_at(i, i)] / DIMS;
    if (!isfinite(variances))
        return insp_fail(reterr, INSP_E_MODEL, "the sums of the good images are not finite");
    if (variances < same_picture_variance)
        return insp_fail(reterr, INSP_E_DATASET,
                         "the %zu good images are all the same picture: a model needs different good parts",
                         fit->sums->count);
    fit->ridge = regularisation * variances;
    fit->mix = fit->sums->count < DIMS;
    return 0;
}

static void regularise(struct fit *fit) {
    for (size_t at = 0; at < PACKED && fit->mix; at++)
        for (size_t l = 0; l < LANES; l++)
            fit->a[at][l] = (1 - pooled_share) * fit->a[at][l] + pooled_share * fit->pooled[at];
    for (size_t i = 0; i < DIMS; i++)
        for (size_t l = 0; l < LANES; l++)
            fit->a[packed_at(i, i)][l] += fit->ridge;
}

/* Replaces the covariances of a group by their Cholesky factors. Returns false if one is not positive definite. */
static bool factorise(double (*a)[LANES]) {
    bool positive = true;
    for (size_t i = 0; i < DIMS; i++)
        for (size_t j = 0; j <= i; j++) {
            double v[LANES], *target = a[packed_at(i, j)];
            const double(*row_i)[LANES] = (const double(*)[LANES])a + packed_at(i, 0);
            const double(*row_j)[LANES] = (const double(*)[LANES])a + packed_at(j, 0);
            memcpy(v, target, sizeof v);
            for (size_t k = 0; k < j; k++)
                for (size_t l = 0; l < LANES; l++)
                    v[l] -= row_i[k][l] * row_j[k][l];
            for (size_t l = 0; l < LANES; l++) {
                positive = positive && (i != j || v[l] > 0);
                target[l] = i == j ? sqrt(v[l]) : v[l] / row_j[j][l];
            }
        }
    return positive;
}

/* Replaces lower triangular matrices by their inverses, row by row: row i of the inverse needs row i of the matrix
 * and the rows of the inverse before. */
static void invert(double (*a)[LANES]) {
    for (size_t i = 0; i < DIMS; i++) {
        double(*row)[LANES] = a + packed_at(i, 0), inverse[LANES];
        for (size_t l = 0; l < LANES; l++)
            inverse[l] = 1 / row[i][l];
        for (size_t j = 0; j < i; j++) {
            double v[LANES] = {0};
            for (size_t k = j; k < i; k++)
                for (size_t l = 0; l < LANES; l++)
                    v[l] -= row[k][l] * a[packed_at(k, j)][l];
            for (size_t l = 0; l < LANES; l++)
                row[j][l] = v[l] * inverse[l];
        }
        memcpy(row[i], inverse, sizeof inverse);
    }
}

static void keep(const struct fit *fit, size_t group, struct insp_good_gauss *ret) {
    for (size_t i = 0, at = 0; i < DIMS; i++) {
        for (size_t l = 0; l < LANES; l++)
            ret->mean[group][i][l] = (float)fit->mean[i][l];
        for (size_t j = 0; j <= i; j++, at++)
            for (size_t l = 0; l < LANES; l++)
                ret->whitening[group][at][l] = (float)(fit->a[at][l] * fit->scale[j]);
    }
}

int insp_good_fit(const struct insp_good_sums *sums, const uint16_t channel[INSP_GOOD_DIMS],
                  struct insp_good_gauss **ret_gauss, struct insp_error *reterr) {
    if (sums->count < INSP_GOOD_IMAGES_MIN)
        return insp_fail(
            reterr, INSP_E_DATASET,
            "%zu good images: a good-only model needs at least %d, so %zu more (50 and more are advised)",
            sums->count, INSP_GOOD_IMAGES_MIN, INSP_GOOD_IMAGES_MIN - sums->count);
    return insp_good_fit_part(sums, channel, ret_gauss, reterr);
}

int insp_good_fit_part(const struct insp_good_sums *sums, const uint16_t channel[INSP_GOOD_DIMS],
                       struct insp_good_gauss **ret_gauss, struct insp_error *reterr) {
    if (sums->count < 2)
        return insp_fail(reterr, INSP_E_DATASET, "%zu good images have no covariance", sums->count);
    struct fit fit = {.sums = sums};
    _cleanup_free_ void *memory = malloc(PACKED * sizeof *fit.a);
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = insp_good_gauss_new();
    if (!memory || !gauss)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a good-only model");
    fit.a = memory;
    int r = find_scales(&fit, channel, reterr);
    if (r == 0)
        r = pool(&fit, reterr);
    for (size_t g = 0; g < INSP_GOOD_GROUPS && r == 0; g++) {
        covariance(&fit, g);
        regularise(&fit);
        if (!factorise(fit.a))
            return insp_fail(reterr, INSP_E_MODEL, "the good images' covariance at cell group %zu is not positive",
                             g);
        invert(fit.a);
        keep(&fit, g, gauss);
    }
    if (r == 0)
        *ret_gauss = insp_take_ptr(gauss);
    return r;
}
