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

/* Each spelling that a client library uses: .NET without quotes, curl with, others with blanks or in capitals. */
START_TEST(test_spellings_of_the_name) {
    static const char *const good[] = {
        "Content-Disposition: form-data; name=image; filename=part.jpg; filename*=utf-8''part.jpg",
        "content-disposition:form-data;NAME=\"image\"",
        "CONTENT-DISPOSITION: Form-Data ; filename=\"name=\\\"other\\\"; x\" ; name = image",
        "Content-Disposition: form-data; name=\"im\\age\"",
        "X-Other: 1\r\nContent-Disposition:\tform-data; filename=\"a;b\"; name=\"image\"",
    };
    static const char *const bad[] = {
        "Content-Disposition: form-data; name=images",
        "Content-Disposition: form-data; filename=image",
        "Content-Disposition: form-data; xname=image",
        "Content-Disposition: attachment; name=image",
        "Content-Disposition: form-data; name=\"image",
        "Content-Disposition: form-data; name=Image",
        "Content-Disposition: form-data; filename=\"; name=image; \"",
        "Content-Disposition form-data; name=image",
        "X: form-data; name=image",
    };
    char body[512];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int count =
            snprintf(body, sizeof body, "--b0\r\n%s\r\nContent-Type: image/png\r\n\r\nPIX\r\n--b0--\r\n", good[i]);
        ck_insp_ok(find(type, body, (size_t)count), err);
        ck_assert_mem_eq(body + offset, "PIX", 3);
        ck_assert_uint_eq(bytes, 3);
        ck_assert_str_eq(part_type, "image/png");
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int count = snprintf(body, sizeof body, "--b0\r\n%s\r\n\r\nPIX\r\n--b0--\r\n", bad[i]);
        ck_assert_msg(find(type, body, (size_t)count) == INSP_E_REQUEST, "%s", bad[i]);
    }
}
END_TEST

START_TEST(test_spellings_of_the_boundary) {
    static const char *const good[] = {
        "multipart/form-data;boundary=b0", "Multipart/Form-Data ; charset=x; BOUNDARY = \"b0\"",
        "multipart/form-data; x=\"boundary=no\"; boundary=b0;", "multipart/form-data; boundary=\"b\\0\""};
    static const char *const bad[] = {
        "multipart/form-data; xboundary=b0", "multipart/form-data; boundary=\"b0", "multipart/form-data; boundary",
        "multipart/form-data boundary=b0",
        "multipart/form-data; boundary=01234567890123456789012345678901234567890123456789012345678901234567890"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(!find(good[i], whole, sizeof whole - 1), "%s: %s", good[i], err.detail);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(find(bad[i], whole, sizeof whole - 1) == INSP_E_REQUEST, "%s", bad[i]);
    ck_assert(!api_multipart_is("multipart/form-data boundary=b0"));
}
END_TEST

/* Another boundary may begin with this one, and pixels may look like a delimiter. */
START_TEST(test_only_whole_delimiters_count) {
    const char *body = "--b0x\r\n\r\nno\r\n--b0 \t\r\nContent-Disposition: form-data; name=image\r\n\r\n"
                       "PIX\r\n--b0x\r\n--b0\nELS\r\n--b0 \r\n\r\nrest\r\n--b0--trailing";
    static const char pixels[] = "PIX\r\n--b0x\r\n--b0\nELS";
    ck_insp_ok(find(type, body, strlen(body)), err);
    ck_assert_uint_eq(bytes, sizeof pixels - 1);
    ck_assert_mem_eq(body + offset, pixels, sizeof pixels - 1);
}
END_TEST

START_TEST(test_parts_without_headers_and_content) {
    const char *body = "--b0\r\n--b0\r\n\r\ntext\r\n--b0\r\nContent-Disposition: form-data; name=image\r\n--b0\r\n"
                       "Content-Disposition: form-data; name=image\r\n\r\nPIX\r\n--b0--";
    ck_insp_ok(find(type, body, strlen(body)), err);
    ck_assert_uint_eq(bytes, 3);
    ck_assert_str_eq(part_type, "");
}
END_TEST

START_TEST(test_transfer_encodings) {
    char body[256];
    static const char *const good[] = {"binary", "8BIT", "7bit", ""}, *const bad[] = {"base64", "quoted-printable",
                                                                                      "x"};
    static const char form[] =
        "--b0\r\nContent-Disposition: form-data; name=image\r\nContent-Transfer-Encoding: %s\r\n\r\nPIX\r\n--b0--";
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_insp_ok(find(type, body, (size_t)snprintf(body, sizeof body, form, good[i])), err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_insp_code(find(type, body, (size_t)snprintf(body, sizeof body, form, bad[i])), INSP_E_MEDIA_TYPE, err);
        ck_assert_ptr_nonnull(strstr(err.detail, bad[i]));
    }
}
END_TEST

INSP_TESTS(test_spellings_of_the_name, test_spellings_of_the_boundary, test_only_whole_delimiters_count,
           test_parts_without_headers_and_content, test_transfer_encodings, test_is,
           test_finds_the_part_among_others, test_preamble_and_empty_part, test_cut_anywhere_is_an_error,
           test_no_boundary_or_part);
