#include "core/train/features/feature_cache.h"

#include "core/dataset/image_loader.h"
#include "tests/unit/train_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>

enum { POOLED_BYTES = 3 * 4096, SLOT_BYTES = 4096 + INSP_FEATURE_FLOATS * 4 + POOLED_BYTES };

static struct train_fixture f;
static float got[INSP_FEATURE_FLOATS], wanted[INSP_FEATURE_FLOATS], pixels[INSP_INPUT_FLOATS];

static struct insp_feature_cache_config config_of(void) {
    return (struct insp_feature_cache_config){.folder = f.cache,
                                              .trunk_sha256 = f.trunk_sha256,
                                              .arithmetic = insp_device_arithmetic(f.device),
                                              .input = insp_transform_default(),
                                              .limits = insp_image_limits_default()};
}

static struct insp_feature_cache *open_cache(const struct insp_feature_cache_config *config) {
    struct insp_feature_cache *cache;
    ck_insp_ok(insp_feature_cache_open(config, &cache, &f.err), f.err);
    return cache;
}

static struct insp_dataset *read_set(void) {
    char digest[INSP_SHA256_HEX_BYTES];
    struct insp_dataset *set;
    ck_insp_ok(insp_dataset_open(f.set, &set, &f.err), f.err);
    ck_insp_ok(insp_dataset_hash(set, NULL, false, digest, &f.err), f.err);
    return set;
}

/* -> how many images went through the trunk */
static size_t fill(struct insp_feature_cache *cache, const struct insp_dataset *set) {
    size_t runs = 999;
    ck_insp_ok(insp_feature_cache_fill(cache, f.trunk, set, NULL, NULL, false, &runs, &f.err), f.err);
    return runs;
}

/* Opens, fills and closes. */
static size_t fill_anew(const struct insp_feature_cache_config *config, const struct insp_dataset *set) {
    struct insp_feature_cache *cache = open_cache(config);
    size_t runs = fill(cache, set);
    insp_feature_cache_close(cache);
    return runs;
}

/* relative: of the largest difference that is fine (float16 has 11 bits; other batches, another order of sums) */
static void check_features(struct insp_feature_cache *cache, const struct insp_dataset *set, size_t item,
                           float relative) {
    struct insp_transform transform = insp_transform_default();
    struct insp_image_limits limits = insp_image_limits_default();
    ck_insp_ok(insp_load_image(set->item[item].path, NULL, NULL, NULL, &transform, &limits, pixels, &f.err),
               f.err);
    ck_insp_ok(insp_trunk_features(f.trunk, pixels, 1, wanted, &f.err), f.err);
    insp_feature_cache_get(cache, item, 0, got);
    for (size_t i = 0; i < INSP_FEATURE_FLOATS; i++)
        ck_assert_float_le(fabsf(got[i] - wanted[i]), relative * fabsf(wanted[i]) + 1e-6f);
    /* The statistics are of the floats, in a cache of halves too. */
    static float taps[INSP_TAP_FLOATS], pooled[INSP_POOLED_FLOATS], of_floats[INSP_POOLED_FLOATS];
    ck_insp_ok(insp_trunk_taps(f.trunk, pixels, 1, wanted, taps, &f.err), f.err);
    insp_pooled_of(taps, wanted, of_floats);
    insp_feature_cache_pooled(cache, item, 0, pooled);
    for (size_t i = 0; i < INSP_POOLED_FLOATS; i++)
        ck_assert_float_eq_tol(pooled[i], of_floats[i], 1e-5f * fabsf(of_floats[i]) + 1e-6f);
}

/* The only file in the cache folder. */
static size_t only_file(char *ret_path, off_t *ret_bytes) {
    DIR *dir = opendir(f.cache);
    size_t files = 0;
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        if (*e->d_name == '.')
            continue;
        files++;
        ck_insp_ok(insp_path(ret_path, &f.err, "%s/%s", f.cache, e->d_name), f.err);
        struct stat st;
        ck_assert_int_eq(stat(ret_path, &st), 0);
        *ret_bytes = st.st_size;
    }
    closedir(dir);
    return files;
}

