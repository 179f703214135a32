#include "api/access/proxies.h"
#include "tests/unit/harness.h"

#include <arpa/inet.h>
#include <string.h>

static struct insp_error err;
static struct api_networks networks;

static bool holds(const char *text) {
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return api_networks_hold(&networks, (const struct sockaddr *)&four);
    ck_assert_int_eq(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
    return api_networks_hold(&networks, (const struct sockaddr *)&six);
}

START_TEST(test_networks) {
    ck_insp_ok(api_networks_parse("127.0.0.1, 10.0.0.0/8\t192.168.1.128/25 2001:db8::/33", &networks, &err), err);
    ck_assert_uint_eq(networks.count, 4);
    ck_assert(holds("127.0.0.1") && holds("::ffff:127.0.0.1") && !holds("127.0.0.2"));
    ck_assert(holds("10.255.0.1") && !holds("11.0.0.0") && holds("::ffff:10.1.2.3"));
    ck_assert(holds("192.168.1.200") && !holds("192.168.1.127"));
    ck_assert(holds("2001:db8:7fff::1") && !holds("2001:db8:8000::1"));
    ck_insp_ok(api_networks_parse("", &networks, &err), err);
    ck_assert(!holds("127.0.0.1"));
    ck_insp_ok(api_networks_parse("0.0.0.0/0", &networks, &err), err);
    ck_assert(holds("8.8.8.8") && !holds("2001:db8::1"));
}
END_TEST

START_TEST(test_what_is_no_network_is_named) {
    static const char *const bad[] = {"proxy.example", "10.0.0.0/33", "10.0.0.0/",  "10.0.0.0/8x",
                                      "::/129",        "10.0.0",      "1.2.3.4:80", "10.0.0.0/0008"};
    networks.count = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(api_networks_parse(bad[i], &networks, &err) == INSP_E_CONFIG, "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(err.detail, bad[i]));
        ck_assert_uint_eq(networks.count, 7);
    }
    char many[API_NETWORKS_MAX * 12 + 16] = "";
    for (int i = 0; i <= API_NETWORKS_MAX; i++)
        strcat(many, "10.0.0.1 ");
    ck_insp_code(api_networks_parse(many, &networks, &err), INSP_E_CONFIG, err);
}
END_TEST

static const char *client(const char *forwarded, const char *x_forwarded_for) {
    static char text[API_ADDRESS_BYTES];
    return api_proxied_client(&networks, forwarded, x_forwarded_for, text) ? text : "?";
}

START_TEST(test_the_client_of_a_chain) {
    ck_insp_ok(api_networks_parse("127.0.0.1 10.0.0.0/8", &networks, &err), err);
    ck_assert_str_eq(client(NULL, "203.0.113.9"), "203.0.113.9");
    ck_assert_str_eq(client(NULL, "127.0.0.1, 203.0.113.9, 10.1.1.1"),
                     "203.0.113.9"); /* the first is the client's lie */
    ck_assert_str_eq(client(NULL, "10.2.2.2, 10.1.1.1"), "10.2.2.2");
    ck_assert_str_eq(client(NULL, "[2001:DB8::1]:4711"), "2001:db8::1");
    ck_assert_str_eq(client(NULL, "203.0.113.9:4711, 10.0.0.1"), "203.0.113.9");
    ck_assert_str_eq(client("for=203.0.113.9;proto=https;by=10.0.0.1", NULL), "203.0.113.9");
    ck_assert_str_eq(client("For=\"[2001:db8::1]:4711\", for=10.0.0.1", NULL), "2001:db8::1");
    ck_assert_str_eq(client("proto=http; FOR = \"203.0.113.9\"", "203.0.113.9"), "203.0.113.9");
}
END_TEST

START_TEST(test_no_client_is_made_up) {
    ck_insp_ok(api_networks_parse("127.0.0.1", &networks, &err), err);
    ck_assert_str_eq(client(NULL, NULL), "?");
    ck_assert_str_eq(client(NULL, ""), "?");
    ck_assert_str_eq(client(NULL, "unknown"), "?");
    ck_assert_str_eq(client("for=unknown", NULL), "?");
    ck_assert_str_eq(client("for=_hidden, for=127.0.0.1", NULL), "?");
    ck_assert_str_eq(client("for=\"203.0.113.9", NULL), "?");
    ck_assert_str_eq(client("by=203.0.113.9", NULL), "?");
    ck_assert_str_eq(client("for=127.0.0.1", "203.0.113.9"), "?"); /* one of the two is the client's own */
    ck_assert_str_eq(client("for=evil", "203.0.113.9"), "?");
}
END_TEST

START_TEST(test_the_host_that_was_called) {
    char host[64];
    ck_assert(api_proxied_host("for=1.2.3.4;host=inspect.example", "other.example", host, sizeof host));
    ck_assert_str_eq(host, "inspect.example");
    ck_assert(api_proxied_host("host=a, for=1.2.3.4;host=\"b:8443\"", NULL, host, sizeof host));
    ck_assert_str_eq(host, "b:8443");
    ck_assert(api_proxied_host(NULL, "first.example, second.example", host, sizeof host));
    ck_assert_str_eq(host, "second.example");
    ck_assert(!api_proxied_host(NULL, NULL, host, sizeof host));
    ck_assert(!api_proxied_host("for=1.2.3.4", "other.example", host, sizeof host));
}
END_TEST

INSP_TESTS(test_networks, test_what_is_no_network_is_named, test_the_client_of_a_chain, test_no_client_is_made_up,
           test_the_host_that_was_called);
