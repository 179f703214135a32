#include "core/train/train_data.h"

#include "core/model/weights.h"
#include "tests/unit/train_fixture.h"

#include <math.h>

static struct train_fixture f;

static struct insp_train_data *open_data(bool skip_unreadable) {
    const struct insp_transform input = insp_transform_default();
    struct insp_train_data *data;
    ck_insp_ok(insp_train_data_open(&f.context, &input, skip_unreadable, NULL, &data, &f.err), f.err);
    return data;
}

static int try_open(bool skip_unreadable, const struct insp_progress *progress) {
    const struct insp_transform input = insp_transform_default();
    struct insp_train_data *data;
    return insp_train_data_open(&f.context, &input, skip_unreadable, progress, &data, &f.err);
}

START_TEST(members_carry_class_and_label) {
    train_fixture_open(&f);
    fixture_set(&f, 4, 3, 2);
    struct insp_train_data *data = open_data(false);
    ck_assert_uint_eq(data->set.count, 9);
    ck_assert_uint_eq(data->trunk_runs, 9);
    ck_assert_uint_eq(data->set.skipped, 0);
    ck_assert_uint_eq(strlen(data->set.digest), 64);
    size_t per_stratum[3] = {0};
    for (size_t m = 0; m < data->set.count; m++) {
        ck_assert_uint_eq(data->set.label[m], data->set.strata[m] > 0);
        per_stratum[data->set.strata[m]]++;
    }
    ck_assert_uint_eq(per_stratum[0], 4);
    ck_assert_uint_eq(per_stratum[1], 3);
    ck_assert_uint_eq(per_stratum[2], 2);
    insp_train_data_free(data);
    data = open_data(false);
    ck_assert_uint_eq(data->trunk_runs, 0);
    insp_train_data_free(data);
    train_fixture_close(&f);
}
END_TEST

/* Members close the gap that a skipped image leaves; features follow them. */
START_TEST(skipped_images_are_no_members) {
    train_fixture_open(&f);
    fixture_set(&f, 4, 3, 0);
    fixture_bytes(&f, "test/hole/01.png", "broken", 6);
    ck_assert_int_eq(try_open(false, NULL), INSP_E_IMAGE);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "test/hole/01.png"));
    struct insp_train_data *data = open_data(true);
    ck_assert_uint_eq(data->set.count, 6);
    ck_assert_uint_eq(data->set.skipped, 1);
    float *features = malloc(6 * INSP_FEATURE_FLOATS * sizeof *features);
    const size_t order[] = {5, 4, 3, 2, 1, 0};
    insp_train_data_gather(data, order, 6, features);
    for (size_t i = 0; i < 6; i++) /* channel 0 is the brightness, in the middle of the picture: no odd pixel */
        ck_assert_int_eq(features[i * INSP_FEATURE_FLOATS + 14 * 10 + 7] > 0.5f, data->set.label[order[i]]);
    free(features);
    insp_train_data_free(data);
    train_fixture_close(&f);
}
END_TEST

START_TEST(a_class_that_cannot_be_read_is_told) {
    train_fixture_open(&f);
    fixture_set(&f, 3, 0, 0);
    fixture_bytes(&f, "test/hole/00.png", "broken", 6);
    ck_assert_int_eq(try_open(true, NULL), INSP_E_DATASET);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "no readable defect image"));
    ck_assert_ptr_nonnull(strstr(f.err.detail, "1 images were skipped"));
    train_fixture_close(&f);
}
END_TEST

START_TEST(opening_can_be_cancelled) {
    train_fixture_open(&f);
    fixture_set(&f, 3, 2, 0);
    for (int after = 0; after < 10; after += 3) { /* while hashing, and while computing features */
        int left = after;
        struct insp_progress progress = {.cancelled = fixture_cancel_after, .arg = &left};
        ck_assert_int_eq(try_open(false, &progress), INSP_E_CANCELLED);
    }
    train_fixture_close(&f);
}
END_TEST

/* A tail whose weights are 0 but for the classifier's bias answers the same for all on the real device; the fake
 * one answers the brightness. Either way each answer must belong to its member, in the order of the request. */
