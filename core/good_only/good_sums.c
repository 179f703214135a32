#include "core/good_only/good_sums.h"

#include <stdlib.h>

enum { DIMS = INSP_GOOD_DIMS, LANES = INSP_GOOD_LANES };

struct insp_good_sums *insp_good_sums_new(void) {
    return calloc(1, sizeof(struct insp_good_sums));
}

void insp_good_sums_free(struct insp_good_sums *sums) {
    free(sums);
}

/* Adds the sample `sign` times. The product of two floats is exact in double. */
static void add(struct insp_good_sums *sums, const struct insp_good_sample *sample, double sign) {
    for (size_t t = 0; t < INSP_TAPS; t++) {
        sums->tap_sum[t] += sign * sample->tap_sum[t];
        sums->tap_squares[t] += sign * sample->tap_squares[t];
    }
    for (size_t g = 0; g < INSP_GOOD_GROUPS; g++) {
        double x[DIMS][LANES], signed_x[LANES];
        double(*product)[LANES] = sums->product[g];
        for (size_t i = 0; i < DIMS; i++) {
            for (size_t l = 0; l < LANES; l++) {
                x[i][l] = (double)sample->x[g][i][l];
                signed_x[l] = sign * x[i][l];
                sums->sum[g][i][l] += signed_x[l];
            }
            for (size_t j = 0; j <= i; j++, product++)
                for (size_t l = 0; l < LANES; l++)
                    (*product)[l] += signed_x[l] * x[j][l];
        }
    }
}

void insp_good_sums_add(struct insp_good_sums *sums, const struct insp_good_sample *sample) {
    sums->count++;
    add(sums, sample, 1);
}

void insp_good_sums_subtract(struct insp_good_sums *sums, const struct insp_good_sample *sample) {
    sums->count--;
    add(sums, sample, -1);
}

static void combine(struct insp_good_sums *sums, const struct insp_good_sums *part, double sign) {
    for (size_t t = 0; t < INSP_TAPS; t++) {
        sums->tap_sum[t] += sign * part->tap_sum[t];
        sums->tap_squares[t] += sign * part->tap_squares[t];
    }
    double *sum = &sums->sum[0][0][0], *product = &sums->product[0][0][0];
    const double *part_sum = &part->sum[0][0][0], *part_product = &part->product[0][0][0];
    for (size_t i = 0; i < sizeof sums->sum / sizeof *sum; i++)
        sum[i] += sign * part_sum[i];
    for (size_t i = 0; i < sizeof sums->product / sizeof *product; i++)
        product[i] += sign * part_product[i];
}

void insp_good_sums_merge(struct insp_good_sums *sums, const struct insp_good_sums *part) {
    sums->count += part->count;
    combine(sums, part, 1);
}

void insp_good_sums_split(struct insp_good_sums *sums, const struct insp_good_sums *part) {
    sums->count -= part->count;
    combine(sums, part, -1);
}
