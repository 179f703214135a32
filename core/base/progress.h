/* core/base/progress.h - how long work tells where it is and asks whether to go on. */
#ifndef INSP_BASE_PROGRESS_H
#define INSP_BASE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

enum insp_progress_kind {
    INSP_PROGRESS_STAGE, /* stage text changed: "reading", "features", "epoch 2 of 10", "fold 3 of 5",
                            "evaluating", "writing" */
    INSP_PROGRESS_STEP,  /* done of total within the stage */
    INSP_PROGRESS_EPOCH, /* epoch, loss, accuracy are filled */
    INSP_PROGRESS_LOG,   /* text is a line for people */
};

struct insp_progress_event {
    enum insp_progress_kind kind;
    const char *text; /* stage or log line; valid during the call */
    double overall;   /* 0..1 of the whole job */
    size_t done, total;
    size_t fold; /* 1-based; 0 outside cross-validation */
    size_t epoch;
    double loss, accuracy, seconds;
};

/* The callbacks are called on the thread that does the work; each may be NULL. `cancelled` is asked before each
 * mini-batch and image: true ends the work with INSP_E_CANCELLED, nothing written. `yield` is called between
 * mini-batches and may block for a while to let inspections go first.
 * from, span: where this part of the work lies within `overall`; left 0 by whoever starts a job (then: all of it).
 */
struct insp_progress {
    void (*event)(void *arg, const struct insp_progress_event *event);
    bool (*cancelled)(void *arg);
    void (*yield)(void *arg);
    void *arg;
    double from, span;
};

/* The working side's half. progress may be NULL everywhere: nothing is told and nothing cancels. Steps say how
 * much of the part is done; the other events carry the start of the part that they are given as `overall`. */
bool insp_progress_cancelled(const struct insp_progress *progress);
void insp_progress_yield(const struct insp_progress *progress);
void insp_progress_stage(const struct insp_progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void insp_progress_step(const struct insp_progress *progress, size_t done, size_t total);
void insp_progress_log(const struct insp_progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* fold: 1-based, 0 outside cross-validation; loss is the mean over the epoch, accuracy the running train accuracy
 * 0..1. */
void insp_progress_epoch(const struct insp_progress *progress, size_t fold, size_t epoch, size_t epochs,
                         double loss, double accuracy, double seconds);

/* The same callbacks for the part from..to (0..1) of what `progress` stands for. */
struct insp_progress insp_progress_part(const struct insp_progress *progress, double from, double to);

#endif
