/* core/train/progress.h - how long work tells where it is and asks whether to go on. */
#ifndef INSP_TRAIN_PROGRESS_H
#define INSP_TRAIN_PROGRESS_H

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

/* Both are called on the thread that does the work; either may be NULL. `cancelled` is asked before each
 * mini-batch and image: true ends the work with INSP_E_CANCELLED, nothing written. `yield` (may be NULL) is called
 * between mini-batches and may block for a while to let inspections go first. */
struct insp_progress {
    void (*event)(void *arg, const struct insp_progress_event *event);
    bool (*cancelled)(void *arg);
    void (*yield)(void *arg);
    void *arg;
};

#endif
