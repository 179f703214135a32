/* The program inspectd-grab, which `inspectd grab` executes after it has checked the command line: its arguments
 * are pairs of a name and a value, each of them once. Exit codes: 0 stopped by a signal, 1 failure. */
#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/lanes/thread.h"
#include "core/base/log.h"
#include "daemon/grab/grab.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTS_S = 60, TOKEN_BYTES_MAX = 200 };

static const char *value_of(int argc, char **argv, const char *name) {
    for (int i = 1; i + 1 < argc; i += 2)
        if (!strcmp(argv[i], name))
            return argv[i + 1];
    return "";
}

static unsigned number_of(int argc, char **argv, const char *name) {
    return (unsigned)strtoul(value_of(argc, argv, name), NULL, 10);
}

static void read_options(int argc, char **argv, struct grab_options *ret) {
    *ret = (struct grab_options){
        .camera = value_of(argc, argv, "camera"),
        .name = value_of(argc, argv, "name"),
        .product = value_of(argc, argv, "product"),
        .url = value_of(argc, argv, "url"),
        .line = value_of(argc, argv, "line"),
        .token_file = value_of(argc, argv, "token-file"),
        .ca_file = value_of(argc, argv, "ca-file"),
        .features = value_of(argc, argv, "features"),
        .mode = (enum insp_grabber_mode)number_of(argc, argv, "mode"),
        .interval_ms = number_of(argc, argv, "interval"),
        .silent_s = number_of(argc, argv, "silent"),
        .posters = number_of(argc, argv, "posters"),
        .queue = number_of(argc, argv, "queue"),
        .packet_bytes = number_of(argc, argv, "packet-size"),
    };
}

/* Reads the first line of the token's file. */
static int read_token(struct grab *grab, struct insp_error *reterr) {
    const char *path = grab->options->token_file;
    if (!*path)
        return 0;
    _cleanup_fclose_ FILE *file = fopen(path, "re");
    if (!file || !fgets(grab->token, TOKEN_BYTES_MAX, file))
        return insp_fail(reterr, INSP_E_CONFIG, "cannot read a token from %s", path);
    grab->token[strcspn(grab->token, "\r\n")] = 0;
    return 0;
}

static void log_counts(struct grab *grab, const char *when) {
    char text[GRAB_TEXT_BYTES];
    pthread_mutex_lock(&grab->lock);
    grab_account_text(&grab->account, text);
    pthread_mutex_unlock(&grab->lock);
    insp_log_info("%s camera=%s %s", when, INSP_LOG_WORD(grab->options->name), text);
}

static bool ended(struct grab *grab) {
    pthread_mutex_lock(&grab->lock);
    bool over = grab->draining;
    pthread_mutex_unlock(&grab->lock);
    return over;
}

/* Fires the camera and returns the time of the next shot: at the pace of --interval, or as soon as the camera can.
 */
static int64_t fire_at_pace(struct grab *grab, int64_t due_us) {
    struct insp_error error;
    const int64_t pace_us = (int64_t)grab->options->interval_ms * 1000;
    grab_fire(grab, "", &error); /* the state of the camera says what failed */
    const int64_t now_us = insp_mono_us();
    return now_us > due_us + pace_us ? now_us : due_us + pace_us;
}

/* Fires at the pace of --interval, and logs the counts, until a signal comes or the camera cannot be used. */
static void wait_for_the_end(struct grab *grab, const sigset_t *signals) {
    const struct grab_options *options = grab->options;
    const unsigned fire_ms = options->mode == INSP_GRABBER_SOFTWARE ? options->interval_ms : 0;
    int64_t counts_us = insp_mono_us() + (int64_t)COUNTS_S * 1000000, fire_us = insp_mono_us();
    int number = -1;
    while (number < 0 && !ended(grab)) {
        const int64_t now_us = insp_mono_us();
        if (now_us >= counts_us) {
            log_counts(grab, "counts");
            counts_us = now_us + (int64_t)COUNTS_S * 1000000;
        }
        if (fire_ms && now_us >= fire_us) {
            fire_us = fire_at_pace(grab, fire_us);
        }
        int64_t next_us = fire_ms && fire_us < counts_us ? fire_us : counts_us;
        int64_t wait_us = next_us - insp_mono_us();
        wait_us = wait_us < 0 ? 0 : wait_us > 500000 ? 500000 : wait_us;
        const struct timespec wait = {.tv_nsec = wait_us * 1000};
        number = sigtimedwait(signals, NULL, &wait);
    }
}

static int run(struct grab *grab, const sigset_t *signals, struct insp_error *reterr) {
    pthread_t camera, report, poster[GRAB_POSTERS_MAX];
    unsigned posters = 0;
    bool reports = false;
    int code = insp_thread_start(&camera, "insp-camera", grab_camera_run, grab, reterr);
    if (code)
        return code;
    while (!code && posters < grab->options->posters)
        if (!(code = insp_thread_start(&poster[posters], "insp-poster", grab_poster_run, grab, reterr)))
            posters++;
    if (!code && !(code = insp_thread_start(&report, "insp-report", grab_report_run, grab, reterr)))
        reports = true;
    if (!code)
        wait_for_the_end(grab, signals);
    pthread_mutex_lock(&grab->lock);
    grab->stopping = true;
    grab->stop_us = insp_mono_us();
    pthread_cond_broadcast(&grab->changed);
    pthread_mutex_unlock(&grab->lock);
    pthread_join(camera, NULL);
    for (unsigned i = 0; i < posters; i++)
        pthread_join(poster[i], NULL);
    if (reports)
        pthread_join(report, NULL);
    log_counts(grab, "counts at the end");
    return code ? code : grab->fatal ? insp_fail(reterr, INSP_E_MEDIA_TYPE, "%s", grab->detail) : 0;
}

int main(int argc, char **argv) {
    static struct grab grab;
    struct grab_options options;
    struct insp_error error = {0};
    sigset_t signals;
    read_options(argc, argv, &options);
    if (!*options.camera || !*options.url || !options.posters || options.posters > GRAB_POSTERS_MAX ||
        !options.queue || options.queue > GRAB_QUEUE_MAX || options.mode >= INSP_GRABBER_MODES) {
        fputs("inspectd-grab: it is started by `inspectd grab`\n", stderr);
        return 1;
    }
    signal(SIGPIPE, SIG_IGN); /* of TLS connections, and of a log that nobody reads */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* before GLib starts threads */
    curl_global_init(CURL_GLOBAL_DEFAULT);
    grab.options = &options;
    insp_uuid7(grab.session);
    pthread_mutex_init(&grab.fire_lock, NULL);
    pthread_mutex_init(&grab.device_lock, NULL);
    pthread_mutex_init(&grab.lock, NULL);
    pthread_cond_init(&grab.changed, NULL);
    grab.state_us = insp_mono_us();
    snprintf(grab.detail, sizeof grab.detail, "the camera has not been opened yet");
    int code = read_token(&grab, &error);
    if (!code)
        code = run(&grab, &signals, &error);
    if (code)
        fprintf(stderr, "inspectd: grab: %s\n", error.detail);
    return code != 0;
}
