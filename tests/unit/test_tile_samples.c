#include "core/train/tiles/tile_samples.h"

#include "core/train/tiles/tile_labels.h"
#include "tests/unit/train_fixture.h"

#include <math.h>

/* A set whose tiles have labels, without files: `count` images of PARTS tiles, the first `bad` of them defective.
 */
enum { PARTS = 12, IMAGES_MAX = 200 };
static struct {
    struct insp_train_data data;
    struct insp_dataset dataset;
    size_t item[IMAGES_MAX], member[IMAGES_MAX];
    uint8_t label[IMAGES_MAX], tile_label[IMAGES_MAX * PARTS];
} s;
static struct insp_error err;

/* anomalous, left_out: tiles of each defective image. */
static void make(size_t count, size_t bad, size_t anomalous, size_t left_out) {
    memset(&s, 0, sizeof s);
    for (size_t i = 0; i < count; i++) {
        s.item[i] = s.member[i] = i;
        s.label[i] = i < bad;
        for (size_t t = 0; t < PARTS && i < bad; t++)
            s.tile_label[i * PARTS + t] = t < anomalous              ? INSP_TILE_ANOMALY
                                          : t < anomalous + left_out ? INSP_TILE_LEFT_OUT
                                                                     : INSP_TILE_GOOD;
    }
    s.dataset.count = count;
    s.data =
        (struct insp_train_data){.set = {.dataset = &s.dataset, .count = count, .item = s.item, .label = s.label},
                                 .tiles = {4, 3},
                                 .tile_label = s.tile_label};
}

static struct insp_tile_samples choose(size_t count, size_t good_max, uint64_t seed) {
    struct insp_train_params params = insp_train_params_default();
    struct insp_tile_samples samples;
    params.seed = seed;
    ck_insp_ok(insp_tile_samples(&s.data, &params, s.member, count, good_max, &samples, &err), err);
    return samples;
}

/* Each sample once, of the members alone, none left out; returns the fewest and the most good ones of a member. */
static void check(const struct insp_tile_samples *samples, size_t members, size_t *ret_least, size_t *ret_most) {
    uint8_t seen[IMAGES_MAX * PARTS] = {0};
    size_t good[IMAGES_MAX] = {0}, of[INSP_CLASSES] = {0};
    for (size_t i = 0; i < samples->count; i++) {
        const size_t sample = samples->sample[i];
        ck_assert_uint_lt(sample / PARTS, members);
        ck_assert_uint_eq(seen[sample]++, 0);
        ck_assert_uint_ne(s.tile_label[sample], INSP_TILE_LEFT_OUT);
        of[s.tile_label[sample]]++;
        good[sample / PARTS] += s.tile_label[sample] == INSP_TILE_GOOD;
    }
    ck_assert_mem_eq(of, samples->of, sizeof of);
    ck_assert_uint_eq(of[0] + of[1], samples->count);
    *ret_least = *ret_most = good[0];
    for (size_t m = 1; m < members; m++) {
        *ret_least = good[m] < *ret_least ? good[m] : *ret_least;
        *ret_most = good[m] > *ret_most ? good[m] : *ret_most;
    }
}

