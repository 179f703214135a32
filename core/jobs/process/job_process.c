#include "core/jobs/process/job_process.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/jobs/process/job_child.h"
#include "core/jobs/process/job_wire.h"
#include "core/model/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 100, REAP_MS = 10, FIRST_FREE_FD = 16 };

struct process {
    const struct insp_job_process *config;
    const struct insp_job_row *row;
    pid_t pid;
    int fd;
    struct insp_job_inbox inbox;
    int64_t kill_us; /* monotonic: end of the grace period; 0: none has begun */
    bool cancelled, killed;
    int lost_errno; /* of wait4: the exit status is unknown; 0: it is known */
    bool reported;
    json_t *report; /* owned; NULL if the job failed */
    int code;
    struct insp_error error; /* of a failed job */
    char activated[INSP_NAME_BYTES];
};

/* --- starting --- */

/* Duplicates a descriptor to a number above those that the child uses. */
static int copy_fd(int fd) {
    return fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
}

static int fill_actions(posix_spawn_file_actions_t *actions, int socket_fd, int busy_fd) {
    int r = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(actions, socket_fd, INSP_JOB_SOCKET_FD);
    if (r == 0 && busy_fd >= 0)
        r = posix_spawn_file_actions_adddup2(actions, busy_fd, INSP_JOB_BUSY_FD);
    /* No other descriptor (listener, database, lock) reaches the job, even if O_CLOEXEC was forgotten. */
    if (r == 0)
        r = posix_spawn_file_actions_addclosefrom_np(actions,
                                                     busy_fd >= 0 ? INSP_JOB_BUSY_FD + 1 : INSP_JOB_SOCKET_FD + 1);
    return r;
}

