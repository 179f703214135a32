#include "core/train/golden_pick.h"

#include "tests/unit/train_fixture.h"

#include <math.h>
#include <unistd.h>

static struct train_fixture f;

/* All members of a set of good, hole and stain images are offered. */
static struct insp_golden *pick(size_t good, size_t hole, size_t stain, const char *gone) {
    struct insp_train_data *data = NULL;
    struct insp_golden *golden = NULL;
    struct insp_transform input = insp_transform_default();
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = insp_tail_buffers_new();
    size_t member[64];
    fixture_set(&f, good, hole, stain);
    insp_tail_init_identity(tail, 1, 1);
    ck_insp_ok(insp_train_data_open(&f.context, &input, false, &f.context.progress, &data, &f.err), f.err);
    for (size_t m = 0; m < data->set.count; m++)
        member[m] = m;
    if (gone) {
        char path[INSP_PATH_BYTES];
        fixture_path(&f, gone, path);
        ck_assert_int_eq(unlink(path), 0);
    }
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = insp_manifest_new();
    struct insp_bundle_parts parts = {.tail = tail};
    ck_insp_ok(insp_golden_pick(&f.context, data, manifest, member, data->set.count, &parts, &golden, &f.err),
               f.err);
    if (golden) { /* a logistic regression that is always sure decides alone */
        static struct insp_logistic sure = {.bias = -30};
        _cleanup_(insp_golden_freep) struct insp_golden *by_regression = NULL;
        parts.logistic = &sure;
        manifest->logistic.use = INSP_LOGISTIC_ALONE;
        ck_insp_ok(
            insp_golden_pick(&f.context, data, manifest, member, data->set.count, &parts, &by_regression, &f.err),
            f.err);
        for (size_t i = 0; i < golden->count; i++) {
            ck_assert_float_lt(by_regression->sample[i].probability, 1e-12F);
            ck_assert_mem_eq(by_regression->sample[i].map, golden->sample[i].map, sizeof golden->sample[i].map);
        }
    }
    insp_train_data_free(data);
    return golden;
}

START_TEST(two_of_each_class_and_two_defect_types) {
    train_fixture_open(&f);
    _cleanup_(insp_golden_freep) struct insp_golden *golden = pick(5, 4, 2, NULL);
    ck_assert_uint_eq(golden->count, 4);
    size_t anomalies = 0;
    for (size_t i = 0; i < golden->count; i++) {
        anomalies += golden->sample[i].label == INSP_CLASS_ANOMALY;
        ck_assert(golden->sample[i].probability >= 0 && golden->sample[i].probability <= 1);
        ck_assert(isfinite(golden->sample[i].map[0]) && golden->sample[i].rgb);
    }
    ck_assert_uint_eq(anomalies, 2);
    train_fixture_close(&f);
}
END_TEST

START_TEST(fewer_where_there_are_fewer) {
    train_fixture_open(&f);
    _cleanup_(insp_golden_freep) struct insp_golden *golden = pick(1, 2, 0, NULL);
    ck_assert_uint_eq(golden->count, 3); /* a second hole replaces the missing type */
    train_fixture_close(&f);
}
END_TEST

START_TEST(a_file_that_has_gone_is_passed_over) {
    train_fixture_open(&f);
    _cleanup_(insp_golden_freep) struct insp_golden *golden = pick(3, 1, 1, "test/hole/00.png");
    ck_assert_uint_eq(golden->count, 3);
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(two_of_each_class_and_two_defect_types, fewer_where_there_are_fewer,
           a_file_that_has_gone_is_passed_over);
