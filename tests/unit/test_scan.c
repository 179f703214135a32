#include "core/dataset/scan.h"

#include "harness.h"

#include <string.h>

static struct insp_error err;

START_TEST(other_formats_are_known) {
    ck_assert(insp_scan_other_format("a.BMP") && insp_scan_other_format("b.tiff"));
    ck_assert(!insp_scan_other_format("a.png") && !insp_scan_other_format("bmp") && !insp_scan_other_format(""));
}
END_TEST

START_TEST(the_first_examples_are_kept_as_text) {
    _cleanup_(insp_scan_clear) struct insp_scan scan = {0};
    for (int i = 0; i < 10; i++)
        insp_scan_pass(&scan, INSP_PASSED_FORMAT, i ? "b.bmp" : "M\xfc\x1b.bmp", 2);
    ck_assert_uint_eq(scan.passed[INSP_PASSED_FORMAT].count, 10);
    ck_assert_uint_eq(scan.passed[INSP_PASSED_FORMAT].images, 20);
    ck_assert_str_eq(scan.passed[INSP_PASSED_FORMAT].example[0], "M??.bmp");
    ck_assert_str_eq(scan.passed[INSP_PASSED_FORMAT].example[2], "b.bmp");
}
END_TEST

START_TEST(copies_in_another_class_come_first) {
    _cleanup_(insp_scan_clear) struct insp_scan scan = {0};
    for (int i = 0; i < 5; i++)
        insp_scan_duplicate(&scan, "a", "b", false);
    insp_scan_duplicate(&scan, "c", "d", true);
    ck_assert_str_eq(scan.duplicate_example[0], "c = d");
    ck_assert_str_eq(scan.duplicate_example[1], "a = b");
    ck_assert_str_eq(scan.duplicate_example[2], "a = b");
}
END_TEST

START_TEST(folders_are_noted) {
    _cleanup_(insp_scan_clear) struct insp_scan scan = {0};
    struct insp_scan_folder *folder;
    for (size_t i = 0; i < 50; i++) {
        ck_insp_ok(insp_scan_folder(&scan, "test/hole", "hole", &folder, &err), err);
        folder->images = i;
    }
    ck_assert_uint_eq(scan.folder_count, 50);
    ck_assert_uint_eq(scan.folder[49].images, 49);
    ck_assert_str_eq(scan.folder[0].class, "hole");
}
END_TEST

INSP_TESTS(other_formats_are_known, the_first_examples_are_kept_as_text, copies_in_another_class_come_first,
           folders_are_noted);
