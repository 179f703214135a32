#include "core/train/fit.h"

#include "core/model/weights.h"
#include "tests/unit/train_fixture.h"

#include <math.h>

static struct train_fixture f;
static struct insp_train_data *data;
static size_t member[64];

/* 6 good, 5 bad: with batches of 4 two steps per epoch, and three images left over. */
static void open_data(void) {
    const struct insp_transform input = insp_transform_default();
    train_fixture_open(&f);
    fixture_set(&f, 6, 5, 0);
    ck_insp_ok(insp_train_data_open(&f.context, &input, false, NULL, &data, &f.err), f.err);
    for (size_t m = 0; m < data->set.count; m++)
        member[m] = m;
}

static void close_data(void) {
    insp_train_data_free(data);
    train_fixture_close(&f);
}

static struct insp_fit_config config_of(const struct insp_train_params *params) {
    return (struct insp_fit_config){
        .device = f.device, .params = params, .data = data, .member = member, .count = data->set.count};
}

/* -> the curve, the caller's */
static json_t *fit(const struct insp_fit_config *config, const struct insp_progress *progress,
                   struct insp_trainer **ret_trainer) {
    json_t *curve;
    ck_insp_ok(insp_fit(config, progress, ret_trainer, &curve, &f.err), f.err);
    return curve;
}

struct watch {
    size_t steps, total, epochs, yields;
    double overall;
    char stage[64];
};

static void on_event(void *arg, const struct insp_progress_event *event) {
    struct watch *watch = arg;
    ck_assert_double_ge(event->overall, watch->overall - 1e-9); /* never back */
    ck_assert_double_le(event->overall, 1 + 1e-9);
    watch->overall = event->overall;
    if (event->kind == INSP_PROGRESS_STEP) {
        watch->steps++;
        watch->total = event->total;
    }
    watch->epochs += event->kind == INSP_PROGRESS_EPOCH;
    if (event->kind == INSP_PROGRESS_STAGE)
        snprintf(watch->stage, sizeof watch->stage, "%s", event->text);
}

static void on_yield(void *arg) {
    ((struct watch *)arg)->yields++;
}

START_TEST(whole_batches_and_every_epoch) {
    open_data();
    struct insp_train_params params = fixture_params();
    params.epochs = 3;
    struct insp_fit_config config = config_of(&params);
    struct watch watch = {0};
    struct insp_progress progress = {.event = on_event, .yield = on_yield, .arg = &watch};
    struct insp_trainer *trainer;
    json_t *curve = fit(&config, &progress, &trainer);
    ck_assert_uint_eq(watch.steps, 3 * 2); /* eleven images: two batches of four, three dropped */
    ck_assert_uint_eq(watch.total, 3 * 2);
    ck_assert_uint_eq(watch.yields, 3 * 2);
    ck_assert_uint_eq(watch.epochs, 3);
    ck_assert_str_eq(watch.stage, "epoch 3 of 3");
    ck_assert_uint_eq(json_array_size(curve), 3);
    for (size_t e = 0; e < 3; e++) {
        json_t *entry = json_array_get(curve, e);
        ck_assert_int_eq(json_integer_value(json_object_get(entry, "epoch")), (json_int_t)e + 1);
        ck_assert_double_gt(json_real_value(json_object_get(entry, "loss")), 0);
        ck_assert_double_ge(json_real_value(json_object_get(entry, "accuracy")), 0);
        ck_assert_double_le(json_real_value(json_object_get(entry, "accuracy")), 1);
    }
    if (fixture_is_fake()) { /* its losses are ln 2 / step, and it is right from the third step on */
        json_t *first = json_array_get(curve, 0);
        ck_assert_double_eq_tol(json_real_value(json_object_get(first, "loss")), M_LN2 * (1 + 0.5) / 2, 1e-6);
        ck_assert_double_eq_tol(json_real_value(json_object_get(first, "accuracy")), 0.5, 1e-9);
    }
    json_decref(curve);
    insp_trainer_free(trainer);
    close_data();
}
END_TEST

START_TEST(stops_within_an_epoch_at_a_number_of_mini_batches) {
    open_data();
    struct insp_train_params params = fixture_params();
    params.epochs = 3;
    struct insp_fit_config config = config_of(&params);
    struct watch watch = {0};
    struct insp_progress progress = {.event = on_event, .arg = &watch};
    struct insp_trainer *trainer;
    config.steps = 5;
    json_t *curve = fit(&config, &progress, &trainer);
    ck_assert(watch.steps == 5 && watch.total == 5);
    ck_assert_uint_eq(json_array_size(curve), 3);
    if (fixture_is_fake()) /* of the one mini-batch of the last epoch */
        ck_assert_double_eq_tol(json_real_value(json_object_get(json_array_get(curve, 2), "loss")), M_LN2 / 5,
                                1e-6);
    json_decref(curve);
    insp_trainer_free(trainer);
    watch = (struct watch){0};
    config.steps = 7; /* more than there are */
    json_decref(fit(&config, &progress, &trainer));
    ck_assert_uint_eq(watch.steps, 6);
    insp_trainer_free(trainer);
    close_data();
}
END_TEST

