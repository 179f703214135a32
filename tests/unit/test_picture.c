#include "core/report/picture.h"

#include "core/base/base64.h"
#include "core/base/fs.h"
#include "core/base/sha256.h"
#include "core/compute/vgg16.h"
#include "tests/unit/report_fixture.h"

static struct insp_error error;
static char dir[64];
static struct insp_report_source source;

/* A set with one picture of 400 x 200 in it; the entry of it, hot in the cell (5, 4). */
static json_t *entry(void) {
    static uint8_t rgb[400 * 200 * 3];
    char path[INSP_PATH_BYTES], hash[INSP_SHA256_HEX_BYTES];
    uint8_t heat[INSP_MAP_FLOATS] = {[4 * INSP_MAP_SIDE + 5] = 255};
    unsigned char *jpeg;
    char *text;
    size_t bytes;
    strcpy(dir, "/tmp/insp-picture-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    source =
        (struct insp_report_source){.dataset_root = dir, .limits = insp_image_limits_default(), .subtitle = ""};
    memset(rgb, 90, sizeof rgb);
    ck_insp_ok(insp_image_encode_jpeg(rgb, 400, 200, 90, &jpeg, &bytes, &error), error);
    ck_insp_ok(insp_path(path, &error, "%s/a\"b.jpg", dir), error);
    ck_insp_ok(insp_write_file(path, jpeg, bytes, 0644, false, &error), error);
    insp_sha256_hex(jpeg, bytes, hash);
    free(jpeg);
    ck_insp_ok(insp_base64_encode(heat, sizeof heat, &text, &error), error);
    json_t *image = json_pack("{s:s, s:s, s:s}", "path", "a\"b.jpg", "sha256", hash, "heat", text);
    free(text);
    return image;
}

static void drop(json_t *image) {
    json_decref(image);
    ck_insp_ok(insp_remove_tree(dir, &error), error);
}

START_TEST(a_thumbnail_with_its_heat) {
    json_t *image = entry();
    WRITTEN(text, ck_insp_ok(insp_report_picture(out, &source, image, 0.7f, &error), error));
    ck_says(text, "<img src=\"data:image/jpeg;base64,/9j/");
    ck_says(text, "alt=\"a&quot;b.jpg\"");
    ck_says(text, "<img class=\"heat\" src=\"data:image/png;base64,iVBOR");
    ck_says(text, "<svg class=\"heat\" viewBox=\"0 0 256 128\"");
    ck_assert_uint_eq(times(text, "<rect class=\"box\""), 1);
    ck_assert_uint_eq(times(text, "<rect class=\"box-edge\""), 1);
    ck_assert_uint_lt(strlen(text), 8000);
    free(text);
    WRITTEN(cold, ck_insp_ok(insp_report_picture(out, &source, image, 2, &error), error));
    ck_says_not(cold, "class=\"heat\"");
    free(cold);
    json_object_set_new(image, "heat", json_string("not base64"));
    WRITTEN(plain, ck_insp_ok(insp_report_picture(out, &source, image, 0.7f, &error), error));
    ck_says(plain, "data:image/jpeg");
    ck_says_not(plain, "class=\"heat\"");
    free(plain);
    drop(image);
}
END_TEST

static void ck_note(const json_t *image, const char *expected) {
    WRITTEN(text, ck_insp_ok(insp_report_picture(out, &source, image, 0.7f, &error), error));
    ck_says(text, "<p class=\"note\">");
    ck_says(text, expected);
    ck_says_not(text, "data:");
    ck_says_not(text, dir); /* the page names no path of the server */
    free(text);
}

START_TEST(what_cannot_be_shown_is_a_note) {
    json_t *image = entry();
    json_object_set_new(image, "sha256", json_string("0"));
    ck_note(image, "changed since");
    static const char *const elsewhere[] = {"none.jpg", "../../etc/hostname", "/etc/hostname", "", "sha256:ff"};
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        json_object_set_new(image, "path", json_string(elsewhere[i]));
        ck_note(image, "no longer exists");
    }
    char link[INSP_PATH_BYTES];
    snprintf(link, sizeof link, "%s/link.jpg", dir);
    ck_assert_int_eq(symlink("/etc/hostname", link), 0);
    json_object_set_new(image, "path", json_string("link.jpg"));
    ck_note(image, "no longer exists");
    source.dataset_root = NULL;
    ck_note(image, "the dataset no longer exists");
    drop(image);
}
END_TEST

START_TEST(a_file_that_is_no_picture_is_a_note) {
    char path[INSP_PATH_BYTES], hash[INSP_SHA256_HEX_BYTES];
    json_t *image = entry();
    snprintf(path, sizeof path, "%s/broken.png", dir);
    ck_insp_ok(insp_write_file(path, "\x89PNG", 4, 0644, false, &error), error);
    insp_sha256_hex("\x89PNG", 4, hash);
    json_object_set_new(image, "path", json_string("broken.png"));
    json_object_set_new(image, "sha256", json_string(hash));
    ck_note(image, "can no longer be read");
    drop(image);
}
END_TEST

INSP_TESTS(a_thumbnail_with_its_heat, what_cannot_be_shown_is_a_note, a_file_that_is_no_picture_is_a_note);
