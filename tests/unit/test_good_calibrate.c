#include "core/good_only/good_calibrate.h"

#include "core/good_only/good_score.h"
#include "good_fixture.h"
#include "harness.h"

#include <math.h>
#include <string.h>

enum { MOST = 60 };

static struct insp_error err;
static uint16_t channel[INSP_GOOD_DIMS];
static struct insp_good_sample *samples; /* [MOST] */
static size_t bad = MOST;                /* this sample cannot be read */

static int read_sample(void *arg, size_t i, struct insp_good_sample *ret, struct insp_error *reterr) {
    (void)arg;
    if (i == bad)
        return insp_fail(reterr, INSP_E_IO, "sample %zu is gone", i);
    *ret = samples[i];
    return 0;
}

static struct insp_good_source source_of(size_t count) {
    insp_good_channels(42, channel);
    samples = calloc(MOST, sizeof *samples);
    ck_assert_ptr_nonnull(samples);
    for (size_t i = 0; i < count; i++)
        good_sample(i, channel, &samples[i]);
    return (struct insp_good_source){.count = count, .read = read_sample};
}

START_TEST(good_images_out_of_fold_are_judged_as_new_ones_are) {
    const struct insp_good_source source = source_of(MOST);
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = NULL, *again = NULL;
    _cleanup_(insp_good_sums_freep) struct insp_good_sums *sums = NULL, *sums_again = NULL;
    _cleanup_free_ float *maps = calloc(MOST, INSP_TAP_CELLS * sizeof *maps);
    struct insp_good_calibration calibration, second;
    float score[MOST], score_again[MOST], map[INSP_TAP_CELLS], seen = 0, unseen = 0, fresh = 0;
    ck_insp_ok(insp_good_calibrate(&source, channel, 0.05, 1, score, maps, &gauss, &sums, &calibration, &err),
               err);
    ck_assert_uint_eq(sums->count, MOST); /* whole again, after the folds */
    for (size_t i = 0; i < MOST; i++) {
        float largest = 0;
        for (size_t cell = 0; cell < INSP_TAP_CELLS; cell++)
            largest = fmaxf(largest, maps[i * INSP_TAP_CELLS + cell]);
        ck_assert_float_eq(largest, score[i]);
    }
    ck_assert_float_ge(calibration.unlike, calibration.quantile[100]);
    ck_assert_uint_eq(calibration.promise.more_needed, 0);
    ck_assert_double_eq(calibration.promise.alpha, 0.05);
    size_t rejected = 0;
    for (size_t i = 0; i < MOST; i++) {
        float one;
        insp_good_score(gauss, &samples[i], NULL, map, &one);
        seen += one / MOST;
        unseen += score[i] / MOST;
        rejected += score[i] >= calibration.promise.threshold;
    }
    for (uint64_t i = 0; i < 20; i++) {
        float one;
        struct insp_good_sample *sample = malloc(sizeof *sample);
        good_sample(500 + i, channel, sample);
        insp_good_score(gauss, sample, NULL, map, &one);
        fresh += one / 20;
        free(sample);
    }
    ck_assert_uint_eq(rejected, 0); /* of 60, the largest decides */
    ck_assert_msg(fabsf(unseen - fresh) < 0.3F * (fresh - seen), "seen %g, out of fold %g, new %g", (double)seen,
                  (double)unseen, (double)fresh);
    ck_assert_float_le(calibration.quantile[0], calibration.quantile[50]);
    ck_assert_float_lt(calibration.quantile[100], calibration.scale.threshold);
    ck_assert(calibration.scale.cold < calibration.scale.warm &&
              calibration.scale.warm < calibration.scale.threshold);

    ck_insp_ok(
        insp_good_calibrate(&source, channel, 0.05, 1, score_again, NULL, &again, &sums_again, &second, &err),
        err);
    ck_assert_mem_eq(score, score_again, sizeof score);
    ck_assert_mem_eq(gauss, again, sizeof *gauss);
    free(samples);
}
END_TEST

