#include "core/jobs/from_labels.h"

#include "core/image/image.h"
#include "tests/unit/store_fixture.h"

enum { SIDE = 24 };

static struct fixture f;
static char set[96];
static struct insp_dataset_view view;
static struct insp_dataset_limits limits;
static char place[INSP_PLACE_BYTES];
static struct insp_error why;

static void setup(void) {
    fixture_open(&f);
    snprintf(set, sizeof set, "%s/set", f.dir);
    ck_insp_ok(insp_mkdir_all(set, 0700, &f.err), f.err);
    view = (struct insp_dataset_view){.set = set};
    limits = (struct insp_dataset_limits){.image = insp_image_limits_default()};
}

static void teardown(void) {
    insp_dataset_view_clear(&view);
    fixture_close(&f);
}

static int keep(void *arg, const struct insp_labelled *labelled) {
    *(struct insp_labelled *)arg = *labelled;
    return 1;
}

/* Posts bytes, labels them and reads the label from the store. */
static struct insp_labelled labelled(const void *bytes, size_t count, const char *media_type,
                                     const char *extension, enum insp_label label, const char *defect,
                                     char *ret_id) {
    char sha256[INSP_SHA256_HEX_BYTES];
    struct insp_record record = fixture_record(ret_id, "p", true);
    struct insp_labelled found = {0};
    insp_sha256_hex(bytes, count, sha256);
    record.sha256 = sha256;
    record.image = bytes;
    record.image_bytes = count;
    record.media_type = media_type;
    record.extension = extension;
    fixture_put(&f, &record);
    ck_insp_ok(insp_store_label(f.store, ret_id, label, defect, "", "me", &f.err), f.err);
    ck_insp_ok(insp_store_labelled(f.store, "p", NULL, keep, &found, &f.err), f.err);
    return found;
}

static enum insp_import take(const struct insp_labelled *one) {
    enum insp_import outcome;
    ck_insp_ok(insp_import_labelled(f.store, &view, one, &limits, &outcome, place, &why, &f.err), f.err);
    return outcome;
}

static struct insp_labelled a_hole(char *ret_id) {
    uint8_t pixels[SIDE * SIDE] = {1};
    unsigned char *png;
    size_t bytes;
    ck_insp_ok(insp_image_encode_png(pixels, SIDE, SIDE, 1, &png, &bytes, &f.err), f.err);
    struct insp_labelled one = labelled(png, bytes, "image/png", "png", INSP_LABEL_ANOMALY, "hole", ret_id);
    free(png);
    return one;
}

START_TEST(classes_of_labels) {
    struct insp_labelled one = {.label = INSP_LABEL_GOOD};
    struct insp_dataset_place where;
    insp_label_place(&one, &where);
    ck_assert_str_eq(where.split, "train");
    ck_assert_str_eq(where.class, "good");
    one.label = INSP_LABEL_ANOMALY;
    insp_label_place(&one, &where);
    ck_assert_str_eq(where.split, "test");
    ck_assert_str_eq(where.class, "anomaly");
    strcpy(one.defect, "hole");
    insp_label_place(&one, &where);
    ck_assert_str_eq(where.class, "hole");
    strcpy(one.defect, "good");
    insp_label_place(&one, &where);
    ck_assert_str_eq(where.class, "anomaly");
    ck_assert_str_eq(insp_import_name(INSP_IMPORT_UNSUPPORTED), "unsupported");
}
END_TEST