START_TEST(each_distinct_image_once) {
    train_fixture_open(&f);
    fixture_set(&f, 9, 2, 1);
    fixture_image(&f, "test/hole/twin.png", 77);
    f.images--;
    fixture_image(&f, "test/good/twin.png", 77); /* the same bytes */
    struct insp_dataset *set = read_set();
    struct insp_feature_cache_config config = config_of();
    struct insp_feature_cache *cache = open_cache(&config);
    ck_assert_uint_eq(set->count, 14);
    ck_assert_uint_eq(fill(cache, set), 13);
    ck_assert_uint_eq(fill(cache, set), 0);
    insp_feature_cache_close(cache);
    cache = open_cache(&config);
    ck_assert_uint_eq(fill(cache, set), 0);
    for (size_t i = 0; i < set->count; i += 5)
        check_features(cache, set, i, 1e-5f);
    insp_feature_cache_close(cache);
    insp_dataset_free(set);
    train_fixture_close(&f);
}
END_TEST

START_TEST(a_renamed_image_hits_a_new_one_does_not) {
    train_fixture_open(&f);
    fixture_set(&f, 3, 2, 0);
    struct insp_dataset *set = read_set();
    struct insp_feature_cache_config config = config_of();
    ck_assert_uint_eq(fill_anew(&config, set), 5);
    char from[INSP_PATH_BYTES], to[INSP_PATH_BYTES];
    fixture_path(&f, "test/hole/00.png", from);
    fixture_path(&f, "test/hole/renamed.png", to);
    ck_assert_int_eq(rename(from, to), 0);
    fixture_image(&f, "test/hole/new.png", 200);
    insp_dataset_free(set);
    set = read_set();
    ck_assert_uint_eq(fill_anew(&config, set), 1);
    insp_dataset_free(set);
    train_fixture_close(&f);
}
END_TEST

START_TEST(another_trunk_or_transform_has_its_own_features) {
    train_fixture_open(&f);
    fixture_set(&f, 2, 1, 0);
    struct insp_dataset *set = read_set();
    struct insp_feature_cache_config config = config_of();
    ck_assert_uint_eq(fill_anew(&config, set), 3);
    config.input.mean[1] = 0.5f;
    ck_assert_uint_eq(fill_anew(&config, set), 3);
    config = config_of();
    config.input.bgr = true;
    ck_assert_uint_eq(fill_anew(&config, set), 3);
    config = config_of();
    f.trunk_sha256[5] = 'b';
    ck_assert_uint_eq(fill_anew(&config, set), 3);
    f.trunk_sha256[5] = 'a';
    config.arithmetic = "another engine";
    ck_assert_uint_eq(fill_anew(&config, set), set->count);
    config.arithmetic = insp_device_arithmetic(f.device);
    ck_assert_uint_eq(fill_anew(&config, set), 0);
    config.input.width = 225;
    struct insp_feature_cache *cache;
    ck_insp_code(insp_feature_cache_open(&config, &cache, &f.err), INSP_E_PARAMETER, f.err);
    insp_dataset_free(set);
    train_fixture_close(&f);
}
END_TEST

START_TEST(float16_takes_half_the_space) {
    train_fixture_open(&f);
    fixture_set(&f, 3, 2, 0);
    struct insp_dataset *set = read_set();
    struct insp_feature_cache_config config = config_of();
    config.half = true;
    struct insp_feature_cache *cache = open_cache(&config);
    ck_assert_uint_eq(fill(cache, set), 5);
    for (size_t i = 0; i < set->count; i++)
        check_features(cache, set, i, 1.0f / 2048);
    char path[INSP_PATH_BYTES];
    off_t bytes;
    ck_assert_uint_eq(only_file(path, &bytes), 1);
    ck_assert_int_eq(bytes, 4096 + 5 * (4096 + INSP_FEATURE_FLOATS * 2 + POOLED_BYTES));
    insp_feature_cache_close(cache);
    insp_dataset_free(set);
    train_fixture_close(&f);
}
END_TEST

/* Room for four: features of a set that is gone make room, and a set that is too large is refused at once. */
START_TEST(the_limit_holds) {
    train_fixture_open(&f);
    fixture_set(&f, 2, 2, 0);
    struct insp_dataset *first = read_set();
    struct insp_feature_cache_config config = config_of();
    config.bytes_max = 4096 + 4 * SLOT_BYTES;
    ck_assert_uint_eq(fill_anew(&config, first), 4);
    ck_insp_ok(insp_remove_tree(f.set, &f.err), f.err);
    fixture_set(&f, 2, 1, 0); /* other pixels */
    struct insp_dataset *second = read_set();
    ck_assert_uint_eq(fill_anew(&config, second), 3);
    char path[INSP_PATH_BYTES];
    off_t bytes;
    ck_assert_uint_eq(only_file(path, &bytes), 1);
    ck_assert_int_le(bytes, (off_t)config.bytes_max);
    ck_assert_uint_eq(fill_anew(&config, second), 0);
    fixture_set(&f, 4, 1, 0);
    struct insp_dataset *large = read_set();
    struct insp_feature_cache *cache = open_cache(&config);
    size_t runs;
    ck_insp_code(insp_feature_cache_fill(cache, f.trunk, large, NULL, NULL, false, &runs, &f.err), INSP_E_NOSPACE,
                 f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "raise the limit or store float16"));
    insp_feature_cache_close(cache);
    insp_dataset_free(first);
    insp_dataset_free(second);
    insp_dataset_free(large);
    train_fixture_close(&f);
}
END_TEST

