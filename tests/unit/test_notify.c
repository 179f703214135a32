#include "daemon/notify.h"
#include "harness.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int supervisor; /* systemd's side */

static void pretend_systemd(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/inspectd-notify-%d", (int)getpid());
    supervisor = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    unlink(address.sun_path);
    ck_assert_int_eq(bind(supervisor, (struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

static void ck_told(const char *expected) {
    char got[512] = "";
    ck_assert_int_gt(recv(supervisor, got, sizeof got - 1, 0), 0);
    ck_assert_msg(strstr(got, expected) != NULL, "\"%s\" is not in \"%s\"", expected, got);
}

START_TEST(test_messages) {
    pretend_systemd();
    daemon_notify_ready("Inspecting on x");
    ck_told("READY=1\nSTATUS=Inspecting on x");
    daemon_notify_reloading();
    ck_told("RELOADING=1\nMONOTONIC_USEC=");
    daemon_notify_status("s");
    ck_told("STATUS=s");
    daemon_notify_watchdog();
    ck_told("WATCHDOG=1");
    daemon_notify_stopping("bye");
    ck_told("STOPPING=1\nSTATUS=bye");
    unlink(getenv("NOTIFY_SOCKET"));
}
END_TEST

START_TEST(test_watchdog) {
    char pid[16];
    unsetenv("WATCHDOG_USEC");
    ck_assert_uint_eq(daemon_notify_watchdog_ms(), 0);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    setenv("WATCHDOG_USEC", "10000000", 1);
    ck_assert_uint_eq(daemon_notify_watchdog_ms(), 5000);
    setenv("WATCHDOG_PID", "1", 1); /* meant for another process */
    ck_assert_uint_eq(daemon_notify_watchdog_ms(), 0);
}
END_TEST

/* Puts a socket at descriptor 3, as systemd does. */
static int hand_over(const char *count, int type, int listening) {
    char pid[16];
    int fd = socket(AF_INET, type, 0);
    struct sockaddr_storage any = {.ss_family = AF_INET};
    if (fd < 0 || bind(fd, (struct sockaddr *)&any, 16) < 0 || (listening && listen(fd, 1) < 0))
        return -1;
    if (dup2(fd, 3) != 3 || dup2(fd, 4) != 4)
        return -1;
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", count, 1);
    return 0;
}

/* Runs a body that needs descriptor 3, which Check uses for its pipe, in a child. Returns the child's exit status:
 * 0, or the number of the expectation that failed. */
static int in_child(int (*body)(void)) {
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(body());
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int takes_a_listening_socket(void) {
    struct insp_error err;
    int fd = 99;
    if (hand_over("1", SOCK_STREAM, 1) < 0)
        return 1;
    if (daemon_notify_socket(&fd, &err) < 0 || fd != 3)
        return 2;
    if (getenv("LISTEN_FDS"))
        return 3;
    return daemon_notify_socket(&fd, &err) == 0 && fd == -1 ? 0 : 4;
}

START_TEST(test_a_listening_socket_is_taken) {
    ck_assert_int_eq(in_child(takes_a_listening_socket), 0);
}
END_TEST

static int refuses(const char *count, int type, int listening) {
    struct insp_error err;
    int fd = 99;
    return hand_over(count, type, listening) == 0 && daemon_notify_socket(&fd, &err) == INSP_E_CONFIG && fd == 99;
}

static int refuses_other_sockets(void) {
    if (!refuses("1", SOCK_DGRAM, 0))
        return 1;
    if (!refuses("1", SOCK_STREAM, 0))
        return 2;
    return refuses("2", SOCK_STREAM, 1) ? 0 : 3;
}

START_TEST(test_other_sockets_are_refused) {
    ck_assert_int_eq(in_child(refuses_other_sockets), 0);
}
END_TEST

INSP_TESTS(test_messages, test_watchdog, test_a_listening_socket_is_taken, test_other_sockets_are_refused);