START_TEST(taken_once_and_moved_by_a_new_word) {
    char id[INSP_UUID_BYTES], wanted[INSP_PLACE_BYTES];
    setup();
    struct insp_labelled one = a_hole(id);
    ck_assert_int_eq(take(&one), INSP_IMPORT_ADDED);
    snprintf(wanted, sizeof wanted, "test/hole/%.40s.png", one.sha256);
    ck_assert_str_eq(place, wanted);
    ck_assert_int_eq(take(&one), INSP_IMPORT_DUPLICATE);
    ck_assert_str_eq(place, wanted);
    strcpy(one.defect, "stain");
    ck_assert_int_eq(take(&one), INSP_IMPORT_MOVED);
    snprintf(wanted, sizeof wanted, "test/stain/%.40s.png", one.sha256);
    ck_assert_str_eq(place, wanted);
    one.label = INSP_LABEL_GOOD;
    ck_assert_int_eq(take(&one), INSP_IMPORT_MOVED);
    insp_dataset_view_clear(&view); /* the disk says the same */
    ck_assert_int_eq(take(&one), INSP_IMPORT_DUPLICATE);
    ck_assert_ptr_nonnull(strstr(place, "train/good/"));
    ck_assert_uint_eq(view.dataset->count, 1);
    teardown();
}
END_TEST

/* An image that a person uploaded before its inspection was labelled is judged by the region of its camera too. */
START_TEST(the_camera_of_an_image_that_the_set_has_is_remembered) {
    char id[INSP_UUID_BYTES], path[INSP_PATH_BYTES];
    setup();
    struct insp_labelled one = a_hole(id);
    ck_assert_int_eq(take(&one), INSP_IMPORT_ADDED);
    ck_insp_ok(insp_path(path, &f.err, "%s/.cameras", set), f.err);
    unlink(path);
    ck_assert_int_eq(take(&one), INSP_IMPORT_DUPLICATE);
    _cleanup_free_ char *text = NULL;
    size_t bytes;
    ck_insp_ok(insp_read_file(path, 1000, &text, &bytes, &f.err), f.err);
    ck_assert_ptr_nonnull(strstr(text, one.sha256));
    ck_assert_ptr_nonnull(strstr(text, one.camera));
    teardown();
}
END_TEST

START_TEST(raw_frames_are_known_again) {
    uint8_t frame[SIDE * SIDE] = {3};
    char id[INSP_UUID_BYTES];
    setup();
    struct insp_labelled one = labelled(frame, sizeof frame, "image/x-raw;format=mono8;width=24;height=24", "raw",
                                        INSP_LABEL_GOOD, "", id);
    ck_assert_int_eq(take(&one), INSP_IMPORT_ADDED);
    ck_assert_ptr_nonnull(strstr(place, ".png"));
    ck_assert_int_eq(take(&one), INSP_IMPORT_DUPLICATE);
    one.label = INSP_LABEL_ANOMALY;
    ck_assert_int_eq(take(&one), INSP_IMPORT_MOVED);
    ck_assert_ptr_nonnull(strstr(place, "test/anomaly/"));
    teardown();
}
END_TEST

START_TEST(what_cannot_be_taken_says_why) {
    char id[INSP_UUID_BYTES];
    setup();
    struct insp_labelled one = labelled("no picture", 10, "image/png", "png", INSP_LABEL_GOOD, "", id);
    ck_assert_int_eq(take(&one), INSP_IMPORT_UNSUPPORTED);
    ck_assert_int_eq(why.code, INSP_E_IMAGE);
    ck_assert_str_eq(place, "");
    one.kept_id[0] = 0;
    ck_assert_int_eq(take(&one), INSP_IMPORT_GONE);
    teardown();
}
END_TEST

START_TEST(a_full_disk_ends_it) {
    char id[INSP_UUID_BYTES];
    enum insp_import outcome;
    setup();
    struct insp_labelled one = a_hole(id);
    limits.free_bytes_min = UINT64_MAX / 2;
    ck_insp_code(insp_import_labelled(f.store, &view, &one, &limits, &outcome, place, &why, &f.err),
                 INSP_E_NOSPACE, f.err);
    teardown();
}
END_TEST

INSP_TESTS(the_camera_of_an_image_that_the_set_has_is_remembered, classes_of_labels,
           taken_once_and_moved_by_a_new_word, raw_frames_are_known_again, what_cannot_be_taken_says_why,
           a_full_disk_ends_it);
