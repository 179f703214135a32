#include "core/jobs/process/job_child.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/lanes/busy.h"
#include "core/base/lanes/thread.h"
#include "core/base/log.h"
#include "core/base/utf8.h"
#include "core/compute/pace.h"
#include "core/jobs/process/job_run.h"
#include "core/jobs/process/job_wire.h"
#include "core/train/features/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum {
    JOB_NICE = 19,
    IOPRIO_WHO_PROCESS = 1,
    IOPRIO_IDLE = 3 << 13,
    STEP_INTERVAL_US = 50000,
    /* A job waits for inspections at most ten times as long as it has computed, so that a line that is never idle
     * slows a training down but cannot stop it. A single wait is short enough for a cancel to take effect soon. */
    YIELD_TIMES = 10,
    YIELD_MAX_US = 2000000,
};

struct child {
    struct insp_busy *busy; /* NULL: the job never waits */
    struct insp_job_inbox inbox;
    struct insp_job_request request;
    int64_t stepped_us, resumed_us, yielded_us; /* used by the job's thread only */
    pthread_t listener;
    atomic_bool cancelled, finished;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    json_t *answer; /* the daemon's answer to an activation; owned, guarded by lock */
};

/* --- priority --- */

static void lower_priority(void) {
    const struct sched_param none = {0};
    if (sched_setscheduler(0, SCHED_BATCH, &none) < 0 || setpriority(PRIO_PROCESS, 0, JOB_NICE) < 0)
        insp_log_warning("the job keeps normal priority: inspections may be slower while it runs");
    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE); /* fails if the I/O scheduler has no priorities */
    _cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || insp_write_all(fd, "1000", 4) < 0)
        insp_log_warning("the job's process is not preferred by the OOM killer detail=%s",
                         INSP_LOG_QUOTED(strerror(errno)));
}

/* --- messages --- */

