#include "core/train/folds/out_of_fold.h"

#include "tests/unit/train_fixture.h"

static struct train_fixture f;
static struct insp_train_data *data;

static void open_set(size_t good, size_t holes) {
    const struct insp_transform input = insp_transform_default();
    train_fixture_open(&f);
    fixture_set(&f, good, holes, 0);
    ck_insp_ok(insp_train_data_open(&f.context, &input, false, NULL, &data, &f.err), f.err);
}

static void close_set(void) {
    insp_train_data_free(data);
    train_fixture_close(&f);
}

static int run(size_t *member, size_t count, const struct insp_train_params *params, float *ret) {
    for (size_t i = 0; i < count; i++)
        member[i] = i;
    for (size_t i = 0; i < count; i++)
        ret[i] = -1;
    return insp_out_of_fold(&f.context, params, data, member, count, NULL, ret, &f.err);
}

START_TEST(every_member_is_scored_once_and_equal_seeds_give_equal_scores) {
    size_t member[20];
    float first[20], again[20];
    open_set(12, 8);
    const struct insp_train_params params = fixture_params();
    ck_insp_ok(run(member, 20, &params, first), f.err);
    ck_insp_ok(run(member, 20, &params, again), f.err);
    for (size_t i = 0; i < 20; i++)
        ck_assert(first[i] >= 0 && first[i] <= 1);
    ck_assert_mem_eq(first, again, sizeof first);
    ck_insp_ok(run(member, 18, &params, first), f.err); /* a part of the set */
    close_set();
}
END_TEST

START_TEST(too_few_images_are_refused_before_anything_is_trained) {
    size_t member[20];
    float score[20];
    open_set(6, 1);
    struct insp_train_params params = fixture_params();
    ck_insp_code(run(member, 7, &params, score), INSP_E_DATASET, f.err); /* one defect for two halves */
    close_set();
    open_set(6, 4);
    params.batch = 6;
    ck_insp_code(run(member, 10, &params, score), INSP_E_DATASET, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "half of 10 images is less than a mini-batch of 6"));
    close_set();
}
END_TEST

INSP_TESTS(every_member_is_scored_once_and_equal_seeds_give_equal_scores,
           too_few_images_are_refused_before_anything_is_trained);
