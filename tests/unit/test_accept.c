#include "api/http/accept.h"

#include "tests/unit/harness.h"

static const char *const types[] = {"application/json", "text/csv", "application/x-ndjson", NULL};
enum { JSON, CSV, LINES };

START_TEST(test_named_outright) {
    ck_assert_int_eq(api_accept_choose("text/csv", types), CSV);
    ck_assert_int_eq(api_accept_choose("application/x-ndjson", types), LINES);
    ck_assert_int_eq(api_accept_choose("application/json", types), JSON);
    ck_assert_int_eq(api_accept_choose("TEXT/CSV; charset=utf-8", types), CSV);
    ck_assert_int_eq(api_accept_choose("text/csv, */*", types), CSV);
    ck_assert_int_eq(api_accept_choose(" ,, text/csv ,", types), CSV);
    ck_assert_int_eq(api_accept_choose("text/csv,application/json", types), JSON); /* a tie: the list's order */
}
END_TEST

START_TEST(test_weights) {
    ck_assert_int_eq(api_accept_choose("application/json;q=0.5, text/csv;q=0.9", types), CSV);
    ck_assert_int_eq(api_accept_choose("application/json;q=0.5, text/csv ; charset=utf-8 ; Q=0.4", types), JSON);
    ck_assert_int_eq(api_accept_choose("text/csv;q=0.001, */*;q=0", types), CSV);
    ck_assert_int_eq(api_accept_choose("text/csv;q=0, application/x-ndjson;q=0.1", types), LINES);
    ck_assert_int_eq(api_accept_choose("*/*, application/json;q=0.1, text/csv;q=0.2", types), LINES);
    ck_assert_int_eq(api_accept_choose("text/csv;q=99", types), CSV);
}
END_TEST

START_TEST(test_ranges) {
    ck_assert_int_eq(api_accept_choose("text/*", types), CSV);
    ck_assert_int_eq(api_accept_choose("text/*;q=0.5, application/*", types), JSON);
    ck_assert_int_eq(api_accept_choose("*/*", types), JSON);
    ck_assert_int_eq(api_accept_choose("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", types),
                     JSON);
}
END_TEST

START_TEST(test_what_fits_nothing_is_the_default) {
    static const char *const texts[] = {
        "",  "image/png", "text/csv;q=0", "text/csv;q=x", "text/csvx", "text/cs", "*", ";",
        "/", ",",         "text/",        ";q=1",         "q=1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_int_eq(api_accept_choose(texts[i], types), JSON);
}
END_TEST

START_TEST(test_preference) {
    static const char *const yes[] = {"image/png",
                                      "IMAGE/PNG;q=0.1",
                                      "image/*",
                                      "image/png, */*",
                                      "image/png, application/json",
                                      "application/json;q=0.4, image/png;q=0.5",
                                      "text/html;a=\"x, application/json\", image/png;q=0.2"};
    static const char *const no[] = {"",
                                     "*/*",
                                     "image/png;q=0",
                                     "image/png;q=0.000",
                                     "application/json, image/png;q=0.9",
                                     "image/pngx",
                                     "application/image/png",
                                     "text/html;a=\", image/png\"",
                                     "image/png;q=x",
                                     "image/png;q",
                                     "*/*, image/png;q=0.5",
                                     "text/html,application/xhtml+xml,image/avif,image/webp,*/*;q=0.8"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        ck_assert_msg(api_accept_prefers(yes[i], "image/png", "application/json"), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        ck_assert_msg(!api_accept_prefers(no[i], "image/png", "application/json"), "%s", no[i]);
}
END_TEST

START_TEST(test_coding) {
    static const char *const yes[] = {"gzip",       "GZIP",         "deflate, gzip, br",
                                      "gzip;q=0.5", "gzip ; q=1.0", "br;q=0, gzip"};
    static const char *const no[] = {"",         "*",         "identity",     "x-gzip",          "gzipped",
                                     "gzip;q=0", "gzip; q=0", "gzip;q=0.000", "br, gzip ;q=0.0", "gzip;q=x"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        ck_assert_msg(api_accept_coding(yes[i], "gzip"), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        ck_assert_msg(!api_accept_coding(no[i], "gzip"), "%s", no[i]);
    ck_assert(!api_accept_coding(NULL, "gzip"));
}
END_TEST

INSP_TESTS(test_coding, test_preference, test_named_outright, test_weights, test_ranges,
           test_what_fits_nothing_is_the_default);
