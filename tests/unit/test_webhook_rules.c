#include "api/sinks/webhook_rules.h"

#include "tests/unit/harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static struct insp_error err;

START_TEST(addresses) {
    static const char *const good[] = {"http://a", "https://a.example:8443/x?key=1&y=%20", "http://[::1]:80/",
                                       "http://10.0.0.1/hook"};
    static const char *const bad[] = {"",
                                      "ftp://a",
                                      "http:/a",
                                      "http://",
                                      "http:///x",
                                      "http://:80",
                                      "https://a b",
                                      "http://a/\n",
                                      "http://a/#x",
                                      "http://a/\"",
                                      "http://a\\b",
                                      "HTTP://a",
                                      "http://a:99999/",
                                      "http://[::1/",
                                      "http://a:x/"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_insp_ok(api_webhook_url_check(good[i], &err), err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_insp_code(api_webhook_url_check(bad[i], &err), INSP_E_CONFIG, err);
    ck_insp_code(api_webhook_url_check("http://me:secret@a/", &err), INSP_E_CONFIG, err);
    ck_assert_ptr_null(strstr(err.detail, "secret"));
    char target[16];
    api_webhook_target("http://a/x?key=1", target, sizeof target);
    ck_assert_str_eq(target, "http://a/x");
}
END_TEST

START_TEST(products) {
    ck_insp_ok(api_webhook_products_check("carpet, bottle", &err), err);
    ck_insp_ok(api_webhook_products_check("", &err), err);
    static const char *const bad[] = {"a/b", "carpet;bottle", "carpet, -x",
                                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_insp_code(api_webhook_products_check(bad[i], &err), INSP_E_CONFIG, err);
    ck_assert(api_webhook_product_wanted("", "carpet") && api_webhook_product_wanted(" ,", "carpet"));
    ck_assert(api_webhook_product_wanted("bottle, carpet", "carpet"));
    ck_assert(!api_webhook_product_wanted("carpets, carp", "carpet"));
}
END_TEST

START_TEST(redirects) {
    ck_assert(api_webhook_redirect_allowed("http://a", "http://b") &&
              api_webhook_redirect_allowed("http://a", "https://b") &&
              api_webhook_redirect_allowed("https://a", "https://b"));
    ck_assert(!api_webhook_redirect_allowed("https://a", "http://b") &&
              !api_webhook_redirect_allowed("http://a", "file:///etc/passwd") &&
              !api_webhook_redirect_allowed("http://a", "http://me:secret@b"));
}
END_TEST

START_TEST(verdicts) {
    unsigned set = 0;
    ck_insp_ok(api_webhook_verdicts("good, anomaly, review", &set, &err), err);
    ck_assert_uint_eq(set, 1U << INSP_VERDICT_GOOD | 1U << INSP_VERDICT_ANOMALY | 1U << INSP_VERDICT_REVIEW);
    ck_insp_ok(api_webhook_verdicts(" review,", &set, &err), err);
    ck_assert_uint_eq(set, 1U << INSP_VERDICT_REVIEW);
    static const char *const bad[] = {"", " ,", "bad", "goods", "goo", "good;anomaly", "GOOD"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_insp_code(api_webhook_verdicts(bad[i], &set, &err), INSP_E_CONFIG, err);
}
END_TEST

static bool private_text(const char *text) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return api_webhook_private((struct sockaddr *)&v4);
    ck_assert_int_eq(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return api_webhook_private((struct sockaddr *)&v6);
}

START_TEST(private_addresses) {
    static const char *const closed[] = {"0.0.0.0",
                                         "10.1.2.3",
                                         "100.64.0.1",
                                         "100.127.255.255",
                                         "127.0.0.1",
                                         "169.254.169.254",
                                         "172.16.0.1",
                                         "172.31.255.255",
                                         "192.168.0.1",
                                         "198.18.0.1",
                                         "224.0.0.1",
                                         "255.255.255.255",
                                         "::",
                                         "::1",
                                         "fe80::1",
                                         "fc00::1",
                                         "fdff::1",
                                         "ff02::1",
                                         "::ffff:10.0.0.1",
                                         "64:ff9b::7f00:1",
                                         "2002:7f00:1::1",
                                         "2001::1",
                                         "::127.0.0.1"};
    static const char *const open[] = {"1.1.1.1",         "9.255.255.255",  "11.0.0.0",         "100.63.255.255",
                                       "100.128.0.0",     "172.15.255.255", "172.32.0.0",       "192.167.255.255",
                                       "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"};
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        ck_assert_msg(private_text(closed[i]), "%s", closed[i]);
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        ck_assert_msg(!private_text(open[i]), "%s", open[i]);
    ck_assert(api_webhook_private(&(struct sockaddr){.sa_family = AF_UNIX}));
}
END_TEST

/* RFC 4231, test case 2. */
START_TEST(signature) {
    char text[API_WEBHOOK_SIGNATURE_BYTES];
    api_webhook_sign("Jefe", 4, NULL, "what do ya want for nothing?", 28, text);
    ck_assert_str_eq(text, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    api_webhook_sign("Jefe", 4, "what do ya want for nothing?", "", 0, text); /* with the dot: another one */
    ck_assert_str_ne(text, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    char dotted[API_WEBHOOK_SIGNATURE_BYTES];
    api_webhook_sign("Jefe", 4, "1", "{}", 2, text);
    api_webhook_sign("Jefe", 4, NULL, "1.{}", 4, dotted);
    ck_assert_str_eq(text, dotted);
}
END_TEST

INSP_TESTS(addresses, redirects, products, verdicts, private_addresses, signature);
