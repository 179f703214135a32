#include "core/train/candidates/tail_history.h"

#include "tests/unit/train_fixture.h"

static struct train_fixture f;

/* Adds the weights of a trainer that starts with one number everywhere. */
static void add(struct insp_tail_history *history, float number) {
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = insp_tail_buffers_new();
    tail->conv_weight[1][77] = number;
    tail->classifier_bias[1] = number;
    struct insp_tail_weights view = insp_tail_buffers_view(tail);
    const struct insp_trainer_config config = {.class_weights = {1, 1}, .learning_rate = 1e-4F, .epsilon = 1e-8F};
    _cleanup_(insp_trainer_freep) struct insp_trainer *trainer = NULL;
    ck_insp_ok(insp_trainer_new(f.device, &view, &config, &trainer, &f.err), f.err);
    ck_insp_ok(insp_tail_history_add(history, trainer, &f.err), f.err);
}

START_TEST(the_mean_is_of_the_last_three_epochs) {
    struct insp_tail_history history = {0};
    train_fixture_open(&f);
    ck_assert_ptr_null(insp_tail_history_mean(&history));
    add(&history, 5);
    add(&history, 2);
    add(&history, 4);
    ck_assert_ptr_null(insp_tail_history_mean(&history)); /* the first epoch would be one of them */
    ck_assert_uint_eq(history.epochs, 0);
    struct insp_tail_buffers *mean;
    for (int i = 0; i < 5; i++)
        add(&history, (float)(1 << i));
    mean = insp_tail_history_mean(&history);
    ck_assert_float_eq_tol(mean->classifier_bias[1], 28.0F / 3, 1e-5F);
    insp_tail_buffers_free(mean);
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(the_mean_is_of_the_last_three_epochs);
