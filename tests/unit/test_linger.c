#include "api/listen/linger.h"
#include "core/base/clock.h"
#include "tests/unit/harness.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uv_loop_t loop;
static struct api_lingers lingers;
static int closed_count;

static void closed(void *arg) {
    (void)arg;
    closed_count++;
}

/* The two ends of a TCP connection. */
static void connected(int *ret_server, int *ret_client) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listening, 1), 0);
    ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&address, &length), 0);
    *ret_client = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(*ret_client, (struct sockaddr *)&address, sizeof address), 0);
    *ret_server = accept4(listening, NULL, NULL, SOCK_NONBLOCK);
    ck_assert_int_ge(*ret_server, 0);
    close(listening);
}

static void set_up(void) {
    uv_loop_init(&loop);
    lingers = (struct api_lingers){.loop = &loop, .closed = closed};
    closed_count = 0;
}

static void run_until_closed(int count) {
    while (closed_count < count && uv_run(&loop, UV_RUN_ONCE))
        ;
    ck_assert_int_eq(closed_count, count);
    ck_assert_uint_eq(lingers.count, 0);
    ck_assert_uint_eq(lingers.handles, 0);
}

/* The answer arrives although the client sends on after it: no reset. */
START_TEST(test_what_is_sent_on_is_thrown_away) {
    static char body[3 << 20];
    int server, client;
    char answer[8];
    set_up();
    connected(&server, &client);
    ck_assert_int_eq(send(server, "refused", 7, 0), 7);
    api_linger_take(&lingers, server, sizeof body, insp_mono_us() + 60000000);
    api_lingers_sweep(&lingers, insp_mono_us());
    for (size_t sent = 0; sent < sizeof body;) {
        ssize_t n = send(client, body + sent, sizeof body - sent, MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    ck_assert_int_eq(recv(client, answer, sizeof answer, 0), 7);
    ck_assert_int_eq(recv(client, answer, sizeof answer, 0), 0); /* an end, no error */
    close(client);
    run_until_closed(1);
}
END_TEST

START_TEST(test_bounds_of_bytes_and_time) {
    int server[3], client[3];
    set_up();
    int64_t now = insp_mono_us();
    for (int i = 0; i < 3; i++)
        connected(&server[i], &client[i]);
    api_linger_take(&lingers, server[0], 100, now + 60000000);
    api_linger_take(&lingers, server[1], 1 << 20, now + 1000);
    api_linger_take(&lingers, server[2], 1 << 20, now + 60000000);
    static const char more[101];
    ck_assert_int_eq(send(client[0], more, sizeof more, 0), sizeof more);
    while (closed_count < 1)
        uv_run(&loop, UV_RUN_ONCE); /* 101 bytes are more than 100 */
    ck_assert_uint_eq(lingers.count, 2);
    api_lingers_sweep(&lingers, now + 1001);
    ck_assert_uint_eq(lingers.count, 1);
    api_lingers_sweep(&lingers, insp_mono_us() + API_LINGER_QUIET_US);
    run_until_closed(3);
    for (int i = 0; i < 3; i++)
        close(client[i]);
}
END_TEST

START_TEST(test_the_oldest_goes_for_one_too_many) {
    enum { MANY = API_LINGER_MAX + 5 };
    int server, client[MANY];
    char nothing;
    set_up();
    for (int i = 0; i < MANY; i++) {
        connected(&server, &client[i]);
        api_linger_take(&lingers, server, 1 << 20, insp_mono_us() + 60000000);
    }
    ck_assert_uint_eq(lingers.count, API_LINGER_MAX);
    while (closed_count < 5)
        uv_run(&loop, UV_RUN_ONCE);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(recv(client[i], &nothing, 1, 0), 0);
    ck_assert_int_eq(recv(client[5], &nothing, 1, MSG_DONTWAIT), -1);
    api_lingers_close(&lingers);
    run_until_closed(MANY);
    for (int i = 0; i < MANY; i++)
        close(client[i]);
}
END_TEST

INSP_TESTS(test_what_is_sent_on_is_thrown_away, test_bounds_of_bytes_and_time,
           test_the_oldest_goes_for_one_too_many);
