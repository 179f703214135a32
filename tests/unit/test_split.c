#include "core/dataset/split.h"

#include "core/base/cleanup.h"
#include "harness.h"

#include <math.h>
#include <string.h>

static struct insp_error err;

/* size[s] images of each stratum, in the order of the strata. */
static size_t lay_out(const size_t *size, size_t stratum_count, size_t *ret_strata) {
    size_t n = 0;
    for (size_t s = 0; s < stratum_count; s++)
        for (size_t i = 0; i < size[s]; i++)
            ret_strata[n++] = s;
    return n;
}

/* First outputs of xoshiro256** from the state 1, 2, 3, 4, worked out by hand from the reference code:
 * rotl(2*5, 7)*9 = 11520, then state (7, 0, 262146, rotl(6,45)). */
START_TEST(generator_is_xoshiro256starstar) {
    struct insp_random random = {{1, 2, 3, 4}};
    ck_assert_uint_eq(insp_random_below(&random, UINT64_MAX), 11520);
    ck_assert_uint_eq(random.state[0], 7);
    ck_assert_uint_eq(random.state[1], 0);
    ck_assert_uint_eq(random.state[2], 262146);
    ck_assert_uint_eq(random.state[3], (uint64_t)6 << 45);
}
END_TEST

/* SplitMix64's published first outputs for seed 1234567. */
START_TEST(seed_is_splitmix64) {
    struct insp_random random;
    insp_random_seed(&random, 1234567);
    ck_assert_uint_eq(random.state[0], 6457827717110365317u);
    ck_assert_uint_eq(random.state[1], 3203168211198807973u);
    ck_assert_uint_eq(random.state[2], 9817491932198370423u);
    ck_assert_uint_eq(random.state[3], 4593380528125082431u);
}
END_TEST

START_TEST(below_is_uniform_and_in_range) {
    struct insp_random random;
    insp_random_seed(&random, 7);
    size_t hits[6] = {0};
    for (int i = 0; i < 60000; i++)
        hits[insp_random_below(&random, 6)]++;
    for (int i = 0; i < 6; i++) {
        ck_assert_uint_gt(hits[i], 9600); /* 10000 +- 4.4 standard deviations */
        ck_assert_uint_lt(hits[i], 10400);
    }
    ck_assert_uint_eq(insp_random_below(&random, 1), 0);
}
END_TEST

START_TEST(shuffle_keeps_every_index) {
    struct insp_random random;
    insp_random_seed(&random, 3);
    size_t index[100];
    bool seen[100] = {false};
    for (size_t i = 0; i < 100; i++)
        index[i] = i;
    insp_random_shuffle(&random, index, 100);
    size_t moved = 0;
    for (size_t i = 0; i < 100; i++) {
        ck_assert(!seen[index[i]]);
        seen[index[i]] = true;
        moved += index[i] != i;
    }
    ck_assert_uint_gt(moved, 80);
}
END_TEST

START_TEST(split_of_cubes_holds_out_38) {
    size_t strata[188], size[] = {116, 72}, held[2] = {0};
    bool held_out[188], again[188], other[188];
    lay_out(size, 2, strata);
    ck_insp_ok(insp_split_stratified(strata, 188, 2, 0.2, 42, held_out, &err), err);
    for (size_t i = 0; i < 188; i++)
        held[strata[i]] += held_out[i];
    ck_assert_uint_eq(held[0], 23);
    ck_assert_uint_eq(held[1], 15);
    ck_insp_ok(insp_split_stratified(strata, 188, 2, 0.2, 42, again, &err), err);
    ck_assert_mem_eq(held_out, again, sizeof again);
    ck_insp_ok(insp_split_stratified(strata, 188, 2, 0.2, 43, other, &err), err);
    ck_assert_mem_ne(held_out, other, sizeof other);
}
END_TEST

