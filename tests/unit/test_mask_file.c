#include "core/dataset/mask_file.h"

#include "tests/unit/train_fixture.h"

static struct train_fixture f;

static void open_set(void) {
    train_fixture_open(&f);
    fixture_set(&f, 2, 2, 0);
    fixture_image(&f, "train/hole/00.png", 200);
    fixture_image(&f, "ground_truth/hole/00_mask.png", 0);
    fixture_image(&f, "ground_truth/good/00_mask.png", 0);
}

/* Items by path: test/hole/00, 01, train/good/00, 01, train/hole/00. */
START_TEST(the_mask_of_an_image) {
    char path[INSP_PATH_BYTES], want[INSP_PATH_BYTES];
    open_set();
    _cleanup_(insp_dataset_freep) struct insp_dataset *set = NULL;
    ck_insp_ok(insp_dataset_open(f.set, &set, &f.err), f.err);
    ck_assert_uint_eq(set->count, 5);
    snprintf(want, sizeof want, "%s/ground_truth/hole/00_mask.png", set->root);
    for (size_t i = 0; i < set->count; i++) {
        ck_insp_ok(insp_mask_find(set, &set->item[i], path, NULL, &f.err), f.err);
        ck_assert_str_eq(path, i == 0 ? want : "");
    }
    train_fixture_close(&f);
}
END_TEST

START_TEST(a_link_out_of_the_set_is_not_followed) {
    char path[INSP_PATH_BYTES], link[INSP_PATH_BYTES];
    open_set();
    fixture_path(&f, "ground_truth/hole/01_mask.png", link);
    ck_assert_int_eq(symlink("/etc/hostname", link), 0);
    _cleanup_(insp_dataset_freep) struct insp_dataset *set = NULL;
    ck_insp_ok(insp_dataset_open(f.set, &set, &f.err), f.err);
    ck_insp_code(insp_mask_find(set, &set->item[1], path, NULL, &f.err), INSP_E_FORBIDDEN, f.err);
    ck_assert_int_eq(unlink(link), 0);
    ck_assert_int_eq(symlink("00_mask.png", link), 0);
    ck_insp_ok(insp_mask_find(set, &set->item[1], path, NULL, &f.err), f.err);
    ck_assert_ptr_nonnull(strstr(path, "/ground_truth/hole/00_mask.png"));
    train_fixture_close(&f);
}
END_TEST

START_TEST(a_mask_may_have_the_name_of_its_image) {
    char path[INSP_PATH_BYTES];
    bool same_name = false;
    train_fixture_open(&f);
    fixture_set(&f, 2, 5, 0);
    fixture_image(&f, "ground_truth/hole/00_mask.png", 0);
    fixture_image(&f, "ground_truth/hole/01.png", 0);
    fixture_image(&f, "ground_truth/hole/77_mask.png", 0);
    static const char *const boxes[] = {"01", "02", "03", "78", "classes"}; /* 01 has a mask as well */
    for (size_t i = 0; i < INSP_COUNT(boxes); i++) {
        char relative[64];
        snprintf(relative, sizeof relative, "ground_truth/hole/%s.txt", boxes[i]);
        fixture_bytes(&f, relative, "0 0.5 0.5 0.1 0.1", 17);
    }
    _cleanup_(insp_dataset_freep) struct insp_dataset *set = NULL;
    ck_insp_ok(insp_dataset_open(f.set, &set, &f.err), f.err);
    ck_insp_ok(insp_mask_find(set, &set->item[0], path, &same_name, &f.err), f.err);
    ck_assert(*path && !same_name);
    ck_insp_ok(insp_mask_find(set, &set->item[1], path, &same_name, &f.err), f.err);
    ck_assert(strstr(path, "/ground_truth/hole/01.png") && same_name);
    insp_mask_count(set);
    ck_assert_uint_eq(set->scan.defective, 5);
    ck_assert_uint_eq(set->scan.masked, 2);
    ck_assert_uint_eq(set->scan.masked_by_name, 1);
    ck_assert_uint_eq(set->scan.boxed, 2);
    ck_assert_uint_eq(set->scan.unused_marks, 2); /* of 77 and 78; the names of classes belong to no image */
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(the_mask_of_an_image, a_link_out_of_the_set_is_not_followed, a_mask_may_have_the_name_of_its_image);
