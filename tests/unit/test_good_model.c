#include "core/train/good/good_model.h"

#include "core/good_only/good_score.h"
#include "tests/unit/train_fixture.h"

#include <math.h>

static struct train_fixture f;
static struct insp_good_model model;

static struct insp_dataset *hashed_set(void) {
    struct insp_dataset *dataset = NULL;
    char digest[INSP_SHA256_HEX_BYTES];
    ck_insp_ok(insp_dataset_list(f.set, &dataset, &f.err), f.err);
    ck_insp_ok(insp_dataset_hash(dataset, NULL, true, digest, &f.err), f.err);
    return dataset;
}

/* The fixture's trunk answers by channel 0 of each pool: a seed that keeps the first of them. */
static uint64_t seeing_seed(void) {
    uint16_t channel[INSP_GOOD_DIMS];
    uint64_t seed = 0;
    do
        insp_good_channels(++seed, channel);
    while (channel[0] != 0);
    return seed;
}

static int fit_input(struct insp_transform input, const struct insp_progress *progress) {
    _cleanup_(insp_dataset_freep) struct insp_dataset *dataset = hashed_set();
    const struct insp_good_model_config config = {
        .context = &f.context, .dataset = dataset, .input = input, .alpha = 0.05, .seed = seeing_seed()};
    return insp_good_model_fit(&config, progress, &model, &f.err);
}

static int fit(const struct insp_progress *progress) {
    return fit_input(insp_transform_default(), progress);
}

/* The score of a grey picture by the model. */
static float score_of(float brightness) {
    float *pixels = malloc(INSP_INPUT_FLOATS * sizeof *pixels), *taps = malloc(INSP_TAP_FLOATS * sizeof *taps);
    struct insp_good_sample *sample = malloc(sizeof *sample);
    float map[INSP_TAP_CELLS], score;
    for (size_t i = 0; i < INSP_INPUT_FLOATS; i++)
        pixels[i] = brightness;
    ck_insp_ok(insp_trunk_taps(f.trunk, pixels, 1, NULL, taps, &f.err), f.err);
    insp_good_sample_values(taps, model.good.channel, sample);
    insp_good_score(model.gauss, sample, NULL, map, &score);
    free(pixels);
    free(taps);
    free(sample);
    return score;
}

START_TEST(defects_that_were_never_seen_lie_beyond_the_threshold) {
    train_fixture_open(&f);
    fixture_set(&f, 24, 1, 0);
    ck_insp_ok(fit(NULL), f.err);
    ck_assert_uint_eq(model.good.images, 24);
    ck_assert_uint_eq(model.trunk_runs, 24); /* the defect is not looked at */
    ck_assert_uint_eq(model.promise.more_needed, 35);
    ck_assert_double_eq_tol(model.good.alpha, 1 - pow(0.05, 1.0 / 24), 1e-12);
    ck_assert_float_ge(score_of(1), model.good.scale.threshold);
    ck_assert_float_lt(score_of(31 / 255.0F), model.good.scale.threshold);
    struct insp_good_only first = model.good;
    insp_good_model_clear(&model);

    ck_insp_ok(fit(NULL), f.err); /* from the cache */
    ck_assert_uint_eq(model.trunk_runs, 0);
    ck_assert_mem_eq(&model.good.scale, &first.scale, sizeof first.scale);
    ck_assert_mem_eq(model.good.quantile, first.quantile, sizeof first.quantile);
    insp_good_model_clear(&model);
    train_fixture_close(&f);
}
END_TEST

START_TEST(nineteen_different_images_are_refused_before_the_trunk_runs) {
    train_fixture_open(&f);
    fixture_set(&f, 19, 0, 0);
    f.images = 0; /* copies of the first */
    fixture_image(&f, "train/good/copy1.png", 20);
    f.images = 0;
    fixture_image(&f, "test/good/copy2.png", 20);
    int left = 0;
    const struct insp_progress cancelled = {.cancelled = fixture_cancel_after, .arg = &left};
    ck_insp_code(fit(&cancelled), INSP_E_DATASET, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "19 different good images"));
    ck_assert_ptr_nonnull(strstr(f.err.detail, "at least 20, so 1 more"));
    train_fixture_close(&f);
}
END_TEST

START_TEST(one_picture_under_many_names_is_refused) {
    train_fixture_open(&f);
    for (int i = 0; i < 25; i++) {
        char name[64];
        snprintf(name, sizeof name, "train/good/%02d.png", i);
        f.images = 0;
        fixture_image(&f, name, 40);
    }
    ck_insp_code(fit(NULL), INSP_E_DATASET, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "the 25 good images"));
    ck_assert_ptr_nonnull(strstr(f.err.detail, "same picture"));
    train_fixture_close(&f);
}
END_TEST

START_TEST(an_image_that_changed_or_a_wish_to_stop_ends_the_fit) {
    train_fixture_open(&f);
    fixture_set(&f, 22, 0, 0);
    int left = 12;
    const struct insp_progress cancelled = {.cancelled = fixture_cancel_after, .arg = &left};
    ck_insp_code(fit(&cancelled), INSP_E_CANCELLED, f.err);
    ck_insp_ok(fit(NULL), f.err);
    ck_assert_uint_eq(model.trunk_runs, 14); /* a batch was kept */
    insp_good_model_clear(&model);

    left = 30;
    ck_insp_code(fit(&cancelled), INSP_E_CANCELLED, f.err); /* while it fits */
    ck_assert_ptr_nonnull(strstr(f.err.detail, "fitting"));
    fixture_bytes(&f, "train/good/zz.png", "broken", 6);
    ck_insp_code(fit(NULL), INSP_E_IMAGE, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "zz.png"));
    train_fixture_close(&f);
}
END_TEST

/* A larger picture would be decoded beyond the end of the batch's memory. */
START_TEST(an_input_that_the_trunk_cannot_take_is_refused) {
    train_fixture_open(&f);
    fixture_set(&f, 20, 1, 0);
    struct insp_transform input = insp_transform_default();
    input.width = input.height = 2 * INSP_INPUT_SIDE;
    ck_insp_code(fit_input(input, NULL), INSP_E_PARAMETER, f.err);
    ck_assert_str_eq(f.err.detail, "the input is 448x448, but the trunk needs 224x224");
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(defects_that_were_never_seen_lie_beyond_the_threshold,
           nineteen_different_images_are_refused_before_the_trunk_runs, one_picture_under_many_names_is_refused,
           an_image_that_changed_or_a_wish_to_stop_ends_the_fit, an_input_that_the_trunk_cannot_take_is_refused);