START_TEST(stops_early_only_where_asked) {
    open_data();
    struct insp_train_params params = fixture_params();
    params.target_accuracy = -1; /* any accuracy exceeds it */
    struct insp_fit_config config = config_of(&params);
    struct insp_trainer *trainer;
    json_t *curve = fit(&config, NULL, &trainer);
    ck_assert_uint_eq(json_array_size(curve), 2);
    json_decref(curve);
    insp_trainer_free(trainer);
    config.stop_early = true;
    curve = fit(&config, NULL, &trainer);
    ck_assert_uint_eq(json_array_size(curve), 1);
    json_decref(curve);
    insp_trainer_free(trainer);
    params.target_accuracy = 1; /* nothing exceeds it */
    curve = fit(&config, NULL, &trainer);
    ck_assert_uint_eq(json_array_size(curve), 2);
    json_decref(curve);
    insp_trainer_free(trainer);
    close_data();
}
END_TEST

/* The parameters after a fit, as bytes. */
static void parameters(struct insp_trainer *trainer, struct insp_tail_buffers *ret) {
    ck_insp_ok(insp_trainer_export(trainer, ret, &f.err), f.err);
    insp_trainer_free(trainer);
}

static bool equal(const struct insp_tail_buffers *a, const struct insp_tail_buffers *b) {
    bool same = !memcmp(a->classifier_weight, b->classifier_weight, 2 * 512 * sizeof(float));
    for (size_t i = 0; i < INSP_TAIL_CONVS; i++)
        same = same && !memcmp(a->conv_weight[i], b->conv_weight[i], 512 * 512 * 9 * sizeof(float));
    return same;
}

START_TEST(the_same_seed_gives_the_same_parameters) {
    open_data();
    struct insp_train_params params = fixture_params();
    struct insp_fit_config config = config_of(&params);
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *one = insp_tail_buffers_new(),
                                                                *two = insp_tail_buffers_new(),
                                                                *other = insp_tail_buffers_new();
    struct insp_trainer *trainer;
    json_t *first = fit(&config, NULL, &trainer);
    parameters(trainer, one);
    json_t *second = fit(&config, NULL, &trainer);
    parameters(trainer, two);
    ck_assert(equal(one, two));
    for (size_t e = 0; e < 2; e++)
        ck_assert_double_eq(json_real_value(json_object_get(json_array_get(first, e), "loss")),
                            json_real_value(json_object_get(json_array_get(second, e), "loss")));
    json_decref(first);
    json_decref(second);
    config.fold = 1; /* another fold, another seed */
    json_decref(fit(&config, NULL, &trainer));
    parameters(trainer, other);
    ck_assert(!equal(one, other));
    close_data();
}
END_TEST

/* Before the first batch, while the features are looked through, and between batches. */
START_TEST(cancelled_between_batches) {
    open_data();
    struct insp_train_params params = fixture_params();
    struct insp_fit_config config = config_of(&params);
    for (int after = 0; after < (int)config.count + 4; after++) {
        int left = after;
        struct insp_progress progress = {.cancelled = fixture_cancel_after, .arg = &left};
        struct insp_trainer *trainer;
        json_t *curve;
        ck_insp_code(insp_fit(&config, &progress, &trainer, &curve, &f.err), INSP_E_CANCELLED, f.err);
    }
    close_data();
}
END_TEST

START_TEST(less_than_a_batch_is_refused) {
    open_data();
    struct insp_train_params params = fixture_params();
    params.batch = 12;
    struct insp_fit_config config = config_of(&params);
    struct insp_trainer *trainer;
    json_t *curve;
    ck_insp_code(insp_fit(&config, NULL, &trainer, &curve, &f.err), INSP_E_DATASET, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "has 11 images, fewer than one batch of 12"));
    close_data();
}
END_TEST

START_TEST(a_trunk_that_sees_nothing_is_told) {
    open_data();
    insp_train_data_free(data);
    struct insp_transform input = insp_transform_default();
    input.scale = 0; /* every input is 0 */
    ck_insp_ok(insp_train_data_open(&f.context, &input, false, NULL, &data, &f.err), f.err);
    struct insp_train_params params = fixture_params();
    struct insp_fit_config config = config_of(&params);
    struct insp_trainer *trainer;
    json_t *curve;
    ck_insp_code(insp_fit(&config, NULL, &trainer, &curve, &f.err), INSP_E_MODEL, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "is the same for all images"));
    close_data();
}
END_TEST

INSP_TESTS(whole_batches_and_every_epoch, stops_within_an_epoch_at_a_number_of_mini_batches,
           stops_early_only_where_asked, the_same_seed_gives_the_same_parameters, cancelled_between_batches,
           less_than_a_batch_is_refused, a_trunk_that_sees_nothing_is_told);