START_TEST(all_defective_tiles_and_a_fair_part_of_the_good_ones) {
    size_t least, most;
    make(100, 20, 2, 1);
    struct insp_tile_samples samples = choose(100, 0, 42);
    check(&samples, 100, &least, &most);
    ck_assert_uint_eq(samples.there[INSP_CLASS_ANOMALY], 40);
    ck_assert_uint_eq(samples.there[INSP_CLASS_GOOD], 80 * PARTS + 20 * 9);
    ck_assert_uint_eq(samples.left_out, 20);
    ck_assert_uint_eq(samples.of[INSP_CLASS_ANOMALY], 40);
    ck_assert_uint_eq(samples.of[INSP_CLASS_GOOD], INSP_TILES_GOOD_MIN); /* more than four times as many */
    ck_assert_uint_eq(least, 2);
    ck_assert_uint_eq(most, 2);
    ck_assert_float_eq_tol(samples.class_weights[1], 5, 1e-5F); /* 200 good tiles weigh as 40 others */
    ck_assert_float_eq_tol(samples.target_accuracy, 1 - 0.02F / 3, 1e-6F);
    char digest[INSP_SHA256_HEX_BYTES], changed[INSP_SHA256_HEX_BYTES];
    ck_assert(insp_tile_samples_digest(&s.data, digest));
    s.tile_label[100 * PARTS - 1] = INSP_TILE_LEFT_OUT; /* a mask that says otherwise, of the same image */
    ck_assert(insp_tile_samples_digest(&s.data, changed));
    ck_assert_str_ne(digest, changed);
    s.tile_label[100 * PARTS - 1] = INSP_TILE_GOOD;
    struct insp_tile_samples again = choose(100, 0, 42), other = choose(100, 0, 43);
    ck_assert_mem_eq(samples.sample, again.sample, samples.count * sizeof *samples.sample);
    ck_assert(memcmp(samples.sample, other.sample, samples.count * sizeof *samples.sample) != 0);
    free(samples.sample);
    free(again.sample);
    free(other.sample);
}
END_TEST

START_TEST(small_sets_take_all_and_large_ones_are_bounded) {
    size_t least, most;
    make(10, 3, 1, 0);
    struct insp_tile_samples samples = choose(10, 0, 42);
    check(&samples, 10, &least, &most);
    ck_assert_uint_eq(samples.count, 10 * PARTS);
    free(samples.sample);
    samples = choose(10, 7, 42); /* a bound below the members: no two of one */
    check(&samples, 10, &least, &most);
    ck_assert_uint_eq(samples.of[INSP_CLASS_GOOD], 7);
    ck_assert_uint_eq(most, 1);
    free(samples.sample);
    make(200, 120, 10, 0);
    samples = choose(200, 0, 42);
    check(&samples, 200, &least, &most);
    ck_assert_uint_eq(samples.of[INSP_CLASS_ANOMALY], INSP_TILES_ANOMALOUS_MAX);
    ck_assert_uint_eq(samples.of[INSP_CLASS_GOOD], samples.there[INSP_CLASS_GOOD]);
    free(samples.sample);
}
END_TEST

START_TEST(without_a_class_there_is_no_training) {
    struct insp_train_params params = insp_train_params_default();
    struct insp_tile_samples samples;
    make(10, 3, 0, PARTS);
    ck_insp_code(insp_tile_samples(&s.data, &params, s.member, 10, 0, &samples, &err), INSP_E_DATASET, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "shows a defect"));
    make(10, 10, PARTS, 0);
    ck_insp_code(insp_tile_samples(&s.data, &params, s.member, 10, 0, &samples, &err), INSP_E_DATASET, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "without a defect"));
}
END_TEST

START_TEST(without_tiles_the_samples_are_the_members) {
    const size_t member[] = {4, 2, 9};
    const struct insp_train_params params = insp_train_params_default();
    struct insp_tile_samples samples;
    make(10, 3, 1, 0);
    s.data.tiles = (struct insp_tiles){0, 0};
    s.data.tile_label = NULL;
    ck_insp_ok(insp_tile_samples(&s.data, &params, member, 3, 0, &samples, &err), err);
    ck_assert_uint_eq(samples.count, 3);
    ck_assert_mem_eq(samples.sample, member, sizeof member);
    ck_assert_float_eq(samples.class_weights[1], 3);
    ck_assert_float_eq(samples.target_accuracy, 0.98F);
    free(samples.sample);
}
END_TEST

INSP_TESTS(all_defective_tiles_and_a_fair_part_of_the_good_ones, small_sets_take_all_and_large_ones_are_bounded,
           without_a_class_there_is_no_training, without_tiles_the_samples_are_the_members);
