#include "core/train/candidates/logistic_fit.h"

#include "core/base/cleanup.h"
#include "core/base/splitmix.h"
#include "tests/unit/harness.h"

#include <math.h>

enum { N = 40 };

static uint64_t state;

static float noise(void) {
    return (float)(insp_splitmix(&state) >> 40) * 0x1p-24F - 0.5F;
}

/* Anomalies differ in numbers 3 and 2000; number 7 never changes. Every fourth image is an anomaly. */
static float *draw(uint8_t *ret_label) {
    float *x = malloc((size_t)N * INSP_POOLED_FLOATS * sizeof *x);
    ck_assert_ptr_nonnull(x);
    state = 42;
    for (size_t i = 0; i < N; i++) {
        ret_label[i] = i % 4 == 0;
        for (size_t n = 0; n < INSP_POOLED_FLOATS; n++)
            x[i * INSP_POOLED_FLOATS + n] = 100 + 10 * noise();
        x[i * INSP_POOLED_FLOATS + 3] += ret_label[i] ? 15 : 0;
        x[i * INSP_POOLED_FLOATS + 2000] -= ret_label[i] ? 15 : 0;
        x[i * INSP_POOLED_FLOATS + 7] = 5;
    }
    return x;
}

/* The minimum's gradient is 0: the ridge's weight is what the images' errors ask for. */
START_TEST(the_fit_is_the_minimum_of_its_loss) {
    uint8_t label[N];
    struct insp_error err;
    static struct insp_logistic logistic;
    float *x = draw(label), *standard = draw(label), probability[N];
    ck_insp_ok(insp_logistic_fit(standard, label, N, &logistic, &err), err);
    ck_assert_float_eq_tol(logistic.weight[7], 0, 1e-9F);
    ck_assert(logistic.weight[3] > 0 && logistic.weight[2000] < 0);
    for (size_t i = 0; i < N; i++) {
        probability[i] = insp_logistic_probability(&logistic, INSP_LOGISTIC_ALONE, x + i * INSP_POOLED_FLOATS, 0);
        ck_assert((probability[i] > 0.5F) == (label[i] != 0));
    }
    static const size_t looked_at[] = {0, 3, 100, 2000, 2879};
    for (size_t k = 0; k < INSP_COUNT(looked_at); k++) {
        size_t n = looked_at[k];
        double sum = 0, squares = 0, asked = 0;
        for (size_t i = 0; i < N; i++) {
            double value = (double)x[i * INSP_POOLED_FLOATS + n];
            sum += value;
            squares += value * value;
            asked += (label[i] ? 0.5 / 10 : 0.5 / 30) * ((double)label[i] - (double)probability[i]) *
                     (double)standard[i * INSP_POOLED_FLOATS + n];
        }
        double deviation = sqrt(squares / N - sum / N * sum / N);
        ck_assert_double_eq_tol((double)logistic.weight[n] * deviation * INSP_LOGISTIC_RIDGE, asked, 1e-4);
    }
    free(x);
    free(standard);
}
END_TEST

START_TEST(equal_images_give_equal_weights) {
    uint8_t label[N];
    struct insp_error err;
    static struct insp_logistic first, again;
    float *x = draw(label);
    ck_insp_ok(insp_logistic_fit(x, label, N, &first, &err), err);
    free(x);
    x = draw(label);
    ck_insp_ok(insp_logistic_fit(x, label, N, &again, &err), err);
    ck_assert_mem_eq(&first, &again, sizeof first);
    free(x);
}
END_TEST

INSP_TESTS(the_fit_is_the_minimum_of_its_loss, equal_images_give_equal_weights);
