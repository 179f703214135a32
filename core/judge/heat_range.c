#include "core/judge/heat_range.h"

#include "core/base/cleanup.h"

#include <math.h>
#include <string.h>

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Copies and sorts the values; the caller frees *ret. `what` names the images in errors. */
static int sorted_copy(const float *values, size_t count, const char *what, float **ret,
                       struct insp_error *reterr) {
    if (!count)
        return insp_fail(reterr, INSP_E_DATASET, "no %s images to learn the heatmap's range from", what);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return insp_fail(reterr, INSP_E_MODEL, "the map of a %s image is not finite", what);
    float *copy = malloc(count * sizeof *copy);
    if (!copy)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to learn the heatmap's range");
    memcpy(copy, values, count * sizeof *copy);
    qsort(copy, count, sizeof *copy, by_value);
    *ret = copy;
    return 0;
}

/* Returns the smallest value v such that at least `share` of the values are <= v. */
static float quantile(const float *sorted, size_t count, double share) {
    size_t rank = (size_t)ceil(share * (double)count);
    return sorted[rank ? rank - 1 : 0];
}

int insp_heat_range(const float *good_max, size_t good_count, const float *anomaly_max, size_t anomaly_count,
                    float threshold, float *ret_low, float *ret_high, struct insp_error *reterr) {
    _cleanup_free_ float *good = NULL, *anomaly = NULL;
    int r = sorted_copy(good_max, good_count, "good", &good, reterr);
    if (r < 0 || (r = sorted_copy(anomaly_max, anomaly_count, "anomalous", &anomaly, reterr)) < 0)
        return r;
    float ceiling = good[good_count - 1], high = quantile(anomaly, anomaly_count, 0.5);
    if (high <= ceiling)
        ceiling = quantile(good, good_count, 0.98);
    /* The smallest gap: the spread of the good images, or a little if they are all alike. */
    float spread = fmaxf(ceiling - quantile(good, good_count, 0.5), fmaxf(0.01f * fabsf(ceiling), 1e-6f));
    if (high < ceiling + spread)
        high = ceiling + spread;
    float cut = ceiling + (high - ceiling) / 3, t = fminf(fmaxf(threshold, 0.05f), 0.95f);
    float low = high - (high - cut) / (1 - t);
    if (!isfinite(low) || !(low < high))
        return insp_fail(reterr, INSP_E_MODEL, "the class activation maps have no usable range (%g to %g)",
                         (double)ceiling, (double)high);
    *ret_low = low;
    *ret_high = high;
    return 0;
}

void insp_heat_normalise(float *map, size_t floats, float low, float high) {
    for (size_t i = 0; i < floats; i++)
        map[i] = (map[i] - low) / (high - low);
}
