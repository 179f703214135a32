#include "core/base/lanes/thread.h"

#include "core/base/log.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NICE_MAX = 19 };

struct beginning {
    void *(*run)(void *arg);
    void *arg;
    char name[16];
};

/* The thread names itself, so that it has its name from its first step on. */
static void *begin(void *arg) {
    struct beginning beginning = *(struct beginning *)arg;
    free(arg);
    pthread_setname_np(pthread_self(), beginning.name);
    return beginning.run(beginning.arg);
}

int insp_thread_start(pthread_t *ret, const char *name, void *(*run)(void *arg), void *arg,
                      struct insp_error *reterr) {
    struct beginning *beginning = malloc(sizeof *beginning);
    if (!beginning)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to start the thread %s", name);
    *beginning = (struct beginning){.run = run, .arg = arg};
    snprintf(beginning->name, sizeof beginning->name, "%s", name);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* a new thread inherits the mask */
    int errnum = pthread_create(ret, NULL, begin, beginning);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (errnum) {
        free(beginning);
        return insp_fail(reterr, INSP_E_NOMEM, "cannot start the thread %s: the system refuses another one", name);
    }
    return 0;
}

/* On Linux a nice value and a policy belong to a thread, not to the process. Relative to the present value: a
 * daemon that systemd starts with Nice=15 cannot set 10, and with Nice=10 that would be no lower. */
void insp_thread_lower_priority(int steps) {
    pid_t thread = (pid_t)syscall(SYS_gettid);
    const struct sched_param none = {0};
    int nice = getpriority(PRIO_PROCESS, (id_t)thread) + steps;
    if (nice > NICE_MAX)
        nice = NICE_MAX;
    if (sched_setscheduler(thread, SCHED_BATCH, &none) < 0 || setpriority(PRIO_PROCESS, (id_t)thread, nice) < 0)
        insp_log_warning("a background thread keeps normal priority; it may slow inspections down");
}
