#include "core/dataset/dataset.h"

#include "core/base/fs.h"
#include "harness.h"

#include <string.h>
#include <sys/stat.h>

static struct insp_error err;
static char dir[INSP_PATH_BYTES];

static void make_dir(void) {
    strcpy(dir, "/tmp/insp-dataset-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void put(const char *relative, const char *content) {
    char path[INSP_PATH_BYTES], folder[INSP_PATH_BYTES];
    ck_insp_ok(insp_path(path, &err, "%s/%s", dir, relative), err);
    strcpy(folder, path);
    *strrchr(folder, '/') = '\0';
    ck_insp_ok(insp_mkdir_all(folder, 0755, &err), err);
    ck_insp_ok(insp_write_file(path, content, strlen(content), 0644, false, &err), err);
}

static void link_to(const char *target, const char *relative) {
    char path[INSP_PATH_BYTES];
    ck_insp_ok(insp_path(path, &err, "%s/%s", dir, relative), err);
    ck_assert_int_eq(symlink(target, path), 0);
}

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void make_set(void) {
    make_dir();
    put("train/good/b.png", "b");
    put("train/good/a b\xc3\xa4.JPG", "a");
    put("test/good/1.jpeg", "1");
    put("test/stain/2.png", "2");
    put("test/hole/3.png", "3");
    put("test/hole/4.png", "4");
}

static void done(struct insp_dataset *d) {
    insp_dataset_free(d);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}

START_TEST(lists_a_set_sorted_with_strata) {
    make_set();
    put("test/hole/.hidden.png", "x");
    put("test/hole/notes.txt", "x");
    put("test/readme.md", "x");
    put("test/hole/inner/5.png", "x");
    put("ground_truth/hole/3_mask.png", "x");
    struct insp_dataset *d;
    ck_insp_ok(insp_dataset_open(dir, &d, &err), err);
    ck_assert_uint_eq(d->count, 6);
    ck_assert_uint_eq(d->ignored, 3);
    ck_assert_uint_eq(d->stratum_count, 3);
    ck_assert_str_eq(d->stratum[1], "hole");
    ck_assert_str_eq(d->stratum[2], "stain");
    ck_assert_uint_eq(d->stratum_size[0], 3);
    ck_assert_uint_eq(d->stratum_size[1], 2);
    ck_assert_ptr_nonnull(strstr(d->item[0].path, "/test/good/1.jpeg"));
    ck_assert_ptr_nonnull(strstr(d->item[4].path, "/train/good/a b\xc3\xa4.JPG"));
    ck_assert_uint_eq(d->item[1].label, INSP_CLASS_ANOMALY);
    ck_assert_uint_eq(d->item[1].stratum, 1);
    ck_assert_uint_eq(d->item[3].stratum, 2);
    ck_assert_uint_eq(d->item[4].label, INSP_CLASS_GOOD);
    json_t *counts = insp_dataset_counts_json(d);
    ck_assert_int_eq(json_integer_value(json_object_get(counts, "hole")), 2);
    json_decref(counts);
    done(d);
}
END_TEST

START_TEST(what_is_missing_is_named) {
    make_dir();
    struct insp_dataset *d;
    ck_insp_code(insp_dataset_open("/nowhere/at/all", &d, &err), INSP_E_DATASET, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "there is no folder /nowhere"));
    ck_insp_code(insp_dataset_open(dir, &d, &err), INSP_E_DATASET, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "has no good images; the layout is"));
    put("train/good/1.png", "1");
    ck_insp_code(insp_dataset_open(dir, &d, &err), INSP_E_DATASET, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "has no defect images"));
    put("test/" A64 "e/1.png", "1");
    ck_insp_code(insp_dataset_open(dir, &d, &err), INSP_E_DATASET, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "a class name may have at most 64 bytes; rename the folder"));
    done(NULL);
}
END_TEST

START_TEST(links_stay_inside) {
    make_set();
    struct insp_dataset *d;
    link_to("../../train/good/b.png", "test/good/linked.png");
    ck_insp_ok(insp_dataset_open(dir, &d, &err), err);
    ck_assert_uint_eq(d->count, 7);
    insp_dataset_free(d);
    link_to("/etc/hostname", "test/hole/evil.png");
    ck_insp_code(insp_dataset_open(dir, &d, &err), INSP_E_FORBIDDEN, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "test/hole/evil.png is a link out of"));
    done(NULL);
}
END_TEST

START_TEST(a_folder_link_outside_is_refused) {
    make_set();
    struct insp_dataset *d;
    link_to("/etc", "test/etc");
    ck_insp_code(insp_dataset_open(dir, &d, &err), INSP_E_FORBIDDEN, err);
    done(NULL);
}
END_TEST

