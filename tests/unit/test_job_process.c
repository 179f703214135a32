/* The supervision of a job's process. Started as `PROGRAM job`, this very program is the child: FAKE_CHILD says
 * how it behaves, and without it, it does the job. */
#include "core/jobs/process/job_process.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/jobs/process/job_child.h"
#include "harness.h"

#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

/* --- the child --- */

static void send_line(const char *line) {
    size_t bytes = strlen(line);
    if (send(INSP_JOB_SOCKET_FD, line, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        _exit(9);
}

static void wait_for_line(const char *part) {
    static char got[1 << 20];
    size_t bytes = 0;
    while (!strstr(got, part)) {
        ssize_t n = recv(INSP_JOB_SOCKET_FD, got + bytes, sizeof got - 1 - bytes, 0);
        if (n <= 0)
            _exit(8);
        bytes += (size_t)n;
        got[bytes] = '\0';
    }
}

static void behave(const char *how) {
    wait_for_line("\n"); /* the request */
    if (!strcmp(how, "segv")) {
        signal(SIGSEGV, SIG_DFL); /* a sanitizer would turn it into an exit code */
        raise(SIGSEGV);
    } else if (!strcmp(how, "killed")) {
        raise(SIGKILL);
    } else if (!strcmp(how, "silent")) {
        _exit(7);
    } else if (!strcmp(how, "nonsense")) {
        send_line("what?\n");
        pause();
    } else if (!strcmp(how, "stubborn")) {
        send_line("{\"event\":{\"kind\":0,\"text\":\"deaf\"}}\n");
        for (;;)
            pause();
    } else if (!strcmp(how, "activates and dies")) {
        send_line("{\"activate\":\"v7\"}\n");
        wait_for_line("activated");
        raise(SIGKILL);
    } else if (!strcmp(how, "reports")) {
        send_line("{\"event\":{\"kind\":0,\"text\":\"reading\",\"overall\":0.25}}\n");
        send_line("{\"result\":{\"answer\":42}}\n");
    } else if (!strcmp(how, "descriptors")) {
        DIR *dir = opendir("/proc/self/fd");
        int count = 0;
        while (dir && readdir(dir))
            count++;
        char line[64]; /* ., .., the folder's own, 0 to 3 */
        snprintf(line, sizeof line, "{\"result\":{\"answer\":%d}}\n", count);
        send_line(line);
    }
    _exit(0);
}

__attribute__((constructor)) static void be_the_child(int argc, char **argv) {
    if (argc != 2 || strcmp(argv[1], "job") != 0)
        return;
    const char *how = getenv("FAKE_CHILD");
    if (how)
        behave(how);
    exit(insp_job_child());
}

/* --- the supervisor --- */

static struct insp_error err;
static int activations;
static atomic_bool cancelled, seen;
static char stage[64];

static void on_event(void *arg, const struct insp_progress_event *event) {
    (void)arg;
    snprintf(stage, sizeof stage, "%s", event->text);
    atomic_store(&seen, true);
}

static bool on_cancelled(void *arg) {
    (void)arg;
    return atomic_load(&cancelled) && atomic_load(&seen);
}

static int on_activate(void *arg, const char *product, const char *version, struct insp_error *reterr) {
    (void)arg;
    (void)reterr;
    ck_assert_str_eq(product, "carpet");
    ck_assert_str_eq(version, "v7");
    activations++;
    return 0;
}

static int run(const char *how, json_t **ret_report, char *ret_activated) {
    const struct insp_job_process process = {.progress = {.event = on_event, .cancelled = on_cancelled},
                                             .activate = on_activate};
    const struct insp_job_machine machine = {
        .state_dir = "/nowhere", .dataset_roots = "/tmp", .device = {.name = "cpu"}};
    const struct insp_feedback none = {0};
    struct insp_job_row row = {
        .kind = INSP_JOB_TRAIN,
        .product = "carpet",
        .params = {.dataset = "nothing-that-is-there", .train = insp_train_params_default()}};
    strcpy(row.id, "0190b6f2-0000-7000-8000-000000000000");
    if (how)
        setenv("FAKE_CHILD", how, 1);
    return insp_job_process_run(&process, &machine, &row, &none, ret_report, ret_activated, &err);
}

static void check_crash(const char *how, const char *told) {
    json_t *report = NULL;
    char activated[INSP_NAME_BYTES];
    ck_insp_code(run(how, &report, activated), INSP_E_JOB_CRASHED, err);
    ck_assert_msg(strstr(err.detail, told) != NULL, "%s", err.detail);
    ck_assert_ptr_null(report);
    ck_assert_str_eq(activated, "");
}

/* The kernel reaps the child itself, so wait4 fails with ECHILD: that is no clean exit. */
START_TEST(an_unknown_end_is_no_clean_one) {
    json_t *report = NULL;
    char activated[INSP_NAME_BYTES];
    signal(SIGCHLD, SIG_IGN);
    check_crash("silent", "how it ended is unknown (wait4: No child processes)");
    check_crash("killed", "how it ended is unknown");
    ck_insp_ok(run("reports", &report, activated), err); /* a report counts all the same */
    ck_assert_int_eq(json_integer_value(json_object_get(report, "answer")), 42);
    json_decref(report);
}
END_TEST

START_TEST(a_crash_is_told_by_its_signal) {
    check_crash("segv", "ended by signal 11 (Segmentation fault)");
    check_crash("killed", "ended by signal 9 (Killed): when memory runs out, the system kills jobs first");
    check_crash("silent", "ended with code 7 and no report");
    check_crash("nonsense", "not a JSON object");
}
END_TEST

START_TEST(a_report_and_its_events_arrive) {
    json_t *report = NULL;
    char activated[INSP_NAME_BYTES];
    ck_insp_ok(run("reports", &report, activated), err);
    ck_assert_int_eq(json_integer_value(json_object_get(report, "answer")), 42);
    ck_assert_str_eq(stage, "reading");
    json_decref(report);
}
END_TEST

START_TEST(the_child_inherits_no_descriptor) {
    json_t *report = NULL;
    char activated[INSP_NAME_BYTES];
    int more[2];
    ck_assert_int_eq(pipe(more), 0); /* without O_CLOEXEC */
    ck_insp_ok(run("descriptors", &report, activated), err);
    ck_assert_int_eq(json_integer_value(json_object_get(report, "answer")), 7);
    json_decref(report);
}
END_TEST

START_TEST(a_model_that_was_activated_before_a_crash_is_known) {
    json_t *report = NULL;
    char activated[INSP_NAME_BYTES];
    ck_insp_code(run("activates and dies", &report, activated), INSP_E_JOB_CRASHED, err);
    ck_assert_str_eq(activated, "v7");
    ck_assert_int_eq(activations, 1);
    ck_assert_ptr_nonnull(strstr(err.detail, "it had activated version v7"));
}
END_TEST

START_TEST(a_process_that_does_not_hear_a_cancel_is_killed) {
    json_t *report = NULL;
    char activated[INSP_NAME_BYTES];
    atomic_store(&cancelled, true);
    int64_t start_us = insp_mono_us();
    ck_insp_code(run("stubborn", &report, activated), INSP_E_CANCELLED, err);
    ck_assert_int_ge(insp_mono_us() - start_us, INSP_JOB_GRACE_MS * 1000);
    ck_assert_str_eq(stage, "deaf");
}
END_TEST

START_TEST(a_job_that_fails_says_why) {
    json_t *report = NULL;
    char activated[INSP_NAME_BYTES];
    ck_insp_code(run(NULL, &report, activated), INSP_E_DATASET, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "nothing-that-is-there"));
}
END_TEST

START_TEST(a_program_that_is_not_there_is_told) {
    const struct insp_job_process process = {.program = "/nowhere/inspectd"};
    const struct insp_job_machine machine = {.state_dir = "/s", .dataset_roots = "/d", .device = {.name = "cpu"}};
    const struct insp_feedback none = {0};
    const struct insp_job_row row = {.kind = INSP_JOB_TRAIN,
                                     .params = {.dataset = "x", .train = insp_train_params_default()}};
    json_t *report = NULL;
    char activated[INSP_NAME_BYTES];
    ck_insp_code(insp_job_process_run(&process, &machine, &row, &none, &report, activated, &err), INSP_E_IO, err);
}
END_TEST

INSP_TESTS(an_unknown_end_is_no_clean_one, a_crash_is_told_by_its_signal, a_report_and_its_events_arrive,
           the_child_inherits_no_descriptor, a_model_that_was_activated_before_a_crash_is_known,
           a_process_that_does_not_hear_a_cancel_is_killed, a_job_that_fails_says_why,
           a_program_that_is_not_there_is_told);
