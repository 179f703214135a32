#include "core/store/internal.h"

#include "tests/unit/store_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

static char id[INSP_UUID_BYTES], path[INSP_PATH_BYTES];

static void open_with_one(struct fixture *f) {
    unsigned char blob[INSP_ID_BLOB_BYTES];
    int64_t key;
    fixture_open(f);
    struct insp_record record = fixture_record(id, "p", true);
    fixture_put(f, &record);
    ck_assert(insp_id_parse(id, blob, &key));
    ck_insp_ok(insp_image_path(f->store, id, key, "png", path, &f->err), f->err);
}

static int open_image(struct fixture *f) {
    struct insp_stored_image image;
    int r = insp_store_image_open(f->store, id, &image, &f->err);
    if (r == 0)
        close(image.fd);
    return r;
}

static int keep_kept(void *arg, const struct insp_record *record) {
    *(bool *)arg = record->image_kept;
    return 0;
}

static bool kept(struct fixture *f) {
    bool value = false;
    ck_insp_ok(insp_store_get(f->store, id, keep_kept, &value, &f->err), f->err);
    return value;
}

START_TEST(test_the_descriptor_stands_at_the_begin) {
    struct fixture f;
    struct insp_stored_image image;
    char bytes[16];
    open_with_one(&f);
    ck_insp_ok(insp_store_image_open(f.store, id, &image, &f.err), f.err);
    ck_assert_uint_eq(image.bytes, 6);
    ck_assert_str_eq(image.media_type, "image/png");
    ck_assert_int_eq(read(image.fd, bytes, sizeof bytes), 6);
    ck_assert_mem_eq(bytes, "pixels", 6);
    close(image.fd);
    fixture_close(&f);
}
END_TEST

static void write_file(struct fixture *f, const char *bytes) {
    ck_insp_ok(insp_write_file(path, bytes, strlen(bytes), 0600, false, &f->err), f->err);
}

START_TEST(test_other_bytes_are_not_served) {
    static const char *const wrong[] = {"pixelz", "pixel", "pixels and more", ""};
    struct fixture f;
    open_with_one(&f);
    for (size_t i = 0; i < INSP_COUNT(wrong); i++) {
        write_file(&f, wrong[i]);
        ck_insp_code(open_image(&f), INSP_E_IMAGE_DAMAGED, f.err);
        ck_assert_ptr_nonnull(strstr(f.err.detail, id));
    }
    write_file(&f, "pixels");
    ck_insp_ok(open_image(&f), f.err);
    ck_assert(kept(&f));
    fixture_close(&f);
}
END_TEST

/* Not even if it leads to the same bytes. */
START_TEST(test_no_link_is_followed) {
    struct fixture f;
    char elsewhere[INSP_PATH_BYTES], day[INSP_PATH_BYTES];
    open_with_one(&f);
    ck_insp_ok(insp_path(elsewhere, &f.err, "%s/elsewhere", f.dir), f.err);
    ck_assert_int_eq(rename(path, elsewhere), 0);
    ck_assert_int_eq(symlink(elsewhere, path), 0);
    ck_insp_code(open_image(&f), INSP_E_IMAGE_DAMAGED, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, "link"));
    unlink(path);
    ck_assert_int_eq(rename(elsewhere, path), 0);
    ck_insp_ok(insp_path(day, &f.err, "%s", path), f.err);
    *strrchr(day, '/') = '\0';
    ck_assert_int_eq(rename(day, elsewhere), 0);
    ck_assert_int_eq(symlink(elsewhere, day), 0);
    ck_insp_code(open_image(&f), INSP_E_IMAGE_DAMAGED, f.err);
    unlink(day);
    ck_assert_int_eq(rename(elsewhere, day), 0);
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* reading it must not wait for a writer */
    ck_insp_code(open_image(&f), INSP_E_IMAGE_DAMAGED, f.err);
    fixture_close(&f);
}
END_TEST

/* A removed image is gone, and its row says so; a missing folder may come back. */
START_TEST(test_a_file_that_is_gone) {
    struct fixture f;
    char images[INSP_PATH_BYTES], away[INSP_PATH_BYTES];
    open_with_one(&f);
    ck_insp_ok(insp_path(images, &f.err, "%s/images", f.dir), f.err);
    ck_insp_ok(insp_path(away, &f.err, "%s/away", f.dir), f.err);
    ck_assert_int_eq(rename(images, away), 0);
    ck_insp_code(open_image(&f), INSP_E_GONE, f.err);
    ck_assert(kept(&f));
    ck_assert_int_eq(rename(away, images), 0);
    ck_insp_ok(open_image(&f), f.err);
    unlink(path);
    ck_insp_code(open_image(&f), INSP_E_GONE, f.err);
    ck_assert(!kept(&f));
    fixture_close(&f);
}
END_TEST

INSP_TESTS(test_the_descriptor_stands_at_the_begin, test_other_bytes_are_not_served, test_no_link_is_followed,
           test_a_file_that_is_gone);