/* A sibling whose name begins with the set's is not inside the set. */
START_TEST(a_sibling_with_a_longer_name_is_outside) {
    make_set();
    char sibling[INSP_PATH_BYTES + 8];
    snprintf(sibling, sizeof sibling, "%s-2", dir);
    ck_insp_ok(insp_mkdir_all(sibling, 0755, &err), err);
    link_to(sibling, "test/sibling");
    struct insp_dataset *d;
    ck_insp_code(insp_dataset_open(dir, &d, &err), INSP_E_FORBIDDEN, err);
    ck_insp_ok(insp_remove_tree(sibling, &err), err);
    done(NULL);
}
END_TEST

static size_t passed(const struct insp_dataset *d, enum insp_passed reason) {
    return d->scan.passed[reason].count;
}

START_TEST(links_that_lead_nowhere_are_counted) {
    make_set();
    struct insp_dataset *d;
    link_to("gone.png", "test/hole/dangling.png");
    link_to("loop", "test/loop");
    link_to("/nonexistent/x", "test/good/elsewhere.png");
    ck_insp_ok(insp_dataset_open(dir, &d, &err), err);
    ck_assert_uint_eq(d->count, 6);
    ck_assert_uint_eq(passed(d, INSP_PASSED_LINK), 3);
    done(d);
}
END_TEST

/* Folders that hold no image never refuse a set, whatever they are called. */
START_TEST(folders_without_images_are_passed_over) {
    make_set();
    put("test/@eaDir/1.png@SynoEAStream", "x");
    put("test/hole/@eaDir/3.png", "x");
    put("test/hole/Thumbs.db", "x");
    put("train/.DS_Store", "x");
    put("lost+found/1.png", "x");
    put("test/" A64 "e/readme.txt", "x");
    put("test/\xff\xfe/.keep", "x");
    put("notes/a.png", "x");
    put("train/loose.png", "x");
    put("test/hole/5.bmp", "x");
    put("test/hole/cam2/6.png", "x");
    put("test/hole/cam2/more/7.png", "x");
    struct insp_dataset *d;
    ck_insp_ok(insp_dataset_open(dir, &d, &err), err);
    ck_assert_uint_eq(d->count, 6);
    ck_assert_uint_eq(d->stratum_count, 3);
    ck_assert_uint_eq(passed(d, INSP_PASSED_SYSTEM), 4);
    ck_assert_uint_eq(passed(d, INSP_PASSED_HIDDEN), 2);
    ck_assert_uint_eq(passed(d, INSP_PASSED_EMPTY), 2);
    ck_assert_uint_eq(passed(d, INSP_PASSED_FOLDER), 1);
    ck_assert_uint_eq(passed(d, INSP_PASSED_LOOSE), 1);
    ck_assert_uint_eq(passed(d, INSP_PASSED_FORMAT), 1);
    ck_assert_uint_eq(passed(d, INSP_PASSED_NESTED), 1);
    ck_assert_uint_eq(d->scan.passed[INSP_PASSED_NESTED].images, 2);
    ck_assert_str_eq(d->scan.passed[INSP_PASSED_NESTED].example[0], "test/hole/cam2");
    done(d);
}
END_TEST

START_TEST(good_is_good_however_it_is_spelt) {
    make_dir();
    put("Train/Good/1.png", "1");
    put("test/GOOD/2.png", "2");
    put("test/ok/3.png", "3");
    put("test/Hole/4.png", "4");
    struct insp_dataset *d;
    ck_insp_ok(insp_dataset_open(dir, &d, &err), err);
    ck_assert_uint_eq(d->stratum_count, 2);
    ck_assert_uint_eq(d->stratum_size[0], 3);
    ck_assert_str_eq(d->stratum[1], "Hole");
    done(d);
}
END_TEST

START_TEST(names_that_people_use_are_classes) {
    make_set();
    put("test/dark stain/5.png", "5");
    put("test/sp\xc3\xa4ne/6 \xc3\xb6.png", "6");
    put("test/Gr\xf6\xdf"
        "e/7.png",
        "7"); /* ISO 8859-1 */
    put("test/" A64 "/8.png", "8");
    struct insp_dataset *d;
    ck_insp_ok(insp_dataset_open(dir, &d, &err), err);
    ck_assert_uint_eq(d->stratum_count, 7);
    json_t *counts = insp_dataset_counts_json(d);
    ck_assert_int_eq(json_integer_value(json_object_get(counts, "dark stain")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(counts, "sp\xc3\xa4ne")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(counts, "Gr??e")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(counts, A64)), 1);
    json_decref(counts);
    done(d);
}
END_TEST

