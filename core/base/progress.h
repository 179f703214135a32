/* core/base/progress.h - report the progress of long work, and ask whether to continue. */
#ifndef INSP_BASE_PROGRESS_H
#define INSP_BASE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

enum insp_progress_kind {
    INSP_PROGRESS_STAGE, /* a stage begins; text: "reading", "features", "epoch 2 of 10", "fold 3 of 5",
                            "evaluating", "writing" */
    INSP_PROGRESS_STEP,  /* done of total within the stage */
    INSP_PROGRESS_EPOCH, /* epoch, loss, accuracy are filled */
    INSP_PROGRESS_LOG,   /* text is a line for people to read */
};

struct insp_progress_event {
    enum insp_progress_kind kind;
    const char *text; /* stage or log line, "" for the others; valid during the call */
    double overall;   /* 0..1 of the whole job */
    size_t done, total;
    size_t fold; /* 1-based; 0 outside cross-validation */
    size_t epoch;
    double loss, accuracy, seconds;
};

/* Receives the progress of one piece of work. All callbacks run on the working thread; each may be NULL.
 *   event       gets each event
 *   cancelled   is called before each mini-batch and image; true ends the work with INSP_E_CANCELLED, nothing
 *               written
 *   yield       is called between mini-batches and may block for a while so that inspections go first
 *   arg         is passed to all of them
 *   from, span  place of this part within `overall`, 0..1; a caller that starts a job leaves both 0, which
 *               means all of it */
struct insp_progress {
    void (*event)(void *arg, const struct insp_progress_event *event);
    bool (*cancelled)(void *arg);
    void (*yield)(void *arg);
    void *arg;
    double from, span;
};

/* Report from the working thread. progress may be NULL: then nothing is reported and nothing is cancelled.
 * insp_progress_step sets `overall` by done / total; the other events carry the start of their part as
 * `overall`. */
bool insp_progress_cancelled(const struct insp_progress *progress);
void insp_progress_yield(const struct insp_progress *progress);
void insp_progress_stage(const struct insp_progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void insp_progress_step(const struct insp_progress *progress, size_t done, size_t total);
void insp_progress_log(const struct insp_progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Reports the end of an epoch. fold is 1-based, 0 outside cross-validation. loss is the mean over the epoch,
 * accuracy the running training accuracy, 0..1. */
void insp_progress_epoch(const struct insp_progress *progress, size_t fold, size_t epoch, size_t epochs,
                         double loss, double accuracy, double seconds);

/* Returns progress with the same callbacks, limited to the part from..to (0..1) of its range. NULL gives
 * progress that reports nothing. */
struct insp_progress insp_progress_part(const struct insp_progress *progress, double from, double to);

#endif
