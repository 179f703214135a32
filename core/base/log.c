#include "core/base/log.h"

#include "core/base/clock.h"
#include "core/base/utf8.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES = 2048 };

static _Atomic int threshold = INSP_LOG_INFO;
static bool to_journal;
static _Atomic unsigned lost; /* lines dropped since the last one that was written */
static pthread_once_t journal_once = PTHREAD_ONCE_INIT;

void insp_log_set_level(enum insp_log_level level) {
    atomic_store(&threshold, (int)level);
}

enum insp_log_level insp_log_level(void) {
    return (enum insp_log_level)atomic_load(&threshold);
}

static const struct {
    const char *name;
    enum insp_log_level level;
} names[] = {
    {"error", INSP_LOG_ERROR}, {"warning", INSP_LOG_WARNING}, {"info", INSP_LOG_INFO}, {"debug", INSP_LOG_DEBUG}};

bool insp_log_level_parse(const char *text, enum insp_log_level *ret_level) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(text, names[i].name)) {
            *ret_level = names[i].level;
            return true;
        }
    return false;
}

static const char *name_of(enum insp_log_level level) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].level == level)
            return names[i].name;
    return "info";
}

/* systemd sets JOURNAL_STREAM=device:inode; stderr is the journal only if it still is that very stream. */
static void detect_journal(void) {
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;
    to_journal = stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
                 st.st_dev == device && st.st_ino == inode;
}

/* Waits for a slow reader, but a stalled one (a journal, a full pipe) must not stall the event loop. Waiting
 * has a budget: a tenth of the elapsed time, at most WAIT_US. A pipe that poll reports as ready takes a whole
 * line. */
static bool deliver(const char *line, size_t bytes) {
    enum { WAIT_US = 1000000, PART = 10 };
    static pthread_mutex_t one_writer = PTHREAD_MUTEX_INITIALIZER;
    static int64_t budget_us = WAIT_US, last_us;
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    ssize_t written = -1;
    pthread_mutex_lock(&one_writer);
    int64_t begin_us = insp_mono_us();
    budget_us += (begin_us - last_us) / PART;
    budget_us = budget_us < WAIT_US ? budget_us : WAIT_US;
    if (poll(&out, 1, (int)(budget_us / 1000)) == 1) {
        written = send(STDERR_FILENO, line, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (written < 0 && errno == ENOTSOCK)
            written = write(STDERR_FILENO, line, bytes);
    }
    last_us = insp_mono_us();
    budget_us -= last_us - begin_us;
    budget_us = budget_us > 0 ? budget_us : 0;
    pthread_mutex_unlock(&one_writer);
    return written >= 0;
}

static void make_visible(char *text) {
    while (*text) {
        uint32_t character;
        size_t bytes = insp_utf8_step(text, &character);
        if (!bytes || !insp_utf8_visible(character))
            memset(text, '?', bytes += !bytes);
        text += bytes;
    }
}

const char *insp_log_word(char *ret, const char *text) {
    static const char cut[] = "...";
    size_t used = 0;
    for (const char *at = text; *at; at++) {
        bool plain = *at > 0x20 && *at < 0x7f && *at != '"' && *at != '%';
        if (used + 3 + sizeof cut > INSP_LOG_TEXT_BYTES) {
            memcpy(ret + used, cut, sizeof cut);
            return ret;
        }
        if (plain)
            ret[used++] = *at;
        else
            used += (size_t)snprintf(ret + used, 4, "%%%02X", (unsigned char)*at);
    }
    ret[used] = 0;
    return ret;
}

const char *insp_log_quoted(char *ret, const char *text) {
    static const char cut[] = "...\"";
    size_t used = 0;
    ret[used++] = '"';
    for (const char *at = text; *at; at++) {
        if (used + 2 + sizeof cut > INSP_LOG_TEXT_BYTES) {
            memcpy(ret + used, cut, sizeof cut);
            return ret;
        }
        if (*at == '"' || *at == '\\')
            ret[used++] = '\\';
        ret[used++] = *at;
    }
    memcpy(ret + used, "\"", 2);
    return ret;
}

void insp_log(enum insp_log_level level, const char *format, ...) {
    if ((int)level > atomic_load(&threshold))
        return;
    pthread_once(&journal_once, detect_journal);

    char line[LINE_BYTES];
    int prefix;
    if (to_journal) {
        prefix = snprintf(line, sizeof line, "<%d>", (int)level);
    } else {
        char now[INSP_RFC3339_BYTES];
        insp_rfc3339(insp_wall_us(), now);
        prefix = snprintf(line, sizeof line, "%s %-7s ", now, name_of(level));
    }
    va_list args;
    va_start(args, format);
    int body = vsnprintf(line + prefix, sizeof line - (size_t)prefix, format, args);
    va_end(args);
    size_t end = (size_t)prefix + (body > 0 ? (size_t)body : 0);
    if (end > sizeof line - 1)
        end = sizeof line - 1;
    line[end] = 0; /* may cut a character; make_visible mends it */
    make_visible(line + prefix);
    line[end++] = '\n';
    unsigned count = 0;
    if (!deliver(line, end))
        atomic_fetch_add(&lost, 1); /* a log that cannot be written cannot say so now */
    else if (atomic_load(&lost) && (count = atomic_exchange(&lost, 0)))
        insp_log_warning("log lines were lost because nobody read them count=%u", count);
}
