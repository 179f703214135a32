#include "api/listen/listen.h"
#include "api/listen/listener.h"
#include "api/server/server.h"
#include "tests/unit/harness.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

static struct insp_error err;

/* A listener that nobody polls, like that of libmicrohttpd after its limit. */
struct deaf {
    struct api_server server;
    struct api_listener listener;
    uv_loop_t loop;
    struct sockaddr_in address;
};

static void ignore(uv_poll_t *poll, int status, int events) {
    (void)poll, (void)status, (void)events;
}

static void set_up(struct deaf *deaf) {
    socklen_t length = sizeof deaf->address;
    memset(deaf, 0, sizeof *deaf);
    deaf->server.listener = &deaf->listener;
    ck_insp_ok(api_listen_open("127.0.0.1:0", &deaf->server.listen_fd, &err), err);
    ck_assert_int_eq(getsockname(deaf->server.listen_fd, (struct sockaddr *)&deaf->address, &length), 0);
    uv_loop_init(&deaf->loop);
    uv_poll_init(&deaf->loop, &deaf->listener.poll, deaf->server.listen_fd);
    uv_timer_init(&deaf->loop, &deaf->listener.retry);
    uv_poll_start(&deaf->listener.poll, UV_READABLE, ignore);
    deaf->listener.accepting = true;
}

static int client_of(const struct deaf *deaf) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&deaf->address, sizeof deaf->address), 0);
    return fd;
}

START_TEST(test_clients_that_wait_and_are_not_accepted) {
    static struct deaf deaf;
    set_up(&deaf);
    const struct api_server *server = &deaf.server;
    api_listener_watch(&deaf.server, 1);
    ck_assert(api_listener_answers(server, API_DEAF_US * 2)); /* no client waits */
    int client = client_of(&deaf);
    api_listener_watch(&deaf.server, 1000);
    api_listener_watch(&deaf.server, API_DEAF_US);
    ck_assert(api_listener_answers(server, API_DEAF_US));
    ck_assert(!api_listener_answers(server, API_DEAF_US + 1000));
    deaf.listener.accepted++; /* one was accepted since, though others wait: slow, not deaf */
    api_listener_watch(&deaf.server, API_DEAF_US + 2000);
    ck_assert(api_listener_answers(server, API_DEAF_US + 2000));
    int accepted = accept(server->listen_fd, NULL, NULL);
    api_listener_watch(&deaf.server, API_DEAF_US + 3000);
    api_listener_watch(&deaf.server, 3 * API_DEAF_US);
    ck_assert(api_listener_answers(server, 5 * (int64_t)API_DEAF_US));
    close(accepted);
    close(client);
    close(server->listen_fd);
}
END_TEST

START_TEST(test_a_socket_that_is_not_watched) {
    static struct deaf deaf;
    set_up(&deaf);
    ck_assert(api_listener_answers(&deaf.server, 1));
    uv_poll_stop(&deaf.listener.poll);
    ck_assert(!api_listener_answers(&deaf.server, 1));
    deaf.listener.accepting = false; /* the server stops: it is meant to be so */
    ck_assert(api_listener_answers(&deaf.server, 1));
    close(deaf.server.listen_fd);
}
END_TEST

INSP_TESTS(test_clients_that_wait_and_are_not_accepted, test_a_socket_that_is_not_watched);