static void say(json_t *message) {
    size_t bytes;
    _cleanup_free_ char *line = insp_job_line(message, &bytes);
    for (size_t at = 0; line && at < bytes;) {
        ssize_t sent = send(INSP_JOB_SOCKET_FD, line + at, bytes - at, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return; /* the daemon is gone; the listener ends the process */
        at += sent > 0 ? (size_t)sent : 0;
    }
}

static void hear(struct child *child, json_t *message) {
    if (json_is_true(json_object_get(message, "cancel")))
        atomic_store(&child->cancelled, true);
    json_t *answer = json_object_get(message, "activated");
    if (answer) {
        pthread_mutex_lock(&child->lock);
        json_decref(child->answer);
        child->answer = json_incref(answer);
        pthread_cond_signal(&child->answered);
        pthread_mutex_unlock(&child->lock);
    }
    json_decref(message);
}

/* Reads messages until the stream ends, which ends this process whatever the job's thread is doing. */
static void *listen_to_daemon(void *arg) {
    struct child *child = arg;
    json_t *message;
    for (;;) {
        while (insp_job_inbox_next(&child->inbox, &message, NULL) == 0 && message)
            hear(child, message);
        if (insp_job_inbox_read(&child->inbox, INSP_JOB_SOCKET_FD, NULL) <= 0) {
            if (atomic_load(&child->finished))
                return NULL;
            _exit(EXIT_FAILURE);
        }
    }
}

/* --- callbacks of the job --- */

static void on_event(void *arg, const struct insp_progress_event *event) {
    struct child *child = arg;
    struct insp_progress_event clean = *event;
    char text[1024];
    int64_t now_us = insp_mono_us();
    if (event->kind == INSP_PROGRESS_STEP && now_us - child->stepped_us < STEP_INTERVAL_US)
        return;
    if (event->kind == INSP_PROGRESS_STEP)
        child->stepped_us = now_us;
    snprintf(text, sizeof text, "%s", event->text ? event->text : "");
    insp_utf8_clean(text);
    clean.text = text;
    say(insp_job_event_json(&clean));
}

static bool on_cancelled(void *arg) {
    const struct child *child = arg;
    return atomic_load(&child->cancelled);
}

static void on_yield(void *arg) {
    struct child *child = arg;
    /* Called before each layer of a mini-batch. A cancelled job must not wait before each of them. */
    if (!child->busy || on_cancelled(child))
        return;
    int64_t now_us = insp_mono_us(), limit_us = (now_us - child->resumed_us) * YIELD_TIMES;
    insp_busy_wait(child->busy, limit_us < YIELD_MAX_US ? limit_us : YIELD_MAX_US);
    child->resumed_us = insp_mono_us();
    child->yielded_us += child->resumed_us - now_us;
}

static int on_activate(void *arg, const char *product, const char *version, struct insp_error *reterr) {
    struct child *child = arg;
    (void)product; /* the daemon has it in the job's row */
    say(json_pack("{s:s}", "activate", version));
    pthread_mutex_lock(&child->lock);
    while (!child->answer)
        pthread_cond_wait(&child->answered, &child->lock);
    json_t *answer = insp_take_ptr(child->answer);
    pthread_mutex_unlock(&child->lock);
    int r = json_is_null(answer) ? 0 : insp_job_error_parse(answer, reterr);
    json_decref(answer);
    return r;
}

/* --- the whole --- */

static int read_request(struct child *child, struct insp_error *reterr) {
    json_t *message = NULL;
    int r = 0;
    while (r == 0 && !message) {
        r = insp_job_inbox_next(&child->inbox, &message, reterr);
        if (r == 0 && !message) {
            r = insp_job_inbox_read(&child->inbox, INSP_JOB_SOCKET_FD, reterr);
            r = r == 0 ? insp_fail(reterr, INSP_E_INTERNAL, "the daemon sent no job") : r < 0 ? r : 0;
        }
    }
    if (r == 0)
        r = insp_job_request_parse(json_object_get(message, "request"), &child->request, reterr);
    json_decref(message);
    return r;
}

static void do_job(struct child *child) {
    const struct insp_progress progress = {
        .event = on_event, .cancelled = on_cancelled, .yield = on_yield, .arg = child};
    const struct insp_job_request *request = &child->request;
    struct insp_error err = {0};
    json_t *report = NULL;
    child->resumed_us = insp_mono_us();
    insp_pace_set(on_yield, child);
    int r = insp_memory_limit(request->machine.memory_bytes_max, &err);
    if (r == 0)
        r = insp_job_run(&request->machine, &request->row, &request->feedback, &progress, on_activate, child,
                         &report, &err);
    insp_pace_set(NULL, NULL);
    if (r == 0 && json_object_set_new(report, "yielded_s", json_real((double)child->yielded_us / 1e6)) == 0) {
        say(json_pack("{s:o}", "result", report));
        return;
    }
    json_decref(report);
    if (r == 0)
        r = insp_fail(&err, INSP_E_NOMEM, "no memory for the report");
    say(json_pack("{s:o}", "failed", insp_job_error_json(r, &err)));
}

int insp_job_child(void) {
    static struct child child = {.lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    struct insp_error err = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < INSP_COUNT(ignored); i++)
        signal(ignored[i], SIG_IGN);
    lower_priority();
    if (fcntl(INSP_JOB_BUSY_FD, F_GETFD) >= 0 && insp_busy_open(INSP_JOB_BUSY_FD, &child.busy, &err) < 0)
        insp_log_warning("the job does not wait for inspections detail=%s", INSP_LOG_QUOTED(err.detail));
    int r = read_request(&child, &err);
    if (r < 0) {
        insp_log_error("job not started detail=%s", INSP_LOG_QUOTED(err.detail));
        return EXIT_FAILURE;
    }
    r = insp_thread_start(&child.listener, "insp-messages", listen_to_daemon, &child, &err);
    if (r < 0) {
        insp_log_error("job not started detail=%s", INSP_LOG_QUOTED(err.detail));
        return EXIT_FAILURE;
    }
    do_job(&child);
    atomic_store(&child.finished, true);
    shutdown(INSP_JOB_SOCKET_FD, SHUT_RD);
    pthread_join(child.listener, NULL);
    insp_job_inbox_clear(&child.inbox);
    insp_job_request_clear(&child.request);
    json_decref(child.answer);
    insp_busy_free(child.busy);
    return EXIT_SUCCESS;
}
