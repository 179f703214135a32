#include "api/http/framing.h"

#include "core/base/cleanup.h"
#include "tests/unit/harness.h"

#include <string.h>

static struct insp_error err;

static struct api_framing plain(void) {
    return (struct api_framing){.version = "HTTP/1.1", .hosts = 1, .host = "localhost:8080"};
}

static void refused(const struct api_framing *framing, int code, const char *word) {
    ck_insp_code(api_framing_judge(framing, &err), code, err);
    ck_assert_msg(strstr(err.detail, word) != NULL, "%s", err.detail);
}

START_TEST(test_what_is_certain) {
    struct api_framing framing = plain();
    ck_insp_ok(api_framing_judge(&framing, &err), err);
    framing.lengths = 1;
    ck_insp_ok(api_framing_judge(&framing, &err), err);
    framing = plain();
    framing.encodings = 1;
    framing.transfer_encoding = "Chunked";
    ck_insp_ok(api_framing_judge(&framing, &err), err);
    framing = (struct api_framing){.version = "HTTP/1.0"};
    ck_insp_ok(api_framing_judge(&framing, &err), err);
    framing = plain();
    framing.host = ""; /* clients send it for a target without an authority */
    ck_insp_ok(api_framing_judge(&framing, &err), err);
}
END_TEST

START_TEST(test_hosts) {
    struct api_framing framing = {.version = "HTTP/1.1"};
    refused(&framing, INSP_E_REQUEST, "no Host");
    framing.hosts = 2;
    framing.host = "a";
    refused(&framing, INSP_E_REQUEST, "2 Host");
    framing = plain();
    framing.host = "a b";
    refused(&framing, INSP_E_REQUEST, "not a host");
}
END_TEST

START_TEST(test_lengths) {
    static const char *const codings[] = {"gzip", "gzip, chunked", "chunked, chunked", "chunked ",
                                          "",     "identity",      "\"chunked\""};
    struct api_framing framing = plain();
    framing.lengths = 2;
    refused(&framing, INSP_E_REQUEST, "2 Content-Length");
    framing = plain();
    framing.lengths = framing.encodings = 1;
    framing.transfer_encoding = "chunked";
    refused(&framing, INSP_E_REQUEST, "both");
    framing.lengths = 0;
    framing.version = "HTTP/1.0";
    refused(&framing, INSP_E_REQUEST, "HTTP/1.0");
    framing = plain();
    framing.encodings = 2;
    framing.transfer_encoding = "chunked";
    refused(&framing, INSP_E_REQUEST, "Transfer-Encoding");
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        framing = plain();
        framing.encodings = 1;
        framing.transfer_encoding = codings[i];
        refused(&framing, INSP_E_REQUEST, codings[i]);
    }
}
END_TEST

START_TEST(test_fields_and_sizes) {
    struct api_framing framing = plain();
    framing.malformed = "Content-Length ";
    refused(&framing, INSP_E_REQUEST, "Content-Length ");
    framing = plain();
    framing.repeated = "Authorization";
    refused(&framing, INSP_E_REQUEST, "two Authorization");
    framing = plain();
    framing.header_bytes = API_HEADERS_BYTES_MAX + 1;
    refused(&framing, INSP_E_HEADERS_LARGE, "32768");
    framing.target_bytes = API_TARGET_BYTES_MAX + 1;
    refused(&framing, INSP_E_TARGET_LONG, "8192");
}
END_TEST

START_TEST(test_targets) {
    static const struct {
        const char *method, *url, *authority, *path;
    } good[] = {{"GET", "/a/b", "", "/a/b"},
                {"GET", "//a", "", "//a"},
                {"GET", "http://host:8080/a", "host:8080", "/a"},
                {"GET", "HTTPS://[::1]", "[::1]", "/"},
                {"OPTIONS", "*", "", "*"}};
    static const char *const bad[] = {"",           "*", "a", "host:80", "http://", "http:///a", "ftp://host/a",
                                      "localhost/a"};
    char authority[16];
    const char *path;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_insp_ok(api_target_split(good[i].method, good[i].url, authority, sizeof authority, &path, &err), err);
        ck_assert_str_eq(authority, good[i].authority);
        ck_assert_str_eq(path, good[i].path);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(api_target_split("GET", bad[i], authority, sizeof authority, &path, &err) == INSP_E_REQUEST,
                      "%s", bad[i]);
    ck_insp_code(api_target_split("GET", "http://0123456789abcdef/", authority, sizeof authority, &path, &err),
                 INSP_E_REQUEST, err);
}
END_TEST

START_TEST(test_codings) {
    ck_insp_ok(api_coding_check(NULL, &err), err);
    ck_insp_ok(api_coding_check("", &err), err);
    ck_insp_ok(api_coding_check("Identity", &err), err);
    ck_insp_code(api_coding_check("gzip", &err), INSP_E_MEDIA_TYPE, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "gzip"));
    ck_insp_code(api_coding_check("identity, br", &err), INSP_E_MEDIA_TYPE, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "br"));
}
END_TEST

START_TEST(test_length_values) {
    static const char *const good[] = {"0", "5", "007", "18446744073709551615"};
    static const char *const bad[] = {"", "-1", "+5", "0x10", "1 2", "1,1", " 5", "5 ", "x", "5a"};
    for (size_t i = 0; i < INSP_COUNT(good); i++)
        ck_insp_ok(api_length_check(good[i], &err), err);
    for (size_t i = 0; i < INSP_COUNT(bad); i++)
        ck_insp_code(api_length_check(bad[i], &err), INSP_E_REQUEST, err);
    ck_insp_code(api_length_check("18446744073709551616", &err), INSP_E_TOO_LARGE, err);
    ck_insp_code(api_length_check("99999999999999999999999", &err), INSP_E_TOO_LARGE, err);
}
END_TEST

INSP_TESTS(test_length_values, test_what_is_certain, test_hosts, test_lengths, test_fields_and_sizes, test_targets,
           test_codings);
