#include "api/http/multipart.h"

#include "harness.h"

#include <string.h>

static const char type[] = "multipart/form-data; boundary=b0";
static const char whole[] = "--b0\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nimage\r\n"
                            "--b0\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n"
                            "content-type:  image/png\r\n\r\nPIX\r\nELS\r\n--b0--\r\n";
static struct insp_error err;
static size_t offset, bytes;
static char part_type[128];

static int find(const char *content_type, const char *body, size_t count) {
    return api_multipart_find(content_type, body, count, "image", &offset, &bytes, part_type, &err);
}

START_TEST(test_is) {
    ck_assert(api_multipart_is(type) && api_multipart_is("Multipart/Form-Data;boundary=x"));
    ck_assert(!api_multipart_is(NULL) && !api_multipart_is("multipart/mixed") &&
              !api_multipart_is("multipart/form-datax"));
}
END_TEST

START_TEST(test_finds_the_part_among_others) {
    ck_insp_ok(find(type, whole, sizeof whole - 1), err);
    ck_assert_uint_eq(bytes, 8);
    ck_assert_mem_eq(whole + offset, "PIX\r\nELS", 8);
    ck_assert_str_eq(part_type, "image/png");
    ck_insp_ok(find("multipart/form-data; charset=x; boundary=\"b0\"", whole, sizeof whole - 1), err);
}
END_TEST

START_TEST(test_preamble_and_empty_part) {
    const char *body = "hello\r\n--b0\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n\r\n--b0--";
    ck_insp_ok(find(type, body, strlen(body)), err);
    ck_assert_uint_eq(bytes, 0);
    ck_assert_str_eq(part_type, "");
}
END_TEST

/* A heap copy of the exact length, so that the address sanitizer sees any step beyond it. */
START_TEST(test_cut_anywhere_is_an_error) {
    size_t needed = (size_t)((const char *)memmem(whole, sizeof whole, "ELS\r\n--b0", 9) - whole) + 9;
    for (size_t count = 0; count < needed; count++) {
        char *copy = malloc(count ? count : 1);
        memcpy(copy, whole, count);
        ck_insp_code(find(type, copy, count), INSP_E_REQUEST, err);
        free(copy);
    }
}
END_TEST

START_TEST(test_no_boundary_or_part) {
    ck_insp_code(find("multipart/form-data", whole, sizeof whole - 1), INSP_E_REQUEST, err);
    ck_insp_code(find("multipart/form-data; boundary=", whole, sizeof whole - 1), INSP_E_REQUEST, err);
    const char *other = "--b0\r\nContent-Disposition: form-data; filename=\"image\"\r\n\r\nx\r\n--b0--";
    ck_insp_code(find(type, other, strlen(other)), INSP_E_REQUEST, err);
}
END_TEST

INSP_TESTS(test_is, test_finds_the_part_among_others, test_preamble_and_empty_part, test_cut_anywhere_is_an_error,
           test_no_boundary_or_part);