START_TEST(a_single_image_of_a_defect_is_trained_on) {
    size_t size[] = {20, 1, 9}, strata[30];
    bool held_out[30], rest[29];
    lay_out(size, 3, strata);
    for (uint64_t seed = 0; seed < 50; seed++) {
        ck_insp_ok(insp_split_stratified(strata, 30, 3, 0.2, seed, held_out, &err), err);
        ck_assert(!held_out[20]);
        size_t without[29]; /* the others are split as if it were not there */
        memcpy(without, strata, 20 * sizeof *strata);
        memcpy(without + 20, strata + 21, 9 * sizeof *strata);
        ck_insp_ok(insp_split_stratified(without, 29, 3, 0.2, seed, rest, &err), err);
        ck_assert_mem_eq(held_out, rest, 20 * sizeof *rest);
        ck_assert_mem_eq(held_out + 21, rest + 20, 9 * sizeof *rest);
    }
}
END_TEST

START_TEST(splits_that_cannot_be_are_refused) {
    size_t size[] = {4, 2, 2}, strata[8];
    bool held_out[8];
    lay_out(size, 3, strata);
    ck_insp_code(insp_split_stratified(strata, 8, 3, 0.2, 1, held_out, &err), INSP_E_DATASET, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "6 and 2 images"));
    ck_insp_ok(insp_split_stratified(strata, 8, 3, 0.4, 1, held_out, &err), err);
    ck_insp_code(insp_split_stratified(strata, 8, 3, 0, 1, held_out, &err), INSP_E_PARAMETER, err);
    ck_insp_code(insp_split_stratified(strata, 8, 3, 1, 1, held_out, &err), INSP_E_PARAMETER, err);
    ck_insp_code(insp_split_stratified(strata, 8, 3, 0.0 / 0.0, 1, held_out, &err), INSP_E_PARAMETER, err);
}
END_TEST

enum { TINY_STRATA = 4, TINY_IMAGES = 6, TINY_TOTAL = TINY_STRATA * TINY_IMAGES };

/* Every set of up to 4 strata with 0 to 6 images each, by number; -> images. */
static size_t tiny_set(size_t number, size_t *ret_size, size_t *ret_strata) {
    for (size_t s = 0; s < TINY_STRATA; s++, number /= TINY_IMAGES + 1)
        ret_size[s] = number % (TINY_IMAGES + 1);
    return lay_out(ret_size, TINY_STRATA, ret_strata);
}

static void check_tiny_split(size_t number, double share, uint64_t seed) {
    size_t size[TINY_STRATA], strata[TINY_TOTAL], held[TINY_STRATA] = {0}, splittable = 0, kinds = 0, total = 0;
    bool held_out[TINY_TOTAL + 1];
    memset(held_out, 0, sizeof held_out);
    size_t n = tiny_set(number, size, strata);
    held_out[n] = true; /* a guard after the last */
    int r = insp_split_stratified(strata, n, TINY_STRATA, share, seed, held_out, &err);
    ck_assert(held_out[n]);
    for (size_t s = 0; s < TINY_STRATA; s++)
        if (size[s] > 1) {
            splittable += size[s];
            kinds++;
        }
    size_t wanted = (size_t)ceil(share * (double)splittable);
    if (!kinds || wanted < kinds || splittable - wanted < kinds) {
        ck_assert_int_eq(r, INSP_E_DATASET);
        return;
    }
    ck_insp_ok(r, err);
    for (size_t i = 0; i < n; i++)
        held[strata[i]] += held_out[i];
    for (size_t s = 0; s < TINY_STRATA; s++) {
        ck_assert_uint_le(held[s], size[s]);
        ck_assert(size[s] != 1 || held[s] == 0);
        total += held[s];
    }
    ck_assert_uint_eq(total, wanted);
}

/* 2401 sets x 20 shares: counts are checked before they are divided, whatever the set is like. */
START_TEST(every_tiny_set_is_split_or_refused) {
    static const double share[] = {0.01, 0.05, 0.1,  0.15, 0.2,  0.25, 0.3, 0.34, 0.35, 0.4,
                                   0.45, 0.5,  0.55, 0.6,  0.65, 0.67, 0.7, 0.75, 0.8,  0.9};
    for (size_t number = 0; number < 7 * 7 * 7 * 7; number++)
        for (size_t i = 0; i < INSP_COUNT(share); i++)
            check_tiny_split(number, share[i], number);
}
END_TEST