START_TEST(copies_are_found_across_splits_and_classes) {
    make_set();
    put("test/good/copy.png", "b"); /* of train/good/b.png */
    put("test/hole/5.png", "3");    /* of test/hole/3.png */
    put("test/stain/6.png", "1");   /* of test/good/1.jpeg */
    char digest[INSP_SHA256_HEX_BYTES];
    struct insp_dataset *d;
    ck_insp_ok(insp_dataset_open(dir, &d, &err), err);
    ck_insp_ok(insp_dataset_hash(d, NULL, false, digest, &err), err);
    ck_assert_uint_eq(d->scan.duplicates, 3);
    ck_assert_uint_eq(d->scan.across_splits, 1);
    ck_assert_uint_eq(d->scan.across_classes, 1);
    ck_assert_str_eq(d->scan.duplicate_example[0], "test/good/1.jpeg = test/stain/6.png");
    done(d);
}
END_TEST

START_TEST(digest_depends_on_content_and_class_not_on_names) {
    make_set();
    char one[INSP_SHA256_HEX_BYTES], two[INSP_SHA256_HEX_BYTES], from[INSP_PATH_BYTES], to[INSP_PATH_BYTES];
    struct insp_dataset *d;
    ck_insp_ok(insp_dataset_open(dir, &d, &err), err);
    ck_insp_ok(insp_dataset_hash(d, NULL, false, one, &err), err);
    ck_assert_str_eq(d->item[0].sha256,
                     "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"); /* "1" */
    insp_dataset_free(d);

    snprintf(from, sizeof from, "%.4000s/test/hole/3.png", dir);
    snprintf(to, sizeof to, "%.4000s/test/hole/z.png", dir);
    ck_assert_int_eq(rename(from, to), 0);
    ck_insp_ok(insp_dataset_open(dir, &d, &err), err);
    ck_insp_ok(insp_dataset_hash(d, NULL, false, two, &err), err);
    ck_assert_str_eq(one, two);
    insp_dataset_free(d);

    snprintf(from, sizeof from, "%.4000s/test/stain/z.png", dir);
    ck_assert_int_eq(rename(to, from), 0);
    ck_insp_ok(insp_dataset_open(dir, &d, &err), err);
    ck_insp_ok(insp_dataset_hash(d, NULL, false, two, &err), err);
    ck_assert_str_ne(one, two);
    done(d);
}
END_TEST

START_TEST(a_file_that_goes_away_fails_by_name_or_is_skipped) {
    make_set();
    char digest[INSP_SHA256_HEX_BYTES], path[INSP_PATH_BYTES];
    struct insp_dataset *d;
    ck_insp_ok(insp_dataset_open(dir, &d, &err), err);
    snprintf(path, sizeof path, "%.4000s/test/hole/3.png", dir);
    ck_assert_int_eq(unlink(path), 0);
    ck_insp_code(insp_dataset_hash(d, NULL, false, digest, &err), INSP_E_IO, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "hole/3.png"));
    ck_insp_ok(insp_dataset_hash(d, NULL, true, digest, &err), err);
    ck_assert_str_eq(d->item[1].sha256, "");
    ck_assert_str_ne(d->item[2].sha256, "");
    done(d);
}
END_TEST

static bool second_time(void *arg) {
    return ++*(int *)arg == 2;
}

START_TEST(hashing_can_be_cancelled) {
    make_set();
    int asked = 0;
    char digest[INSP_SHA256_HEX_BYTES];
    struct insp_progress progress = {.cancelled = second_time, .arg = &asked};
    struct insp_dataset *d;
    ck_insp_ok(insp_dataset_open(dir, &d, &err), err);
    ck_insp_code(insp_dataset_hash(d, &progress, false, digest, &err), INSP_E_CANCELLED, err);
    ck_assert_int_eq(asked, 2);
    done(d);
}
END_TEST

INSP_TESTS(lists_a_set_sorted_with_strata, what_is_missing_is_named, links_stay_inside,
           a_folder_link_outside_is_refused, a_sibling_with_a_longer_name_is_outside,
           links_that_lead_nowhere_are_counted, folders_without_images_are_passed_over,
           good_is_good_however_it_is_spelt, names_that_people_use_are_classes,
           copies_are_found_across_splits_and_classes, digest_depends_on_content_and_class_not_on_names,
           a_file_that_goes_away_fails_by_name_or_is_skipped, hashing_can_be_cancelled);
