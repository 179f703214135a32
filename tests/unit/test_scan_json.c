#include "core/dataset/scan.h"

#include "harness.h"

#include <string.h>

static struct insp_error err;

static void note(struct insp_scan *scan, const char *path, const char *class, size_t images) {
    struct insp_scan_folder *folder;
    ck_insp_ok(insp_scan_folder(scan, path, class, &folder, &err), err);
    folder->images = images;
}

/* True if one of the doubts contains this text. */
static bool doubted(const struct insp_scan *scan, const char *part) {
    json_t *doubts = insp_scan_doubts(scan), *text;
    bool found = false;
    size_t i;
    json_array_foreach(doubts, i, text) found = found || strstr(json_string_value(text), part);
    json_decref(doubts);
    return found;
}

START_TEST(a_set_as_it_should_be_leaves_no_doubt) {
    _cleanup_(insp_scan_clear) struct insp_scan scan = {.png = 5, .hashed = true, .defective = 2, .masked = 2};
    note(&scan, "train/good", "good", 3);
    note(&scan, "test/hole", "hole", 2);
    insp_scan_pass(&scan, INSP_PASSED_HIDDEN, ".git", 0);
    json_t *doubts = insp_scan_doubts(&scan);
    ck_assert_uint_eq(json_array_size(doubts), 0);
    json_decref(doubts);
}
END_TEST

START_TEST(doubts_name_the_thing_and_the_way_out) {
    _cleanup_(insp_scan_clear) struct insp_scan scan = {.duplicates = 4,
                                                        .across_splits = 2,
                                                        .across_classes = 1,
                                                        .defective = 9,
                                                        .masked = 3,
                                                        .boxed = 2,
                                                        .unused_marks = 2};
    note(&scan, "Train/good", "good", 3);
    note(&scan, "test/OK", "good", 3);
    note(&scan, "test/normal", "normal", 1);
    note(&scan, "train/hole", "hole", 1);
    note(&scan, "test/Hole", "Hole", 1);
    insp_scan_pass(&scan, INSP_PASSED_NESTED, "train/good/cam2", 8);
    insp_scan_pass(&scan, INSP_PASSED_LOOSE, "train/a.png", 0);
    insp_scan_pass(&scan, INSP_PASSED_FORMAT, "train/good/a.bmp", 0);
    insp_scan_pass(&scan, INSP_PASSED_FOLDER, "val", 5);
    insp_scan_pass(&scan, INSP_PASSED_LINK, "test/x", 0);
    ck_assert(doubted(&scan, "Train/good is read, although"));
    ck_assert(doubted(&scan, "test/OK counts as good"));
    ck_assert(doubted(&scan, "test/normal counts as a defect type; rename it to good"));
    ck_assert(doubted(&scan, "train/hole counts as a defect type"));
    ck_assert(doubted(&scan, "train/hole and test/Hole are two defect types that differ only in case"));
    ck_assert(doubted(&scan, "8 images in folders inside a class are not read (train/good/cam2)"));
    ck_assert(doubted(&scan, "1 images belong to no class (train/a.png)"));
    ck_assert(doubted(&scan, "convert them to PNG"));
    ck_assert(doubted(&scan, "5 images are in folders that are not part of the layout (val)"));
    ck_assert(doubted(&scan, "1 links are broken"));
    ck_assert(doubted(&scan, "1 images are in more than one class"));
    ck_assert(doubted(&scan, "4 images are copies of others, 2 of them"));
    ck_assert(doubted(&scan, "4 of 9 defective images have neither mask nor boxes"));
    ck_assert(doubted(&scan, "2 masks or files of boxes in ground_truth belong to no image"));
}
END_TEST

START_TEST(doubts_are_bounded) {
    _cleanup_(insp_scan_clear) struct insp_scan scan = {0};
    for (int i = 0; i < 500; i++)
        note(&scan, "train/hole", "hole", 1);
    json_t *doubts = insp_scan_doubts(&scan), *json = insp_scan_json(&scan);
    ck_assert_uint_eq(json_array_size(doubts), INSP_SCAN_DOUBTS_MAX);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "folders")), INSP_SCAN_FOLDERS_MAX);
    json_decref(doubts);
    json_decref(json);
}
END_TEST

START_TEST(the_document_has_all_parts) {
    _cleanup_(insp_scan_clear) struct insp_scan scan = {.png = 3, .jpeg = 1};
    note(&scan, "train/good", "good", 4);
    insp_scan_pass(&scan, INSP_PASSED_SYSTEM, "test/@eaDir", 0);
    json_t *json = insp_scan_json(&scan);
    const json_t *entry = json_array_get(json_object_get(json, "passed_over"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(entry, "reason")), "system");
    ck_assert_int_eq(json_integer_value(json_object_get(entry, "count")), 1);
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(entry, "examples"), 0)), "test/@eaDir");
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "formats"), "png")), 3);
    ck_assert(json_is_null(json_object_get(json, "duplicates"))); /* not hashed */
    ck_assert(json_is_object(json_object_get(json, "masks")) && json_is_array(json_object_get(json, "doubts")));
    json_decref(json);
}
END_TEST

INSP_TESTS(a_set_as_it_should_be_leaves_no_doubt, doubts_name_the_thing_and_the_way_out, doubts_are_bounded,
           the_document_has_all_parts);
