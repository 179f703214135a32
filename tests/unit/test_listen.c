#include "api/listen/listen.h"
#include "tests/unit/harness.h"

#include <string.h>
#include <unistd.h>

static struct insp_error err;

START_TEST(test_split) {
    static const struct {
        const char *text, *host, *port;
    } rows[] = {{"127.0.0.1:8080", "127.0.0.1", "8080"},
                {"[::1]:8080", "::1", "8080"},
                {"[::]:0", "::", "0"},
                {"localhost:65535", "localhost", "65535"}};
    char host[64], port[8];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_insp_ok(api_listen_split(rows[i].text, host, sizeof host, port, sizeof port, &err), err);
        ck_assert_str_eq(host, rows[i].host);
        ck_assert_str_eq(port, rows[i].port);
    }
}
END_TEST

START_TEST(test_split_refuses) {
    static const char *const bad[] = {"",
                                      "8080",
                                      ":8080",
                                      "host:",
                                      "host:x",
                                      "host:65536",
                                      "host:-1",
                                      "host:80 ",
                                      "::1:8080",
                                      "[::1:8080",
                                      "[::1]8080",
                                      "[]:8080",
                                      "host:000080",
                                      "[::1]",
                                      "[:8080",
                                      "a-host-name-that-does-not-fit-into-it:80"};
    char host[16], port[8];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(api_listen_split(bad[i], host, sizeof host, port, sizeof port, &err) == INSP_E_CONFIG,
                      "\"%s\"", bad[i]);
        ck_assert_ptr_nonnull(strstr(err.detail, "host:port"));
    }
}
END_TEST

/* Port 0 asks for any; the description says which, and a second listener on it is refused with the cause. */
START_TEST(test_open_and_describe) {
    char address[80];
    bool loopback = false;
    int fd, second;
    ck_insp_ok(api_listen_open("127.0.0.1:0", &fd, &err), err);
    ck_insp_ok(api_listen_describe(fd, address, sizeof address, &loopback, &err), err);
    ck_assert(loopback);
    ck_assert_int_eq(strncmp(address, "127.0.0.1:", 10), 0);
    ck_assert_int_gt(atoi(address + 10), 0);
    ck_insp_code(api_listen_open(address, &second, &err), INSP_E_IO, err);
    ck_assert_ptr_nonnull(strstr(err.detail, address));
    ck_assert_ptr_nonnull(strstr(err.detail, "in use"));
    close(fd);
    ck_insp_ok(api_listen_open("0.0.0.0:0", &fd, &err), err);
    ck_insp_ok(api_listen_describe(fd, address, sizeof address, &loopback, &err), err);
    ck_assert(!loopback);
    close(fd);
}
END_TEST

INSP_TESTS(test_split, test_split_refuses, test_open_and_describe);
