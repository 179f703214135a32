#include "api/access/origin.h"
#include "tests/unit/harness.h"

#include <stddef.h>

static const char listed[] = "https://mes.example";

static enum api_origin judge(const char *method, const char *host, const char *origin, const char *site) {
    const struct api_origin_facts facts = {.method = method, .host = host, .origin = origin, .fetch_site = site};
    return api_origin_judge(&facts, listed);
}

START_TEST(test_clients_that_are_no_browsers) {
    ck_assert_int_eq(judge("POST", "localhost:8080", NULL, NULL), API_ORIGIN_NONE);
    ck_assert_int_eq(judge("GET", NULL, NULL, NULL), API_ORIGIN_NONE);
    ck_assert_int_eq(judge("GET", "localhost", NULL, "none"), API_ORIGIN_NONE); /* the address bar */
}
END_TEST

START_TEST(test_the_own_page) {
    ck_assert_int_eq(judge("PUT", "localhost:8080", "http://localhost:8080", "same-origin"), API_ORIGIN_OWN);
    ck_assert_int_eq(judge("PUT", "LocalHost:8080", "http://localhost:8080", NULL), API_ORIGIN_OWN);
    ck_assert_int_eq(judge("PUT", "inspect.example", "https://inspect.example", NULL),
                     API_ORIGIN_OWN); /* a proxy's TLS */
    ck_assert_int_eq(judge("GET", "localhost", NULL, "same-origin"), API_ORIGIN_OWN);
    const struct api_origin_facts tls = {
        .method = "PUT", .host = "inspect.example", .origin = "http://inspect.example", .tls = true};
    ck_assert_int_eq(api_origin_judge(&tls, listed),
                     API_ORIGIN_FOREIGN); /* a page that anybody on the wire can write */
}
END_TEST

START_TEST(test_foreign_pages) {
    static const char *const origins[] = {"https://evil.test",      "null",    "http://localhost:3000",
                                          "http://localhost",       "",        "localhost:8080",
                                          "http://localhost:8080/", "file://", "http://localhost:8080.evil.test",
                                          "http://u@localhost:8080"};
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++)
        ck_assert_msg(judge("POST", "localhost:8080", origins[i], NULL) == API_ORIGIN_FOREIGN, "%s", origins[i]);
    ck_assert_int_eq(judge("POST", NULL, "http://localhost:8080", NULL), API_ORIGIN_FOREIGN);
    ck_assert_int_eq(judge("GET", "localhost", NULL, "cross-site"), API_ORIGIN_FOREIGN);
    ck_assert_int_eq(judge("GET", "localhost", NULL, "same-site"), API_ORIGIN_FOREIGN);
    ck_assert_int_eq(judge("POST", "localhost", NULL, "cross-site"), API_ORIGIN_FOREIGN);
    ck_assert_int_eq(judge("POST", "localhost", NULL, "new-word"), API_ORIGIN_FOREIGN);
}
END_TEST

START_TEST(test_listed_pages) {
    ck_assert_int_eq(judge("POST", "localhost:8080", "https://mes.example", "cross-site"), API_ORIGIN_LISTED);
    ck_assert_int_eq(judge("POST", "localhost:8080", "https://mes.example:8443", "cross-site"),
                     API_ORIGIN_FOREIGN);
}
END_TEST

START_TEST(test_a_followed_link) {
    struct api_origin_facts facts = {.method = "GET",
                                     .host = "localhost",
                                     .fetch_site = "cross-site",
                                     .fetch_mode = "navigate",
                                     .fetch_dest = "document"};
    ck_assert_int_eq(api_origin_judge(&facts, listed), API_ORIGIN_NONE);
    facts.fetch_dest = "iframe";
    ck_assert_int_eq(api_origin_judge(&facts, listed), API_ORIGIN_FOREIGN);
    facts.fetch_dest = "document";
    facts.method = "POST"; /* a form that sends itself */
    ck_assert_int_eq(api_origin_judge(&facts, listed), API_ORIGIN_FOREIGN);
    facts = (struct api_origin_facts){.method = "GET",
                                      .host = "localhost",
                                      .fetch_site = "cross-site",
                                      .fetch_mode = "no-cors",
                                      .fetch_dest = "image"};
    ck_assert_int_eq(api_origin_judge(&facts, listed), API_ORIGIN_FOREIGN);
}
END_TEST

START_TEST(test_safe_methods) {
    ck_assert(api_method_safe("GET") && api_method_safe("HEAD") && api_method_safe("OPTIONS"));
    ck_assert(!api_method_safe("POST") && !api_method_safe("get") && !api_method_safe("DELETE"));
}
END_TEST

INSP_TESTS(test_clients_that_are_no_browsers, test_the_own_page, test_foreign_pages, test_listed_pages,
           test_a_followed_link, test_safe_methods);
