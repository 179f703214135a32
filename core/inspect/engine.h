/* core/inspect/engine.h - the inference thread and its queue. A batch is whatever waits at the moment the device
 * is free, oldest first, at most batch_max: no fixed delay, so one image alone never waits for company.
 *
 * Threads: new, free, submit and call on the loop thread (a call that waits: any thread); every `done` runs on the
 * loop thread too. Only the
 * inference thread touches the device. */
#ifndef INSP_INSPECT_ENGINE_H
#define INSP_INSPECT_ENGINE_H

#include "core/base/lanes/busy.h"
#include "core/model/model.h"

#include <uv.h>

struct insp_engine;

enum { INSP_BATCH_LIMIT = 64 }; /* images in one pass at most */

struct insp_engine_config {
    struct insp_device_config device;
    size_t batch_max;       /* 1..INSP_BATCH_LIMIT images in one pass */
    struct insp_busy *busy; /* borrowed; raised while images wait or are being scored; NULL: nobody asks */
};

/* One image to score. Where a whole pass fails with INSP_E_MODEL its images are scored again one by one, so that
 * only the one whose output is not finite fails (batch is 1 then, inference_us the time of all). Where no trunk is
 * loaded: INSP_E_NOT_READY. The memory is the caller's and must live until done. */
struct insp_score {
    struct insp_model *model; /* in: the caller keeps its reference until done */
    const float *pixels;      /* in: [3,224,224] */
    int64_t deadline_us; /* in: monotonic; 0 none. Passed before its batch forms: INSP_E_DEADLINE, not scored */
    void (*done)(struct insp_score *score); /* in: loop thread */
    void *data;                             /* the caller's */
    float probability;                      /* out */
    float cam[INSP_MAP_FLOATS];             /* out */
    int64_t queue_us, inference_us;         /* out: waited for the device; in the pass it was part of */
    size_t batch;                           /* out: images in that pass */
    int code;                               /* out: 0 or INSP_E_* with error filled */
    struct insp_error error;
    int64_t submitted_us;    /* the engine's */
    struct insp_score *next; /* the engine's */
};

/* Starts the inference thread and opens the device on it; waits for that. INSP_E_DEVICE, INSP_E_CONFIG
 * (batch_max), INSP_E_NOMEM; on failure nothing is left on the loop. */
int insp_engine_new(uv_loop_t *loop, const struct insp_engine_config *config, struct insp_engine **ret,
                    struct insp_error *reterr);

/* Loads the trunk on the inference thread; waits. An engine has one trunk, for good, because the tails that it
 * serves were trained on it: the same again does nothing, another is INSP_E_CONFLICT. Startup, a pool thread or a
 * job's. */
int insp_engine_load_trunk(struct insp_engine *engine, const struct insp_trunk_weights *weights,
                           const char *sha256, struct insp_error *reterr);
/* The same for <state>/trunks/<sha256>.safetensors, with a line in the log. Fails as insp_trunk_open, too. */
int insp_engine_open_trunk(struct insp_engine *engine, const char *state_dir, const char *sha256,
                           struct insp_error *reterr);
/* "" before there is one. Any thread; lives as long as the engine. */
const char *insp_engine_trunk_sha256(const struct insp_engine *engine);

/* For asking about it, and, where it is packed, for loading models onto it, which does not disturb a pass; whoever
 * does so from more than one thread takes turns. Never for scoring. Any thread. */
struct insp_device *insp_engine_device(const struct insp_engine *engine);

void insp_engine_submit(struct insp_engine *engine, struct insp_score *score);

/* Runs `work` on the inference thread between batches (load a model, self-test); then done on the loop. With
 * wait = true blocks the caller until work has run (startup; a pool thread or the job's, with done NULL; all of
 * those have come back before insp_engine_close). */
typedef int insp_engine_work(struct insp_device *device, struct insp_trunk *trunk, void *arg,
                             struct insp_error *reterr);
typedef void insp_engine_done(void *arg, int code, const struct insp_error *error);
int insp_engine_call(struct insp_engine *engine, insp_engine_work *work, insp_engine_done *done, void *arg,
                     bool wait, struct insp_error *reterr);

/* For /metrics, the watchdog and the dashboard. Any thread. */
struct insp_engine_status {
    size_t queued, in_pass;
    uint64_t passes, images;
    uint64_t passes_of[INSP_BATCH_LIMIT + 1]; /* passes of n images; they add up to passes */
    struct insp_device_usage memory;          /* of the device, at most a second old while it works; CPU: 0 */
    int64_t busy_since_us;                    /* monotonic start of the pass that runs now; 0 when idle */
    int64_t last_progress_us; /* monotonic: last time that the thread took or finished work, or found none */
    bool device_failed; /* insp_device_failed: every pass fails until the process starts anew */
    char device[32];
    char description[192];
};
void insp_engine_status(struct insp_engine *engine, struct insp_engine_status *ret);

/* Stops after the pass that runs; what still waits gets INSP_E_SHUTTING_DOWN. Joins the thread and runs
 * those done callbacks before it returns; `closed` runs on the loop once the engine's handles are closed and its
 * device and memory are gone. All models must have been released by then: nothing may be in flight in a pipeline.
 */
void insp_engine_close(struct insp_engine *engine, void (*closed)(void *arg), void *arg);

#endif
