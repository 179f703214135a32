/* core/inspect/engine.h - run the inference thread and its queue. A batch consists of the images that wait at
 * the moment the device becomes free, oldest first, at most batch_max; a tile counts as an image, but a picture's
 * tiles stay together, in as many passes as they need. There is no fixed delay, so a single
 * image never waits for others.
 *
 * Threads: new, close, submit and call on the loop thread (a call that waits: any thread but the inference
 * thread); every `done` runs on the loop thread too. Only the inference thread scores on the device. */
#ifndef INSP_INSPECT_ENGINE_H
#define INSP_INSPECT_ENGINE_H

#include "core/base/lanes/busy.h"
#include "core/inspect/call_list.h"
#include "core/inspect/score.h"

#include <uv.h>

struct insp_engine;

struct insp_engine_config {
    struct insp_device_config device;
    size_t batch_max;       /* 1..INSP_BATCH_LIMIT images in one pass */
    struct insp_busy *busy; /* borrowed; raised while images wait or are being scored; may be NULL */
    /* A shadow that is being asked about tiles is given up once the line has taken so long in between; 0: 30 s. */
    int64_t shadow_wait_us;
};

/* Starts the inference thread, opens the device on it and waits for that. *ret is the caller's until
 * insp_engine_close. On failure no handle is left on the loop. Fails with INSP_E_CONFIG (batch_max),
 * INSP_E_NOMEM (no thread, too), INSP_E_INTERNAL, and as insp_device_open does. */
int insp_engine_new(uv_loop_t *loop, const struct insp_engine_config *config, struct insp_engine **ret,
                    struct insp_error *reterr);

/* Loads the trunk on the inference thread and waits for it. An engine keeps its first trunk, because the tails
 * that it serves were trained on it: loading the same one again does nothing, another one fails. At startup or
 * on a lane thread. Fails with INSP_E_CONFLICT, and as insp_trunk_load does. */
int insp_engine_load_trunk(struct insp_engine *engine, const struct insp_trunk_weights *weights,
                           const char *sha256, struct insp_error *reterr);
/* Loads <state>/trunks/<sha256>.safetensors as above and logs it. Fails also as insp_trunk_open does. */
int insp_engine_open_trunk(struct insp_engine *engine, const char *state_dir, const char *sha256,
                           struct insp_error *reterr);
/* Returns the hash of the loaded trunk, "" before one is loaded. Any thread; lives as long as the engine. */
const char *insp_engine_trunk_sha256(const struct insp_engine *engine);

/* Returns the device: to read its properties and, if it is packed, to load models onto it, which does not
 * disturb a pass; only one thread at a time may load. Never for scoring. Any thread. */
struct insp_device *insp_engine_device(const struct insp_engine *engine);

/* Queues an image; score->done is called exactly once, never from inside this function. */
void insp_engine_submit(struct insp_engine *engine, struct insp_score *score);

/* Runs `work` on the inference thread between batches, then calls done (may be NULL) on the loop. wait: blocks
 * until work has run and returns its code; then pass done as NULL, unless at startup, where done is called
 * before the return. All waiting calls must have returned before insp_engine_close. Fails with INSP_E_NOMEM. */
int insp_engine_call(struct insp_engine *engine, insp_engine_work *work, insp_engine_done *done, void *arg,
                     bool wait, struct insp_error *reterr);

/* Describes the state of the engine, for /metrics, the watchdog and the dashboard. */
struct insp_engine_status {
    size_t queued, in_pass;
    uint64_t passes, images;
    uint64_t passes_of[INSP_BATCH_LIMIT + 1]; /* passes of n images; they add up to passes */
    struct insp_device_usage memory;          /* of the device, at most a second old while it works; CPU: 0 */
    int64_t busy_since_us;                    /* monotonic; start of the present pass or work; 0 when idle */
    bool device_failed;                       /* insp_device_failed: every pass fails until a restart */
    char device[32];
    char description[192];
};
void insp_engine_status(struct insp_engine *engine, struct insp_engine_status *ret); /* any thread */

/* Stops after the present pass; waiting images and calls get INSP_E_SHUTTING_DOWN. Joins the thread and calls
 * their `done` before it returns; `closed` (may be NULL) is called on the loop once handles, device and memory
 * are freed. Release all models before: no inspection may be in flight in a pipeline. */
void insp_engine_close(struct insp_engine *engine, void (*closed)(void *arg), void *arg);

#endif
