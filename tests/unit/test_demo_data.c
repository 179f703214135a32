/* The demo dataset on disk. */
#include "core/base/fs.h"
#include "core/dataset/demo/demo_data.h"
#include "image_samples.h"

#include <dirent.h>
#include <sys/stat.h>

static size_t count_files(const char *folder, const char *below) {
    char path[INSP_PATH_BYTES];
    ck_assert_int_eq(insp_path(path, NULL, "%s/%s", folder, below), 0);
    DIR *dir = opendir(path);
    if (!dir)
        return 0;
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static char *temporary(void) {
    char *folder = strdup("/tmp/insp-demo-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    return folder;
}

static struct insp_image *read_image(const char *folder, const char *below) {
    char path[INSP_PATH_BYTES], *data;
    size_t bytes;
    ck_assert_int_eq(insp_path(path, NULL, "%s/%s", folder, below), 0);
    ck_assert_int_eq(insp_read_file(path, 1 << 24, &data, &bytes, NULL), 0);
    struct insp_image *image = sample_decode(data, bytes, 0);
    free(data);
    return image;
}

START_TEST(test_image_is_a_function_of_its_arguments) {
    struct insp_image *a, *b, *other;
    ck_assert_int_eq(insp_demo_image(INSP_DEMO_STAIN, 3, 42, 64, &a, NULL, NULL), 0);
    ck_assert_int_eq(insp_demo_image(INSP_DEMO_STAIN, 3, 42, 64, &b, NULL, NULL), 0);
    ck_assert_mem_eq(a->rgb, b->rgb, 64 * 64 * 3);
    static const struct {
        enum insp_demo_defect defect;
        size_t index;
        uint64_t seed;
    } others[] = {{INSP_DEMO_HOLE, 3, 42}, {INSP_DEMO_STAIN, 4, 42}, {INSP_DEMO_STAIN, 3, 43}};
    for (size_t i = 0; i < INSP_COUNT(others); i++) {
        ck_assert_int_eq(
            insp_demo_image(others[i].defect, others[i].index, others[i].seed, 64, &other, NULL, NULL), 0);
        ck_assert(memcmp(a->rgb, other->rgb, 64 * 64 * 3) != 0);
        insp_image_free(other);
    }
    insp_image_free(a);
    insp_image_free(b);
}
END_TEST

static void note_progress(void *arg, size_t done, size_t total) {
    size_t *seen = arg;
    ck_assert_uint_eq(done, *seen + 1);
    ck_assert_uint_eq(total, 22);
    *seen = done;
}

START_TEST(test_layout) {
    char *folder = temporary();
    struct insp_error error = {0};
    size_t seen = 0;
    ck_insp_ok(insp_demo_data(folder, 22, 1, note_progress, &seen, &error), error);
    ck_assert_uint_eq(seen, 22);
    ck_assert_uint_eq(count_files(folder, "train/good"), 11);
    ck_assert_uint_eq(count_files(folder, "test/good"), 5);
    static const char *const defect[] = {"hole", "thread", "stain"};
    for (size_t i = 0; i < 3; i++) {
        char below[64];
        snprintf(below, sizeof below, "test/%s", defect[i]);
        ck_assert_uint_eq(count_files(folder, below), 2);
        snprintf(below, sizeof below, "ground_truth/%s", defect[i]);
        ck_assert_uint_eq(count_files(folder, below), 2);
    }
    ck_assert_uint_eq(count_files(folder, "ground_truth"), 3);

    struct insp_image *mask = read_image(folder, "ground_truth/hole/001_mask.png");
    uint8_t *expected = malloc(256 * 256);
    struct insp_image *drawn, *written = read_image(folder, "test/hole/001.png");
    ck_assert_int_eq(insp_demo_image(INSP_DEMO_HOLE, 1, 1, 256, &drawn, expected, NULL), 0);
    ck_assert_mem_eq(written->rgb, drawn->rgb, 256 * 256 * 3);
    for (size_t i = 0; i < 256 * 256; i++)
        ck_assert_uint_eq(mask->rgb[3 * i], expected[i]);
    insp_image_free(mask);
    insp_image_free(drawn);
    insp_image_free(written);
    free(expected);

    ck_insp_code(insp_demo_data(folder, 22, 1, NULL, NULL, &error), INSP_E_CONFLICT, error);
    ck_assert_ptr_nonnull(strstr(error.detail, folder));
    ck_assert_uint_eq(count_files(folder, "train/good"), 11); /* untouched */
    ck_assert_int_eq(insp_remove_tree(folder, NULL), 0);
    free(folder);
}
END_TEST

START_TEST(test_train_and_test_good_differ) {
    char *folder = temporary();
    ck_assert_int_eq(insp_demo_data(folder, 20, 9, NULL, NULL, NULL), 0);
    struct insp_image *a = read_image(folder, "train/good/000.png"), *b = read_image(folder, "test/good/000.png");
    ck_assert(memcmp(a->rgb, b->rgb, 256 * 256 * 3) != 0);
    insp_image_free(a);
    insp_image_free(b);
    ck_assert_int_eq(insp_remove_tree(folder, NULL), 0);
    free(folder);
}
END_TEST

START_TEST(test_refusals) {
    struct insp_error error = {0};
    ck_insp_code(insp_demo_data("/tmp/insp-demo-never", 19, 1, NULL, NULL, &error), INSP_E_PARAMETER, error);
    ck_insp_code(insp_demo_data("/tmp/insp-demo-never", 100001, 1, NULL, NULL, &error), INSP_E_PARAMETER, error);
    ck_insp_code(insp_demo_data("/dev/null/set", 20, 1, NULL, NULL, &error), INSP_E_IO, error);
    ck_assert_int_ne(access("/tmp/insp-demo-never", F_OK), 0);
}
END_TEST

/* A file in place of a folder stops the writing half-way: nothing that looks like a dataset may stay. */
static void block_the_rest(void *arg, size_t done, size_t total) {
    (void)total;
    char path[INSP_PATH_BYTES];
    if (done == 1 && !insp_path(path, NULL, "%s/test", (const char *)arg))
        ck_assert_int_eq(insp_write_file(path, "x", 1, 0644, false, NULL), 0);
}

START_TEST(test_failure_leaves_nothing) {
    char *folder = temporary();
    struct insp_error error = {0};
    int code = insp_demo_data(folder, 20, 1, block_the_rest, folder, &error);
    ck_assert_int_lt(code, 0);
    ck_assert_int_eq(code, error.code);
    ck_assert_uint_eq(count_files(folder, "."), 0);
    ck_assert_int_eq(insp_remove_tree(folder, NULL), 0);
    free(folder);
}
END_TEST

INSP_TESTS(test_image_is_a_function_of_its_arguments, test_layout, test_train_and_test_good_differ, test_refusals,
           test_failure_leaves_nothing);
