#include "core/train/tiles/box_file.h"

#include "tests/unit/train_fixture.h"

#include <math.h>

static struct insp_error err;

static size_t parse(const char *text, struct insp_box_share *ret) {
    struct insp_box_share *box = NULL;
    size_t count = 0;
    ck_insp_ok(insp_box_parse(text, &box, &count, &err), err);
    *ret = box[count - 1];
    free(box);
    return count;
}

static void refused(const char *text, const char *words) {
    struct insp_box_share *box = NULL;
    size_t count;
    ck_insp_code(insp_box_parse(text, &box, &count, &err), INSP_E_DATASET, err);
    ck_assert_msg(strstr(err.detail, words) != NULL, "\"%s\": %s", text, err.detail);
    ck_assert_ptr_null(box);
}

START_TEST(lines_are_boxes_by_centre_and_size) {
    struct insp_box_share box;
    ck_assert_uint_eq(parse("0 0.5 0.25 0.2 0.1", &box), 1);
    ck_assert(fabs(box.left - 0.4) < 1e-12 && fabs(box.right - 0.6) < 1e-12);
    ck_assert(fabs(box.top - 0.2) < 1e-12 && fabs(box.bottom - 0.3) < 1e-12);
    ck_assert_uint_eq(parse("0 0.5 0.25 0.2 0.1\r\n\r\n  1\t0.95 0.5 0.2 1e-1 \n", &box), 2);
    ck_assert(fabs(box.left - 0.85) < 1e-12 && box.right == 1); /* cut at the edge */
}
END_TEST

START_TEST(other_text_is_refused_with_its_line) {
    refused("", "no box");
    refused("\n \n", "no box");
    refused("0 0.5 0.5 0.1", "line 1: expected");
    refused("0 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.1\n0.1", "line 2: expected"); /* no number from the next line */
    refused("0 0.5 0.5 0.1 0.1 0.9", "no more");
    refused("scratch 0.5 0.5 0.1 0.1", "expected");
    refused("0 320 240 20 20", "outside of the picture"); /* pixels */
    refused("0 0.5 0.5 0 0.1", "empty");
    refused("0 0.5 0.5 -0.1 0.1", "empty");
    refused("0 nan 0.5 0.1 0.1", "expected");
    refused("0 0.5 inf 0.1 0.1", "expected");
    char *many = malloc(30000);
    memset(many, '\n', 29999);
    many[29999] = '\0';
    refused(many, "more than");
    free(many);
}
END_TEST

START_TEST(a_file_is_named_by_its_error) {
    struct train_fixture f;
    struct insp_box_share *box = NULL;
    char path[INSP_PATH_BYTES];
    size_t count;
    train_fixture_open(&f);
    fixture_bytes(&f, "a.txt", "0 .5 .5 .1 .1\n\0 0 0 0 0", 24);
    fixture_path(&f, "a.txt", path);
    ck_insp_code(insp_box_read(path, &box, &count, &err), INSP_E_DATASET, err);
    ck_assert(strstr(err.detail, "a.txt") && strstr(err.detail, "no text"));
    fixture_bytes(&f, "a.txt", "0 .5 .5 .1 .1\n", 14);
    ck_insp_ok(insp_box_read(path, &box, &count, &err), err);
    ck_assert_uint_eq(count, 1);
    free(box);
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(lines_are_boxes_by_centre_and_size, other_text_is_refused_with_its_line, a_file_is_named_by_its_error);