static void check_tiny_folds(size_t number, size_t folds) {
    size_t size[TINY_STRATA], strata[TINY_TOTAL], fold[TINY_TOTAL], per[21] = {0};
    size_t n = tiny_set(number, size, strata);
    bool thin = false, wanted_thin = false;
    int r = insp_split_folds(strata, n, TINY_STRATA, folds, number, fold, &thin, &err);
    if (size[0] < folds || n - size[0] < folds) {
        ck_assert_int_eq(r, INSP_E_DATASET);
        return;
    }
    ck_insp_ok(r, err);
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_lt(fold[i], folds);
        per[fold[i]]++;
    }
    for (size_t s = 0; s < TINY_STRATA; s++)
        wanted_thin = wanted_thin || (size[s] && size[s] < folds);
    ck_assert(thin == wanted_thin);
    for (size_t f = 0; f < folds; f++) {
        ck_assert_uint_ge(per[f], n / folds);
        ck_assert_uint_le(per[f], n / folds + 1);
    }
}

START_TEST(every_tiny_set_has_folds_or_is_refused) {
    for (size_t number = 0; number < 7 * 7 * 7 * 7; number++)
        for (size_t folds = 2; folds <= 20; folds++)
            check_tiny_folds(number, folds);
}
END_TEST

START_TEST(a_set_without_images_is_refused) {
    bool thin, held_out[1];
    size_t none[1] = {0}, fold[1];
    ck_insp_code(insp_split_stratified(none, 0, 0, 0.2, 1, held_out, &err), INSP_E_DATASET, err);
    ck_insp_code(insp_split_stratified(none, 0, 3, 0.2, 1, held_out, &err), INSP_E_DATASET, err);
    ck_insp_code(insp_split_folds(none, 0, 0, 2, 1, fold, &thin, &err), INSP_E_DATASET, err);
}
END_TEST

START_TEST(folds_are_even_and_cover_all) {
    size_t size[] = {116, 72}, strata[188], fold[188], per[5][2] = {{0}};
    bool thin;
    lay_out(size, 2, strata);
    ck_insp_ok(insp_split_folds(strata, 188, 2, 5, 42, fold, &thin, &err), err);
    ck_assert(!thin);
    for (size_t i = 0; i < 188; i++)
        per[fold[i]][strata[i]]++;
    for (size_t f = 0; f < 5; f++) {
        ck_assert_uint_ge(per[f][0], 23);
        ck_assert_uint_le(per[f][0], 24);
        ck_assert_uint_ge(per[f][1], 14);
        ck_assert_uint_le(per[f][1], 15);
    }
}
END_TEST

START_TEST(thin_defects_are_spread_and_told) {
    size_t size[] = {12, 1, 2, 3}, strata[18], fold[18];
    bool thin, used[5];
    lay_out(size, 4, strata);
    ck_insp_ok(insp_split_folds(strata, 18, 4, 5, 1, fold, &thin, &err), err);
    ck_assert(thin);
    for (size_t s = 1; s < 4; s++) {
        memset(used, 0, sizeof used);
        for (size_t i = 0; i < 18; i++)
            if (strata[i] == s) {
                ck_assert(!used[fold[i]]);
                used[fold[i]] = true;
            }
    }
}
END_TEST

START_TEST(fewer_images_than_folds_is_refused_with_counts) {
    size_t size[] = {12, 1, 2}, strata[15], fold[15];
    bool thin;
    lay_out(size, 3, strata);
    ck_insp_code(insp_split_folds(strata, 15, 3, 5, 1, fold, &thin, &err), INSP_E_DATASET, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "there are 12 and 3"));
    ck_insp_code(insp_split_folds(strata, 15, 3, 13, 1, fold, &thin, &err), INSP_E_DATASET, err);
    ck_insp_code(insp_split_folds(strata, 15, 3, 1, 1, fold, &thin, &err), INSP_E_PARAMETER, err);
}
END_TEST

INSP_TESTS(generator_is_xoshiro256starstar, seed_is_splitmix64, below_is_uniform_and_in_range,
           shuffle_keeps_every_index, split_of_cubes_holds_out_38, a_single_image_of_a_defect_is_trained_on,
           splits_that_cannot_be_are_refused, folds_are_even_and_cover_all, thin_defects_are_spread_and_told,
           fewer_images_than_folds_is_refused_with_counts, every_tiny_set_is_split_or_refused,
           every_tiny_set_has_folds_or_is_refused, a_set_without_images_is_refused);
