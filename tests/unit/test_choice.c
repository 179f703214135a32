#include "core/train/candidates/choice.h"

#include "core/model/snapshot/snapshot.h"
#include "tests/unit/train_fixture.h"

/* --- who chooses --- */

enum { STRATA = 3, MOST = 300 };

static struct insp_dataset dataset = {.stratum_count = STRATA};
static size_t strata[MOST], member[MOST];
static uint8_t label[MOST];
static struct insp_members set = {.dataset = &dataset, .strata = strata, .label = label};

/* Makes good images, then two kinds of anomalies, all held out. */
static void held_out(size_t good, size_t holes, size_t stains) {
    set.count = good + holes + stains;
    for (size_t i = 0; i < set.count; i++) {
        strata[i] = i < good ? 0 : i < good + holes ? 1 : 2;
        label[i] = strata[i] > 0;
        member[i] = i;
    }
}

static size_t divide(const struct insp_train_params *params, size_t trained) {
    struct insp_error err;
    size_t choosing = MOST + 1;
    ck_insp_ok(insp_choice_divide(params, &set, trained, member, set.count, &choosing, &err), err);
    return choosing;
}

START_TEST(halves_are_stratified_and_the_same_each_time) {
    struct insp_train_params params = insp_train_params_default();
    held_out(120, 80, 40); /* each half can promise 5 %: 59 images of a kind */
    size_t choosing = divide(&params, 501), first[MOST], count[2][STRATA] = {{0}};
    memcpy(first, member, sizeof first);
    ck_assert_uint_eq(choosing, 120);
    bool seen[MOST] = {false};
    for (size_t i = 0; i < set.count; i++) {
        ck_assert(!seen[member[i]]);
        seen[member[i]] = true;
        count[i >= choosing][strata[member[i]]]++;
    }
    for (size_t h = 0; h < 2; h++)
        ck_assert(count[h][0] == 60 && count[h][1] == 40 && count[h][2] == 20);
    held_out(120, 80, 40);
    ck_assert_uint_eq(divide(&params, 501), 120);
    ck_assert_mem_eq(first, member, set.count * sizeof *first);
}
END_TEST

START_TEST(images_that_are_too_few_for_halves_choose_and_judge) {
    struct insp_train_params params = insp_train_params_default();
    held_out(120, 80, 40);
    ck_assert_uint_eq(divide(&params, 500), 0); /* the folds choose */
    for (size_t i = 0; i < set.count; i++)
        ck_assert_uint_eq(member[i], i);
    held_out(117, 80, 40); /* one half has 58 good ones */
    ck_assert_uint_eq(divide(&params, 501), 0);
    held_out(120, 80, 37);
    ck_assert_uint_eq(divide(&params, 501), 0);
    params.max_missed = 0.06; /* 49 images */
    ck_assert_uint_gt(divide(&params, 501), 0);
    params = insp_train_params_default();
    held_out(200, 1, 0); /* no halves at all */
    ck_assert_uint_eq(divide(&params, 501), 0);
    held_out(120, 80, 40);
    params.threshold_auto = false;
    ck_assert_uint_eq(divide(&params, 501), 0);
}
END_TEST

/* --- a training --- */

/* Of 532 images 27 are held out: 13 or 14 choose the threshold, the others judge. */
START_TEST(half_of_the_held_out_images_choose_and_the_others_judge) {
    struct train_fixture f;
    train_fixture_open(&f);
    train_fixture_install_trunk(&f);
    for (size_t i = 0; i < 532; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%03zu.png", i % 2 ? "test/hole" : "train/good", i);
        fixture_image(&f, path, (uint8_t)((i % 2 ? 200 : 20) + i / 2 % 40));
    }
    struct insp_train_params params = fixture_params();
    params.test_share = 0.05F;
    params.batch = 64;
    params.threshold_auto = true;
    params.candidates = false;
    params.max_missed = params.max_rejected = 0.45; /* 6 images */
    json_t *report;
    ck_insp_ok(insp_train(&f.context, &params, &report, &f.err), f.err);
    const json_t *promise = json_object_get(report, "threshold_promise"), *image;
    ck_assert_str_eq(json_string_value(json_object_get(promise, "from")), "held_out_half");
    json_int_t chose = json_integer_value(json_object_get(json_object_get(promise, "missed"), "of")) +
                       json_integer_value(json_object_get(json_object_get(promise, "rejected"), "of"));
    json_int_t judged = json_integer_value(json_object_get(report, "held_out"));
    ck_assert_int_eq(chose + judged, 27);
    ck_assert_int_ge(judged, 13);
    ck_assert_int_le(judged, 14);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(report, "metrics"), "images")), judged);
    ck_assert_ptr_null(strstr(json_string_value(json_object_get(report, "reason")), "also chose"));
    char folder[INSP_PATH_BYTES];
    json_t *images;
    size_t i, held = 0;
    ck_insp_ok(
        insp_bundle_folder(f.state, "p", json_string_value(json_object_get(report, "version")), folder, &f.err),
        f.err);
    ck_insp_ok(insp_snapshot_read(folder, &images, &f.err), f.err);
    json_array_foreach(images, i, image) held += json_is_true(json_object_get(image, "held_out"));
    ck_assert_uint_eq(held, 27); /* none of them was trained on */
    json_decref(images);
    json_decref(report);
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(halves_are_stratified_and_the_same_each_time, images_that_are_too_few_for_halves_choose_and_judge,
           half_of_the_held_out_images_choose_and_the_others_judge);
