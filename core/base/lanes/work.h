/* core/base/work.h - work that must not run on the loop: lanes, each with its own queue and its own threads.
 *
 *   LINE   the stages of an inspection: decode, render the answer, store
 *   BACK   requests of people: lists, pictures, exports, changes of models and datasets
 *   CHORE  the daemon's own housekeeping, and reading the models again
 *   JOB    one thread, which supervises the processes of training jobs
 *
 * The threads of BACK and CHORE have a lower priority, so that inspections go first where cores are scarce.
 *
 * No lane waits for another one's threads. Within a lane a thread takes urgent tasks first, then the oldest; heavy
 * tasks hold at most half of the threads, so that quick ones never wait for them.
 *
 * Threads: all functions on the loop thread, except insp_work_status. `run` runs on a thread of the lane, `done`
 * on the loop. */
#ifndef INSP_BASE_WORK_H
#define INSP_BASE_WORK_H

#include "core/base/error.h"

#include <stdint.h>
#include <uv.h>

struct insp_lanes;

enum insp_lane { INSP_LANE_LINE, INSP_LANE_BACK, INSP_LANE_CHORE, INSP_LANE_JOB, INSP_LANES };

enum insp_weight {
    INSP_WORK_QUICK,  /* milliseconds */
    INSP_WORK_HEAVY,  /* may take seconds: a large picture, many files */
    INSP_WORK_URGENT, /* quick, and it ends something that others wait for: it goes first */
    INSP_WORK_WEIGHTS
};

/* One piece of work. The memory is the caller's and lives until `done` has begun, which may free or submit it
 * again. */
struct insp_task {
    void (*run)(struct insp_task *task);  /* in: a thread of the lane */
    void (*done)(struct insp_task *task); /* in: loop thread */
    void *data;                           /* in: the caller's */
    enum insp_weight weight;              /* in */
    int64_t queued_us, begun_us;          /* out: monotonic, when it was submitted and when `run` began */
    enum insp_lane lane;                  /* the lanes' */
    struct insp_task *next;               /* the lanes' */
};

struct insp_lanes_config {
    struct {
        unsigned threads; /* 1.. */
        size_t queue_max; /* tasks of one weight that may wait for a thread; 1.. */
    } lane[INSP_LANES];
};

/* Starts the threads. INSP_E_NOMEM; on failure nothing is left on the loop. */
int insp_lanes_new(uv_loop_t *loop, const struct insp_lanes_config *config, struct insp_lanes **ret,
                   struct insp_error *reterr);

/* Submits a task that somebody asked for. INSP_E_QUEUE_FULL when as many tasks of its weight wait as the lane
 * allows; `done` then never comes. */
int insp_work(struct insp_lanes *lanes, enum insp_lane lane, struct insp_task *task, struct insp_error *reterr);

/* Submits a task whatever waits: the daemon's own chores, and the next step of something that was accepted before.
 * Their number must be bounded by their nature. */
void insp_work_always(struct insp_lanes *lanes, enum insp_lane lane, struct insp_task *task);

struct insp_lane_status {
    unsigned threads;
    size_t queued, running; /* now */
    uint64_t refused;       /* since the start */
};
const char *insp_lane_name(enum insp_lane lane); /* "line", "back", "chore", "job" */
void insp_work_status(struct insp_lanes *lanes, enum insp_lane lane,
                      struct insp_lane_status *ret); /* any thread */

/* Runs what is queued to its end, joins the threads, runs the last `done` callbacks and returns; `closed` runs on
 * the loop when the memory is gone. Blocks as long as a task takes: in an orderly stop nothing is queued any more.
 * Nothing may be submitted afterwards. */
void insp_lanes_close(struct insp_lanes *lanes, void (*closed)(void *arg), void *arg);

#endif