START_TEST(scores_come_in_the_order_asked) {
    train_fixture_open(&f);
    fixture_set(&f, 20, 14, 0); /* more than two batches */
    struct insp_train_data *data = open_data(false);
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *buffers = insp_tail_buffers_new();
    insp_tail_init_identity(buffers, 7, 0.4f);
    struct insp_tail_weights view = insp_tail_buffers_view(buffers);
    struct insp_tail *tail;
    ck_insp_ok(insp_tail_load(f.device, &view, &tail, &f.err), f.err);
    const struct insp_scorer scorer = {.tail = tail};
    size_t forth[34], back[34];
    float one[34], other[34], alone;
    _cleanup_free_ float *map = malloc(34 * INSP_MAP_FLOATS * sizeof *map);
    for (size_t i = 0; i < 34; i++) {
        forth[i] = i;
        back[i] = 33 - i;
    }
    ck_insp_ok(insp_train_data_score(data, &scorer, forth, 34, NULL, one, map, &f.err), f.err);
    ck_insp_ok(insp_train_data_score(data, &scorer, back, 34, NULL, other, NULL, &f.err), f.err);
    for (size_t i = 0; i < 34; i++) {
        ck_assert_float_eq_tol(one[i], other[33 - i], 1e-5f);
        ck_assert(isfinite(map[i * INSP_MAP_FLOATS + i]));
    }
    ck_insp_ok(insp_train_data_score(data, &scorer, &back[2], 1, NULL, &alone, NULL, &f.err), f.err);
    ck_assert_float_eq_tol(alone, other[2], 1e-5f);
    int left = 1;
    struct insp_progress progress = {.cancelled = fixture_cancel_after, .arg = &left};
    ck_insp_code(insp_train_data_score(data, &scorer, forth, 34, &progress, one, NULL, &f.err), INSP_E_CANCELLED,
                 f.err);
    insp_tail_free(tail);
    insp_train_data_free(data);
    train_fixture_close(&f);
}
END_TEST

/* The daemon shows no heat in ignored cells, and neither does a report. */
START_TEST(ignored_cells_have_no_heat) {
    static const char json[] = "{\"look\":[[[0,0],[1,0],[1,0.5],[0,0.5]]]}";
    train_fixture_open(&f);
    fixture_set(&f, 2, 1, 0);
    struct insp_train_data *data = open_data(false);
    float map[INSP_MAP_FLOATS];
    const size_t member = 0;
    json_t *region = json_loads(json, 0, NULL);
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *fields = NULL;
    ck_insp_ok(insp_field_set_parse(region, &fields, &f.err), f.err);
    data->fields = fields;
    for (size_t i = 0; i < INSP_MAP_FLOATS; i++)
        map[i] = 4; /* a picture that is hot all over */
    insp_train_data_heat(data, &member, 1, INSP_SCALE_FIXED, 2, 4, map);
    ck_assert(map[0] == 1 && map[INSP_MAP_FLOATS - 1] == 0);
    map[INSP_MAP_FLOATS - 1] = 4;
    insp_train_data_heat(data, &member, 1, INSP_SCALE_PER_IMAGE, 0, 1, map);
    ck_assert(map[0] == 1 && map[INSP_MAP_FLOATS - 1] == 4);
    json_decref(region);
    insp_train_data_free(data);
    train_fixture_close(&f);
}
END_TEST

START_TEST(metrics_are_of_the_members_asked) {
    train_fixture_open(&f);
    fixture_set(&f, 3, 2, 1);
    struct insp_train_data *data = open_data(false);
    size_t member[4], n = 0;
    float probability[4];
    for (size_t m = 0; m < data->set.count; m++)
        if (data->set.strata[m] != 1) { /* without the holes: the stain found, one good part called bad */
            probability[n] = data->set.strata[m] == 2 || n == 1 ? 0.9f : 0.1f;
            member[n++] = m;
        }
    ck_assert_uint_eq(n, 4);
    ck_assert_uint_eq(data->set.strata[member[0]], 2); /* test/stain comes before train/good */
    struct insp_metrics metrics;
    ck_insp_ok(insp_train_data_metrics(data, member, 4, probability, 0.5, &metrics, &f.err), f.err);
    ck_assert_uint_eq(metrics.true_anomaly, 1);
    ck_assert_uint_eq(metrics.false_anomaly, 1);
    ck_assert_uint_eq(metrics.true_good, 2);
    ck_assert_uint_eq(metrics.stratum[1].of, 0);
    ck_assert_uint_eq(metrics.stratum[2].hits, 1);
    insp_metrics_clear(&metrics);
    insp_train_data_free(data);
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(members_carry_class_and_label, skipped_images_are_no_members, a_class_that_cannot_be_read_is_told,
           opening_can_be_cancelled, scores_come_in_the_order_asked, ignored_cells_have_no_heat,
           metrics_are_of_the_members_asked);
