#include "core/base/fs.h"
#include "daemon/cli/cli_images.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

static char folder[64];
static struct insp_error err;

static void put(const char *name) {
    char path[INSP_PATH_BYTES];
    ck_insp_ok(insp_path(path, &err, "%s/%s", folder, name), err);
    *strrchr(path, '/') = '\0';
    ck_insp_ok(insp_mkdir_all(path, 0700, &err), err);
    ck_insp_ok(insp_path(path, &err, "%s/%s", folder, name), err);
    ck_insp_ok(insp_write_file(path, "x", 1, 0600, false, &err), err);
}

static void begin(void) {
    strcpy(folder, "/tmp/inspectd-images-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

START_TEST(test_images_are_found_sorted) {
    struct cli_images images;
    begin();
    put("b/2.JPG");
    put("b/1.jpeg");
    put("a.png");
    put("notes.txt");
    put("png");
    ck_insp_ok(cli_images_find(folder, &images, &err), err);
    ck_assert_uint_eq(images.count, 3);
    ck_assert_ptr_nonnull(strstr(images.path[0], "/a.png"));
    ck_assert_ptr_nonnull(strstr(images.path[1], "/b/1.jpeg"));
    ck_assert_ptr_nonnull(strstr(images.path[2], "/b/2.JPG"));
    cli_images_clear(&images);
    insp_remove_tree(folder, &err);
}
END_TEST

START_TEST(test_a_dataset_gives_its_good_ones) {
    struct cli_images images;
    begin();
    put("train/good/1.png");
    put("test/hole/2.png");
    put("ground_truth/hole/2_mask.png");
    ck_insp_ok(cli_images_find(folder, &images, &err), err);
    ck_assert_uint_eq(images.count, 1);
    cli_images_clear(&images);
    insp_remove_tree(folder, &err);
}
END_TEST

START_TEST(test_nothing_found) {
    struct cli_images images;
    begin();
    ck_insp_code(cli_images_find(folder, &images, &err), INSP_E_DATASET, err);
    insp_remove_tree(folder, &err);
    ck_assert_int_lt(cli_images_find(folder, &images, &err), 0);
}
END_TEST

START_TEST(test_thin_is_even) {
    for (size_t n = 1; n <= 40; n++)
        for (size_t keep = 1; keep <= 40; keep++) {
            struct cli_images images = {.count = n, .path = calloc(n, sizeof *images.path)};
            for (size_t i = 0; i < n; i++)
                ck_assert_int_gt(asprintf(&images.path[i], "%zu", i), 0);
            cli_images_thin(&images, keep);
            ck_assert_uint_eq(images.count, keep < n ? keep : n);
            for (size_t i = 0; i < images.count; i++)
                ck_assert_uint_eq(strtoul(images.path[i], NULL, 10), keep < n ? i * n / keep : i);
            cli_images_clear(&images);
        }
}
END_TEST

INSP_TESTS(test_images_are_found_sorted, test_a_dataset_gives_its_good_ones, test_nothing_found,
           test_thin_is_even);
