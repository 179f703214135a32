/* core/base/lanes/work.h - run work off the loop thread, on lanes. Each lane has its own queue and its own
 * threads.
 *
 *   LINE   the stages of an inspection: decode, render the answer, store
 *   LARGE  those of images beyond 4 megapixels that take up to seconds: decode, render
 *   BACK   requests of people: lists, pictures, exports, changes of models and datasets
 *   CHORE  the daemon's own housekeeping, and reading the models again
 *   JOB    one thread, which supervises the process of the running job
 *   FILES  one thread, for the watched folder: a network folder that hangs holds no other lane
 *
 * The threads of BACK and CHORE have a lower priority, so inspections go first if cores are scarce; those of LARGE
 * lie between, so a few large images do not hold up the small ones of other cameras. No lane
 * waits for the threads of another. Within a lane a thread takes urgent tasks first, then the oldest task;
 * heavy tasks hold at most half of the threads (one in a lane of one), so quick tasks do not wait for them.
 *
 * Threads: call all functions on the loop thread, except insp_work_status and insp_lane_name. `run` runs on a
 * thread of the lane, `done` on the loop. */
#ifndef INSP_BASE_LANES_WORK_H
#define INSP_BASE_LANES_WORK_H

#include "core/base/error.h"

#include <stdint.h>
#include <uv.h>

struct insp_lanes;

enum insp_lane {
    INSP_LANE_LINE,
    INSP_LANE_LARGE,
    INSP_LANE_BACK,
    INSP_LANE_CHORE,
    INSP_LANE_JOB,
    INSP_LANE_FILES,
    INSP_LANES
};

enum insp_weight {
    INSP_WORK_QUICK,  /* milliseconds */
    INSP_WORK_HEAVY,  /* up to seconds: a large picture, many files */
    INSP_WORK_URGENT, /* quick, and others wait for its result: runs first */
    INSP_WORK_WEIGHTS
};

/* Describes one piece of work. The memory is the caller's and must live until `done` is called; `done` may
 * free the task or submit it again. */
struct insp_task {
    void (*run)(struct insp_task *task);  /* in: called on a thread of the lane */
    void (*done)(struct insp_task *task); /* in: called on the loop thread */
    void *data;                           /* in: the caller's */
    enum insp_weight weight;              /* in */
    int64_t queued_us, begun_us;          /* out: monotonic, when it was submitted and when `run` began */
    enum insp_lane lane;                  /* the lanes' */
    struct insp_task *next;               /* the lanes' */
};

struct insp_lanes_config {
    struct {
        unsigned threads; /* 1.. */
        size_t queue_max; /* waiting tasks per weight; 1.. */
    } lane[INSP_LANES];
};

/* Starts the threads of all lanes. *ret is the caller's until insp_lanes_close. Fails with INSP_E_NOMEM,
 * INSP_E_INTERNAL; on failure no handle is left on the loop. */
int insp_lanes_new(uv_loop_t *loop, const struct insp_lanes_config *config, struct insp_lanes **ret,
                   struct insp_error *reterr);

/* Submits a task on behalf of a request. Fails with INSP_E_QUEUE_FULL if the queue of its weight is full;
 * `done` is not called then. */
int insp_work(struct insp_lanes *lanes, enum insp_lane lane, struct insp_task *task, struct insp_error *reterr);

/* Submits a task even if the queue is full: the daemon's own chores, and the next step of work that was
 * accepted before. Callers must bound the number of such tasks by themselves. */
void insp_work_always(struct insp_lanes *lanes, enum insp_lane lane, struct insp_task *task);

struct insp_lane_status {
    unsigned threads;
    size_t queued, running; /* now */
    uint64_t refused;       /* since the start */
};
const char *insp_lane_name(enum insp_lane lane); /* "line", "large", "back", "chore", "job", "files" */
/* Reads how busy a lane is. Any thread. */
void insp_work_status(struct insp_lanes *lanes, enum insp_lane lane, struct insp_lane_status *ret);

/* Runs all queued tasks, joins the threads, calls the last `done` callbacks and returns; `closed` is called on
 * the loop once the memory is freed. Blocks as long as the longest task: an orderly stop leaves nothing
 * queued. Submit nothing afterwards, except from those last callbacks. */
void insp_lanes_close(struct insp_lanes *lanes, void (*closed)(void *arg), void *arg);

#endif