static int fill_attributes(posix_spawnattr_t *attributes) {
    sigset_t none, usual;
    sigemptyset(&none);
    sigfillset(&usual);
    sigdelset(&usual, SIGPIPE); /* stays ignored */
    int r = posix_spawnattr_setsigmask(attributes, &none);
    if (r == 0)
        r = posix_spawnattr_setsigdefault(attributes, &usual);
    if (r == 0) /* a new process group, so that Ctrl-C in a terminal reaches only the daemon */
        r = posix_spawnattr_setflags(attributes,
                                     POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    return r;
}

/* Starts the program with posix_spawn, which copies no page tables however large the daemon is. Returns 0 or an
 * errno value. */
static int spawn(const char *program, int socket_fd, int busy_fd, pid_t *ret_pid) {
    static char name[] = "inspectd", command[] = "job";
    char *const argv[] = {name, command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int r = posix_spawn_file_actions_init(&actions);
    if (r != 0)
        return r;
    r = posix_spawnattr_init(&attributes);
    if (r == 0) {
        r = fill_actions(&actions, socket_fd, busy_fd);
        if (r == 0)
            r = fill_attributes(&attributes);
        if (r == 0)
            r = posix_spawn(ret_pid, program, &actions, &attributes, argv, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

static int start(struct process *p, struct insp_error *reterr) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return insp_fail_errno(reterr, errno, "cannot create a socket for the job's process");
    _cleanup_close_ int ours = pair[0], theirs = pair[1];
    int busy_fd = p->config->busy ? insp_busy_fd(p->config->busy) : -1;
    _cleanup_close_ int socket_copy = copy_fd(theirs), busy_copy = busy_fd >= 0 ? copy_fd(busy_fd) : -1;
    if (socket_copy < 0 || (busy_fd >= 0 && busy_copy < 0))
        return insp_fail_errno(reterr, errno, "cannot create a socket for the job's process");
    int r = spawn(p->config->program ? p->config->program : "/proc/self/exe", socket_copy, busy_copy, &p->pid);
    if (r != 0)
        return insp_fail_errno(reterr, r, "cannot start the job's process");
    p->fd = insp_take_fd(ours);
    return 0;
}

/* --- the conversation --- */

static void kill_process(struct process *p) {
    if (!p->killed)
        kill(p->pid, SIGKILL);
    p->killed = true;
}

/* Sends a message; drops the reference. Returns false if the process is gone. A process that does not read is
 * killed at the end of the grace period, like one that does not end. */
static bool say(struct process *p, json_t *message);

static void look_after(struct process *p) {
    if (!p->cancelled && insp_progress_cancelled(&p->config->progress)) {
        p->cancelled = true;
        p->kill_us = insp_mono_us() + INSP_JOB_GRACE_MS * 1000;
        say(p, json_pack("{s:b}", "cancel", 1));
    }
    if (p->kill_us && insp_mono_us() >= p->kill_us)
        kill_process(p);
}

static bool say(struct process *p, json_t *message) {
    size_t bytes, at = 0;
    _cleanup_free_ char *line = insp_job_line(message, &bytes);
    while (line && at < bytes && !p->killed) {
        ssize_t sent = send(p->fd, line + at, bytes - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            at += (size_t)sent;
        } else if (errno == EAGAIN) {
            struct pollfd room = {.fd = p->fd, .events = POLLOUT};
            poll(&room, 1, LOOK_MS);
            look_after(p);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return line && at == bytes;
}

static void activate(struct process *p, const char *version) {
    struct insp_error error = {0};
    int r = insp_name_valid(version)
                ? p->config->activate(p->config->activate_arg, p->row->product, version, &error)
                : insp_fail(&error, INSP_E_INTERNAL, "\"%.80s\" is not a valid name of a version", version);
    if (r == 0)
        snprintf(p->activated, sizeof p->activated, "%s", version);
    say(p, json_pack("{s:o}", "activated", r == 0 ? json_null() : insp_job_error_json(r, &error)));
}

static int hear(struct process *p, const json_t *message, struct insp_error *reterr) {
    struct insp_progress_event event;
    const char *version = json_string_value(json_object_get(message, "activate"));
    json_t *report = json_object_get(message, "result");
    const json_t *failure = json_object_get(message, "failed");
    if (insp_job_event_parse(json_object_get(message, "event"), &event)) {
        p->config->progress.event(p->config->progress.arg, &event);
    } else if (version && p->config->activate) {
        activate(p, version);
    } else if (!p->reported && json_is_object(report)) {
        p->reported = true;
        p->report = json_incref(report);
    } else if (!p->reported && failure) {
        p->reported = true;
        p->code = insp_job_error_parse(failure, &p->error);
    } else {
        return insp_fail(reterr, INSP_E_INTERNAL, "the job's process sent an unknown message");
    }
    return 0;
}

static int converse(struct process *p, struct insp_error *reterr) {
    int r = 1;
    while (r > 0) {
        look_after(p);
        struct pollfd came = {.fd = p->fd, .events = POLLIN};
        if (poll(&came, 1, LOOK_MS) <= 0)
            continue;
        r = insp_job_inbox_read(&p->inbox, p->fd, reterr);
        json_t *message = NULL;
        while (r > 0) {
            int taken = insp_job_inbox_next(&p->inbox, &message, reterr);
            if (taken == 0 && !message)
                break;
            if (taken == 0)
                taken = hear(p, message, reterr);
            json_decref(message);
            r = taken < 0 ? taken : r;
        }
    }
    return r;
}

/* --- the end --- */

static bool ended_well(const struct process *p, int status) {
    return !p->lost_errno && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Waits for a process that has closed its end of the stream, and kills it after the grace period. If something
 * else has reaped it (ECHILD: SIGCHLD is ignored), its status is unknown; that is no clean exit. */
static int reap(struct process *p, struct rusage *ret_usage) {
    int status = 0;
    pid_t ended;
    int64_t until_us = insp_mono_us() + INSP_JOB_GRACE_MS * 1000;
    while ((ended = wait4(p->pid, &status, WNOHANG, ret_usage)) == 0 || (ended < 0 && errno == EINTR)) {
        if (insp_mono_us() >= until_us)
            kill_process(p);
        poll(NULL, 0, REAP_MS);
    }
    if (ended < 0)
        p->lost_errno = errno;
    return status;
}

/* Removes the incomplete bundle of a process that was killed while it wrote it. */
static void clean_up(const struct process *p, const char *state_dir) {
    struct insp_error error;
    if (insp_bundle_sweep_of(state_dir, p->row->product, p->pid, &error) < 0)
        insp_log_warning("incomplete bundle of a job not removed before the next start id=%s detail=%s",
                         p->row->id, INSP_LOG_QUOTED(error.detail));
}

static int crashed(const struct process *p, int status, struct insp_error *reterr) {
    char kept[INSP_NAME_BYTES + 48] = "it activated no version";
    if (*p->activated)
        snprintf(kept, sizeof kept, "it had activated version %s", p->activated);
    if (p->lost_errno)
        return insp_fail(reterr, INSP_E_JOB_CRASHED,
                         "the job's process ended without a report, and how it ended is unknown (wait4: %s); %s, "
                         "inspections were not affected",
                         strerror(p->lost_errno), kept);
    if (!WIFSIGNALED(status))
        return insp_fail(reterr, INSP_E_JOB_CRASHED,
                         "the job's process ended with code %d and no report; %s, inspections were not affected",
                         WEXITSTATUS(status), kept);
    int number = WTERMSIG(status);
    return insp_fail(reterr, INSP_E_JOB_CRASHED,
                     "the job's process was ended by signal %d (%s)%s; %s, inspections were not affected", number,
                     strsignal(number),
                     number == SIGKILL ? ": when memory runs out, the system kills jobs first" : "", kept);
}

static int outcome(struct process *p, int spoken, int status, struct insp_error *spoken_error, json_t **ret_report,
                   struct insp_error *reterr) {
    if (p->reported && p->lost_errno)
        insp_log_warning("the job's process reported its result, and how it ended is unknown id=%s error=%s",
                         p->row->id, INSP_LOG_QUOTED(strerror(p->lost_errno)));
    else if (p->reported && !ended_well(p, status))
        insp_log_warning("the job's process reported its result but did not exit cleanly id=%s %s=%d", p->row->id,
                         WIFSIGNALED(status) ? "signal" : "code",
                         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (p->report) {
        *ret_report = insp_take_ptr(p->report);
        return 0;
    }
    if (p->reported) {
        if (reterr)
            *reterr = p->error;
        return p->code;
    }
    if (spoken < 0)
        return insp_fail(reterr, INSP_E_JOB_CRASHED, "%s; the process was killed, inspections were not affected",
                         spoken_error->detail);
    if (p->cancelled)
        return insp_fail(reterr, INSP_E_CANCELLED,
                         "cancelled; the job's process did not end by itself and was killed");
    return crashed(p, status, reterr);
}

int insp_job_process_run(const struct insp_job_process *config, const struct insp_job_machine *machine,
                         const struct insp_job_row *row, const struct insp_feedback *feedback, json_t **ret_report,
                         char *ret_activated, struct insp_error *reterr) {
    struct process process = {.config = config, .row = row, .fd = -1}, *p = &process;
    struct insp_error error = {0};
    struct rusage usage = {0};
    *ret_activated = '\0';
    json_t *request = insp_job_request_json(row, machine, feedback);
    if (!request)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the request of a job");
    int r = start(p, reterr);
    if (r < 0) {
        json_decref(request);
        return r;
    }
    say(p, request); /* if the process is gone, converse sees the end of the stream */
    r = converse(p, &error);
    if (r < 0)
        kill_process(p);
    shutdown(p->fd, SHUT_RDWR);
    int status = reap(p, &usage);
    close(p->fd);
    if (!ended_well(p, status))
        clean_up(p, machine->state_dir);
    insp_log_info("job's process ended id=%s pid=%d peak_mb=%ld cpu_s=%.1f", row->id, (int)p->pid,
                  usage.ru_maxrss / 1024,
                  (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                      (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    r = outcome(p, r, status, &error, ret_report, reterr);
    memcpy(ret_activated, p->activated, INSP_NAME_BYTES);
    insp_job_inbox_clear(&p->inbox);
    json_decref(p->report);
    return r;
}
