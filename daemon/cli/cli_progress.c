#include "daemon/cli/cli_progress.h"

#include "core/base/clock.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { BAR_CELLS = 24, REDRAW_US = 100000 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
    (void)number;
    if (interrupted)
        _exit(1); /* the second signal does not wait for the mini-batch to end */
    interrupted = 1;
}

void cli_progress_bar(char *line, size_t bytes, const char *stage, double overall, size_t done, size_t total,
                      double elapsed_s) {
    double share = overall >= 1 ? 1 : overall > 0 ? overall : 0; /* NaN is 0 */
    int filled = (int)(share * BAR_CELLS + 0.5);
    char count[48] = "", rest[32] = "";
    if (total > 0)
        snprintf(count, sizeof count, "  %zu/%zu", done, total);
    if (share >= 0.02 && share < 1 && elapsed_s >= 1) {
        double left_s = elapsed_s * (1 - share) / share;
        if (left_s >= 90)
            snprintf(rest, sizeof rest, "  %.0f min left", left_s / 60);
        else
            snprintf(rest, sizeof rest, "  %.0f s left", left_s);
    }
    static const char cells[] = "########################........................";
    snprintf(line, bytes, "[%.*s] %3.0f %%  %s%s%s", BAR_CELLS, cells + BAR_CELLS - filled, 100 * share, stage,
             count, rest);
}

static double elapsed_s(const struct cli_progress *progress) {
    return (double)(insp_mono_us() - progress->started_us) / 1e6;
}

/* Erases the bar, so that a whole line can be written. */
static void close_line(struct cli_progress *progress) {
    if (progress->line_open)
        fputs("\r\033[K", progress->out);
    progress->line_open = false;
}

static void draw(struct cli_progress *progress, const struct insp_progress_event *event) {
    char line[CLI_PROGRESS_LINE];
    int64_t now = insp_mono_us();
    int tenths = (int)(event->overall * 10);
    if (progress->terminal ? now - progress->drawn_us < REDRAW_US && event->done < event->total
                           : tenths <= progress->plain_tenths)
        return;
    cli_progress_bar(line, sizeof line, progress->stage, event->overall, event->done, event->total,
                     elapsed_s(progress));
    if (progress->terminal)
        fprintf(progress->out, "\r%s\033[K", line);
    else
        fprintf(progress->out, "%s\n", line);
    progress->line_open = progress->terminal;
    progress->plain_tenths = tenths;
    progress->drawn_us = now;
    fflush(progress->out);
}

static void on_event(void *arg, const struct insp_progress_event *event) {
    struct cli_progress *progress = arg;
    switch (event->kind) {
    case INSP_PROGRESS_STAGE:
        snprintf(progress->stage, sizeof progress->stage, "%s", event->text);
        progress->drawn_us = 0;
        draw(progress, event);
        break;
    case INSP_PROGRESS_STEP:
        draw(progress, event);
        break;
    case INSP_PROGRESS_EPOCH:
        close_line(progress);
        if (event->fold)
            fprintf(progress->out, "fold %zu ", event->fold);
        fprintf(progress->out, "epoch %zu: loss %.4f, accuracy %.1f %% (%.1f s)\n", event->epoch, event->loss,
                100 * event->accuracy, event->seconds);
        break;
    case INSP_PROGRESS_LOG:
        close_line(progress);
        fprintf(progress->out, "%s\n", event->text);
        break;
    }
}

static bool is_cancelled(void *arg) {
    (void)arg;
    return interrupted != 0;
}

struct insp_progress cli_progress_hooks(struct cli_progress *progress) {
    struct sigaction action = {.sa_handler = on_interrupt};
    interrupted = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return (struct insp_progress){.event = on_event, .cancelled = is_cancelled, .arg = progress};
}

void cli_progress_count(void *arg, size_t done, size_t total) {
    const struct insp_progress_event event = {.kind = INSP_PROGRESS_STEP,
                                              .overall = total ? (double)done / (double)total : 1,
                                              .done = done,
                                              .total = total};
    on_event(arg, &event);
}

void cli_progress_start(struct cli_progress *progress, FILE *out) {
    *progress = (struct cli_progress){
        .out = out, .terminal = isatty(fileno(out)), .started_us = insp_mono_us(), .plain_tenths = -1};
}

void cli_progress_end(struct cli_progress *progress) {
    close_line(progress);
    fflush(progress->out);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}