START_TEST(twenty_images_are_enough_and_say_what_is_missing) {
    const struct insp_good_source source = source_of(20);
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = NULL;
    _cleanup_(insp_good_sums_freep) struct insp_good_sums *sums = NULL;
    struct insp_good_calibration calibration;
    float score[20];
    ck_insp_ok(insp_good_calibrate(&source, channel, 0.05, 1, score, NULL, &gauss, &sums, &calibration, &err),
               err);
    ck_assert_uint_eq(calibration.promise.more_needed, 39);
    ck_assert_double_eq_tol(calibration.promise.alpha, 1 - pow(0.05, 1.0 / 20), 1e-12);
    free(samples);
}
END_TEST

START_TEST(failures_leave_nothing_and_name_the_cause) {
    struct insp_good_source source = source_of(22);
    struct insp_good_gauss *gauss = NULL;
    struct insp_good_sums *sums = NULL;
    struct insp_good_calibration calibration;
    float score[22];
    bad = 21;
    ck_insp_code(insp_good_calibrate(&source, channel, 0.05, 1, score, NULL, &gauss, &sums, &calibration, &err),
                 INSP_E_IO, err);
    bad = MOST;
    ck_insp_code(insp_good_calibrate(&source, channel, 0, 1, score, NULL, &gauss, &sums, &calibration, &err),
                 INSP_E_PARAMETER, err);
    source.count = 19;
    ck_insp_code(insp_good_calibrate(&source, channel, 0.05, 1, score, NULL, &gauss, &sums, &calibration, &err),
                 INSP_E_DATASET, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "19 good images"));
    for (size_t i = 1; i < 22; i++)
        samples[i] = samples[0];
    source.count = 22;
    ck_insp_code(insp_good_calibrate(&source, channel, 0.05, 1, score, NULL, &gauss, &sums, &calibration, &err),
                 INSP_E_DATASET, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "same picture"));
    ck_assert(!gauss && !sums);
    free(samples);
}
END_TEST

static bool third_is_absent(void *arg, size_t s) {
    (void)arg;
    return s % 3 == 2;
}

/* Three samples an image, of which one is left out: the worse of the others is the image's score. */
START_TEST(an_image_of_parts_is_judged_by_its_worst) {
    struct insp_good_source source = source_of(MOST);
    enum { IMAGES = MOST / 3 };
    source.count = IMAGES;
    source.parts = 3;
    source.absent = third_is_absent;
    bad = 5; /* absent: never read */
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = NULL;
    _cleanup_(insp_good_sums_freep) struct insp_good_sums *sums = NULL;
    _cleanup_free_ float *maps = calloc(MOST, INSP_TAP_CELLS * sizeof *maps);
    struct insp_good_calibration calibration;
    float score[IMAGES];
    ck_insp_ok(insp_good_calibrate(&source, channel, 0.2, 1, score, maps, &gauss, &sums, &calibration, &err), err);
    bad = MOST;
    ck_assert_uint_eq(sums->count, 2 * IMAGES);
    for (size_t i = 0; i < IMAGES; i++) {
        float largest[3] = {0};
        for (size_t cell = 0; cell < 3 * INSP_TAP_CELLS; cell++)
            largest[cell / INSP_TAP_CELLS] =
                fmaxf(largest[cell / INSP_TAP_CELLS], maps[3 * i * INSP_TAP_CELLS + cell]);
        ck_assert_float_eq(score[i], fmaxf(largest[0], largest[1]));
        ck_assert_float_eq(largest[2], 0);
    }
    free(samples);
}
END_TEST

INSP_TESTS(an_image_of_parts_is_judged_by_its_worst, good_images_out_of_fold_are_judged_as_new_ones_are,
           twenty_images_are_enough_and_say_what_is_missing, failures_leave_nothing_and_name_the_cause);