START_TEST(a_damaged_entry_is_computed_again) {
    train_fixture_open(&f);
    fixture_set(&f, 3, 2, 0);
    struct insp_dataset *set = read_set();
    struct insp_feature_cache_config config = config_of();
    ck_assert_uint_eq(fill_anew(&config, set), 5);
    char path[INSP_PATH_BYTES];
    off_t bytes;
    ck_assert_uint_eq(only_file(path, &bytes), 1);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pwrite(fd, "damage", 6, bytes - 1000), 6);
    close(fd);
    struct insp_feature_cache *cache = open_cache(&config);
    ck_assert_uint_eq(fill(cache, set), 1);
    for (size_t i = 0; i < set->count; i++)
        check_features(cache, set, i, 1e-5f);
    insp_feature_cache_close(cache);
    ck_assert_int_eq(truncate(path, bytes - 5), 0);
    ck_assert_uint_eq(fill_anew(&config, set), 5);
    insp_dataset_free(set);
    train_fixture_close(&f);
}
END_TEST

START_TEST(an_unreadable_image_is_named_or_skipped) {
    train_fixture_open(&f);
    fixture_set(&f, 3, 2, 0);
    fixture_bytes(&f, "test/hole/broken.png", "no picture", 10);
    struct insp_dataset *set = read_set();
    struct insp_feature_cache_config config = config_of();
    struct insp_feature_cache *cache = open_cache(&config);
    size_t runs;
    ck_insp_code(insp_feature_cache_fill(cache, f.trunk, set, NULL, NULL, false, &runs, &f.err), INSP_E_IMAGE,
                 f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "test/hole/broken.png"));
    bool skipped[6];
    ck_insp_ok(insp_feature_cache_fill(cache, f.trunk, set, NULL, skipped, false, &runs, &f.err), f.err);
    for (size_t i = 0; i < set->count; i++) {
        ck_assert(skipped[i] == (strstr(set->item[i].path, "broken") != NULL));
        if (!skipped[i])
            check_features(cache, set, i, 1e-5f);
    }
    insp_feature_cache_close(cache);
    insp_dataset_free(set);
    train_fixture_close(&f);
}
END_TEST

START_TEST(what_was_computed_before_a_cancel_stays) {
    train_fixture_open(&f);
    fixture_set(&f, 9, 2, 0);
    struct insp_dataset *set = read_set();
    struct insp_feature_cache_config config = config_of();
    struct insp_feature_cache *cache = open_cache(&config);
    int left = 9; /* one batch of eight, and one image of the next */
    struct insp_progress progress = {.cancelled = fixture_cancel_after, .arg = &left};
    size_t runs;
    ck_insp_code(insp_feature_cache_fill(cache, f.trunk, set, &progress, NULL, false, &runs, &f.err),
                 INSP_E_CANCELLED, f.err);
    insp_feature_cache_close(cache);
    ck_assert_uint_eq(fill_anew(&config, set), 3);
    insp_dataset_free(set);
    train_fixture_close(&f);
}
END_TEST

START_TEST(without_a_folder_nothing_is_kept) {
    train_fixture_open(&f);
    fixture_set(&f, 2, 1, 0);
    struct insp_dataset *set = read_set();
    struct insp_feature_cache_config config = config_of();
    config.folder = NULL;
    ck_assert_uint_eq(fill_anew(&config, set), 3);
    ck_assert_uint_eq(fill_anew(&config, set), 3);
    ck_assert_int_ne(access(f.cache, F_OK), 0);
    insp_dataset_free(set);
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(each_distinct_image_once, a_renamed_image_hits_a_new_one_does_not,
           another_trunk_or_transform_has_its_own_features, float16_takes_half_the_space, the_limit_holds,
           a_damaged_entry_is_computed_again, an_unreadable_image_is_named_or_skipped,
           what_was_computed_before_a_cancel_stays, without_a_folder_nothing_is_kept);
