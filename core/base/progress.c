#include "core/base/progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum { TEXT_BYTES = 512 };

/* share: 0..1, how much of this part is done. */
static void report(const struct insp_progress *progress, struct insp_progress_event *event, double share) {
    double span = progress->span > 0 ? progress->span : 1;
    event->overall = fmin(progress->from + span * share, 1);
    progress->event(progress->arg, event);
}

bool insp_progress_cancelled(const struct insp_progress *progress) {
    return progress && progress->cancelled && progress->cancelled(progress->arg);
}

void insp_progress_yield(const struct insp_progress *progress) {
    if (progress && progress->yield)
        progress->yield(progress->arg);
}

void insp_progress_stage(const struct insp_progress *progress, const char *format, ...) {
    if (!progress || !progress->event)
        return;
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report(progress, &(struct insp_progress_event){.kind = INSP_PROGRESS_STAGE, .text = text}, 0);
}

void insp_progress_step(const struct insp_progress *progress, size_t done, size_t total) {
    if (!progress || !progress->event)
        return;
    struct insp_progress_event event = {.kind = INSP_PROGRESS_STEP, .text = "", .done = done, .total = total};
    report(progress, &event, total ? (double)done / (double)total : 1);
}

void insp_progress_log(const struct insp_progress *progress, const char *format, ...) {
    if (!progress || !progress->event)
        return;
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report(progress, &(struct insp_progress_event){.kind = INSP_PROGRESS_LOG, .text = text}, 0);
}

void insp_progress_epoch(const struct insp_progress *progress, size_t fold, size_t epoch, size_t epochs,
                         double loss, double accuracy, double seconds) {
    if (!progress || !progress->event)
        return;
    struct insp_progress_event event = {.kind = INSP_PROGRESS_EPOCH,
                                        .text = "",
                                        .done = epoch,
                                        .total = epochs,
                                        .fold = fold,
                                        .epoch = epoch,
                                        .loss = loss,
                                        .accuracy = accuracy,
                                        .seconds = seconds};
    report(progress, &event, 0);
}

struct insp_progress insp_progress_part(const struct insp_progress *progress, double from, double to) {
    if (!progress)
        return (struct insp_progress){0};
    struct insp_progress part = *progress;
    double span = progress->span > 0 ? progress->span : 1;
    part.from = progress->from + span * from;
    part.span = fmax(span * (to - from), 1e-12); /* never 0: that would mean the whole range */
    return part;
}
