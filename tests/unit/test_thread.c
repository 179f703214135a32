#include "core/base/lanes/thread.h"
#include "tests/unit/harness.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

struct seen {
    char name[16];
    int nice, policy;
    sigset_t blocked;
    struct seen *child;
};

static void look(struct seen *seen) {
    pthread_getname_np(pthread_self(), seen->name, sizeof seen->name);
    seen->nice = getpriority(PRIO_PROCESS, 0); /* 0: the calling thread, on Linux */
    seen->policy = sched_getscheduler(0);
    pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
}

static void *plain(void *arg) {
    look(arg);
    return NULL;
}

static void *lowered(void *arg) {
    struct seen *seen = arg;
    pthread_t child;
    insp_thread_lower_priority(15);
    look(seen);
    ck_assert_int_eq(insp_thread_start(&child, "child", plain, seen->child, NULL), 0);
    pthread_join(child, NULL);
    return NULL;
}

START_TEST(test_has_its_name_and_no_signals) {
    struct seen seen;
    struct insp_error err;
    sigset_t before, after;
    pthread_t thread;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ck_insp_ok(insp_thread_start(&thread, "fifteen-letters", plain, &seen, &err), err);
    pthread_join(thread, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    ck_assert_int_eq(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
    ck_assert_int_eq(sigismember(&seen.blocked, SIGTERM), 1);
    ck_assert_int_eq(sigismember(&seen.blocked, SIGHUP), 1);
    ck_assert_int_eq(seen.nice, getpriority(PRIO_PROCESS, 0));
}
END_TEST

START_TEST(test_priority_is_lowered_for_that_thread_and_what_it_starts) {
    struct seen child, seen = {.child = &child};
    struct insp_error err;
    pthread_t thread;
    int before = getpriority(PRIO_PROCESS, 0);
    ck_insp_ok(insp_thread_start(&thread, "low", lowered, &seen, &err), err);
    pthread_join(thread, NULL);
    ck_assert_str_eq(seen.name, "low");
    int lower = before + 15 < 19 ? before + 15 : 19;
    ck_assert(seen.nice == lower && seen.policy == SCHED_BATCH);
    ck_assert(child.nice == lower && child.policy == SCHED_BATCH);
    ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), before);
}
END_TEST

START_TEST(test_priority_is_lowered_below_that_of_a_process_with_low_priority) {
    struct seen child, seen = {.child = &child};
    struct insp_error err;
    pthread_t thread;
    ck_assert_int_eq(setpriority(PRIO_PROCESS, 0, 16),
                     0); /* as by systemd's Nice=16; Check forks a process for each test */
    ck_insp_ok(insp_thread_start(&thread, "low", lowered, &seen, &err), err);
    pthread_join(thread, NULL);
    ck_assert_int_eq(seen.nice, 19);
}
END_TEST

INSP_TESTS(test_has_its_name_and_no_signals, test_priority_is_lowered_for_that_thread_and_what_it_starts,
           test_priority_is_lowered_below_that_of_a_process_with_low_priority);
