#include "core/train/folds/out_of_fold.h"

#include "core/train/candidates/candidate_models.h"
#include "core/train/tiles/tile_labels.h"
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

static struct insp_candidate_scores scores;
static size_t half[20];

static size_t yields; /* one for each mini-batch, and for each pass that scores */

static void on_yield(void *arg) {
    (void)arg;
    yields++;
}

static int run(size_t count, unsigned epochs, bool candidates, const struct insp_train_params *params) {
    const struct insp_progress progress = {.yield = on_yield};
    size_t member[20];
    yields = 0;
    for (size_t i = 0; i < count; i++)
        member[i] = i;
    insp_candidate_scores_clear(&scores);
    return insp_out_of_fold(&f.context, params, data, member, count, epochs, candidates, &progress, &scores, half,
                            &f.err);
}

START_TEST(every_member_is_scored_once_and_equal_seeds_give_equal_scores) {
    float first[INSP_CANDIDATES][20];
    open_set(12, 8);
    struct insp_train_params params = fixture_params();
    params.epochs = 4;
    params.target_accuracy = 1;
    ck_insp_ok(run(20, 0, true, &params), f.err);
    for (enum insp_candidate c = 0; c < INSP_CANDIDATES; c++)
        for (size_t i = 0; i < 20; i++) {
            ck_assert(scores.probability[c][i] > 0 && scores.probability[c][i] < 1);
            ck_assert(half[i] < 2);
            first[c][i] = scores.probability[c][i];
        }
    ck_insp_ok(run(20, 0, true, &params), f.err);
    for (enum insp_candidate c = 0; c < INSP_CANDIDATES; c++)
        ck_assert_mem_eq(first[c], scores.probability[c], sizeof first[c]);
    for (size_t i = 0; i < 20;
         i++) /* dark and bright pictures: half of them teach the regression what defects are */
        ck_assert((first[INSP_CANDIDATE_LOGISTIC][i] > 0.5F) == (data->set.label[i] == INSP_CLASS_ANOMALY));
    ck_insp_ok(run(18, 0, false, &params), f.err); /* a part of the set */
    for (enum insp_candidate c = INSP_CANDIDATE_TAIL + 1; c < INSP_CANDIDATES; c++)
        ck_assert_ptr_null(scores.probability[c]);
    ck_insp_ok(run(20, 3, true, &params), f.err); /* too few epochs to average the last ones */
    ck_assert_ptr_null(scores.probability[INSP_CANDIDATE_TAIL_AVERAGED]);
    ck_assert_ptr_nonnull(scores.probability[INSP_CANDIDATE_BOTH]);
    insp_candidate_scores_clear(&scores);
    close_set();
}
END_TEST

/* A training of 40 mini-batches: 36 are 90 % of it, and scoring 20 images by two tails costs as much as 2.2. */
START_TEST(both_halves_and_the_scores_cost_less_than_the_training) {
    open_set(12, 8);
    struct insp_train_params params = fixture_params();
    params.epochs = 20;
    params.batch = 5;
    params.target_accuracy = 1;
    ck_insp_ok(run(20, 10, true, &params), f.err);
    ck_assert_uint_eq(yields, 2 * 16 + 2 * 2);
    ck_insp_ok(run(20, 10, false, &params), f.err); /* by one tail: 1.1 */
    ck_assert_uint_eq(yields, 2 * 17 + 2);
    ck_assert_ptr_null(scores.probability[INSP_CANDIDATE_TAIL_AVERAGED]);
    ck_insp_ok(run(20, 4, true, &params), f.err); /* 6 mini-batches of 2 an epoch: no fourth epoch to average */
    ck_assert_ptr_null(scores.probability[INSP_CANDIDATE_TAIL_AVERAGED]);
    ck_assert_ptr_nonnull(scores.probability[INSP_CANDIDATE_BOTH]);
    ck_assert_uint_eq(yields, 2 * 6 + 2);
    ck_insp_ok(run(20, 2, true, &params), f.err); /* two epochs of 2 mini-batches, also if 3 cost as much */
    ck_assert_uint_eq(yields, 2 * 4 + 2);
    ck_insp_ok(run(20, 1, true, &params), f.err);
    ck_assert_uint_eq(yields, 2 * 4 + 2);
    insp_candidate_scores_clear(&scores);
    close_set();
}
END_TEST

START_TEST(too_few_images_are_refused_before_anything_is_trained) {
    open_set(6, 1);
    struct insp_train_params params = fixture_params();
    ck_insp_code(run(7, 0, true, &params), INSP_E_DATASET, f.err); /* one defect for two halves */
    close_set();
    open_set(6, 4);
    params.batch = 6;
    ck_insp_code(run(10, 0, true, &params), INSP_E_DATASET, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "half of 10 images is less than a mini-batch of 6"));
    params.batch = 1;
    params.epochs = 1;
    ck_insp_code(run(10, 1, true, &params), INSP_E_DATASET, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "for 1 epoch, fewer than 2"));
    ck_assert_uint_eq(yields, 0);
    insp_candidate_scores_clear(&scores);
    close_set();
}
END_TEST

/* A grid of one tile: the samples are tiles, whose number does not follow from that of the images. */
START_TEST(halves_with_tiles_run_all_epochs) {
    open_set(12, 8);
    data->tiles = (struct insp_tiles){1, 1};
    data->tile_label = calloc(20, 1);
    for (size_t i = 0; i < 20; i++)
        data->tile_label[data->set.item[i]] =
            data->set.label[i] == INSP_CLASS_ANOMALY ? INSP_TILE_ANOMALY : INSP_TILE_GOOD;
    struct insp_train_params params = fixture_params();
    params.epochs = 4;
    params.batch = 5;
    params.target_accuracy = 1;
    ck_insp_ok(run(20, 4, true, &params), f.err); /* of images the fourth would be too many */
    ck_assert_ptr_nonnull(scores.probability[INSP_CANDIDATE_TAIL_AVERAGED]);
    ck_insp_ok(run(20, 3, true, &params), f.err);
    ck_assert_ptr_null(scores.probability[INSP_CANDIDATE_TAIL_AVERAGED]);
    ck_insp_ok(run(20, 1, true, &params), f.err); /* two */
    insp_candidate_scores_clear(&scores);
    close_set();
}
END_TEST

INSP_TESTS(both_halves_and_the_scores_cost_less_than_the_training,
           every_member_is_scored_once_and_equal_seeds_give_equal_scores,
           too_few_images_are_refused_before_anything_is_trained, halves_with_tiles_run_all_epochs);
