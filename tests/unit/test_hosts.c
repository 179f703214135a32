#include "api/access/hosts.h"
#include "tests/unit/harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static struct insp_error err;

START_TEST(test_split) {
    static const struct {
        const char *authority, *name, *port;
    } good[] = {{"localhost", "localhost", ""},        {"LocalHost:8080", "localhost", "8080"},
                {"[::1]:8080", "::1", "8080"},         {"[2001:DB8::1]", "2001:db8::1", ""},
                {"a.example.:1", "a.example", "1"},    {"127.0.0.1:", "127.0.0.1", ""},
                {"under_score-1", "under_score-1", ""}};
    static const char *const bad[] = {"",         ":8080", "a:b",      "a:123456", "[::1",    "[]:1", "[::1]x",
                                      "a b",      "a@b",   "u:p@host", "a/b",      "a\\b",    "a,b",  ".",
                                      "\xc3\xa4", "a?b",   "a#b",      "::1",      "a:80:80", "a\"",  "\t"};
    char name[API_HOST_BYTES], port[8];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(api_host_split(good[i].authority, name, port), "%s", good[i].authority);
        ck_assert_str_eq(name, good[i].name);
        ck_assert_str_eq(port, good[i].port);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!api_host_split(bad[i], name, port), "%s", bad[i]);
    char longest[API_HOST_BYTES + 1];
    memset(longest, 'a', API_HOST_BYTES);
    longest[API_HOST_BYTES] = 0;
    ck_assert(!api_host_split(longest, name, port));
    ck_assert(api_host_split(longest + 1, name, port));
}
END_TEST

static struct sockaddr_in four(const char *text) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    ck_assert_int_eq(inet_pton(AF_INET, text, &address.sin_addr), 1);
    return address;
}

static bool allowed(const char *host, const char *listen, const char *hosts) {
    const struct sockaddr_in local = four("10.0.0.5");
    return api_host_allowed(host, listen, hosts, (const struct sockaddr *)&local);
}

START_TEST(test_loopback_names_are_allowed) {
    static const char *const own[] = {
        "localhost",  "localhost:9999", "LOCALHOST.",         "127.0.0.1:8080", "127.9.9.9",
        "[::1]:8080", "cam.localhost",  "[::ffff:127.0.0.1]", "0.0.0.0:8080",   "[::]"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        ck_assert_msg(allowed(own[i], "127.0.0.1:8080", ""), "%s", own[i]);
}
END_TEST

START_TEST(test_other_names_are_not) {
    static const char *const foreign[] = {"evil.test",
                                          "localhost.evil.test",
                                          "127.0.0.1.evil.test",
                                          "evillocalhost",
                                          ".localhost.evil",
                                          "10.0.0.6",
                                          "2130706433",
                                          "0x7f000001",
                                          "127.1",
                                          "[::2]",
                                          "localhost@evil.test",
                                          "",
                                          "localhost,evil.test",
                                          "127.0.0.1 evil"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        ck_assert_msg(!allowed(foreign[i], "127.0.0.1:8080", ""), "%s", foreign[i]);
        ck_assert_msg(!allowed(foreign[i], "0.0.0.0:8080", "plant.example"), "%s", foreign[i]);
    }
}
END_TEST

START_TEST(test_the_own_address_and_listed_names) {
    ck_assert(allowed("10.0.0.5:8080", "0.0.0.0:8080", ""));
    ck_assert(allowed("[::ffff:10.0.0.5]", "[::]:8080", ""));
    ck_assert(allowed("inspect.plant.example", "inspect.plant.example:8080", ""));
    ck_assert(!allowed("10.0.0.6", "10.0.0.7:8080", ""));
    ck_assert(allowed("10.0.0.7", "10.0.0.7:8080", ""));
    ck_assert(allowed("inspect.plant.example:80", "0.0.0.0:8080", "a.example, Inspect.Plant.Example"));
    ck_assert(allowed("[2001:db8::1]", "0.0.0.0:8080", "2001:0db8::1"));
    ck_assert(allowed("[2001:db8::1]", "0.0.0.0:8080", "[2001:db8::1]:8080"));
    ck_assert(!allowed("plant.example", "0.0.0.0:8080", "inspect.plant.example"));
    ck_assert(allowed("anything.at.all", "0.0.0.0:8080", "*"));
    ck_assert(!allowed("not valid", "0.0.0.0:8080", "*"));
    ck_assert(!api_host_allowed("10.0.0.5", "0.0.0.0:8080", "", NULL));
}
END_TEST

START_TEST(test_origins) {
    ck_assert(api_origin_listed("https://MES.example", "http://a https://mes.example"));
    ck_assert(!api_origin_listed("https://mes.example:444", "https://mes.example"));
    ck_assert(!api_origin_listed("http://mes.example", "https://mes.example"));
    ck_assert(!api_origin_listed("null", "") && !api_origin_listed("", "") && !api_origin_listed("", "https://a"));
}
END_TEST

START_TEST(test_the_settings_texts) {
    ck_insp_ok(api_hosts_check("", &err), err);
    ck_insp_ok(api_hosts_check(" a.example,b 10.0.0.1 ::1 [::1] *", &err), err);
    ck_insp_code(api_hosts_check("a http://b", &err), INSP_E_CONFIG, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "http://b"));
    ck_insp_ok(api_origins_check("https://a.example, http://[::1]:3000", &err), err);
    static const char *const bad[] = {"a.example", "https://a.example/", "ftp://a", "null", "*", "https://"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_insp_code(api_origins_check(bad[i], &err), INSP_E_CONFIG, err);
    char longest[600];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = 0;
    ck_insp_code(api_hosts_check(longest, &err), INSP_E_CONFIG, err);
    ck_insp_code(api_origins_check(longest, &err), INSP_E_CONFIG, err);
}
END_TEST

INSP_TESTS(test_split, test_loopback_names_are_allowed, test_other_names_are_not,
           test_the_own_address_and_listed_names, test_origins, test_the_settings_texts);
