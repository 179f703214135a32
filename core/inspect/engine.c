#include "core/inspect/engine.h"

#include "core/base/clock.h"
#include "core/base/lanes/thread.h"
#include "core/base/log.h"
#include "core/inspect/batch.h"
#include "core/inspect/call_list.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum {
    LOOK_LIMIT = 4 * INSP_BATCH_LIMIT,
    MEASURE_US = 1000000,
    SHADOW_TILES = 4, /* of one pass of a shadow, for which a picture of the line may wait */
    SHADOW_WAIT_US = 30000000,
};

struct insp_engine {
    /* loop thread */
    uv_async_t async;
    void (*closed)(void *arg);
    void *closed_arg;

    /* Written once, by the inference thread; a thread that sees has_trunk also sees the name. */
    char trunk_sha256[INSP_SHA256_HEX_BYTES];
    atomic_bool has_trunk;

    /* inference thread; the loop thread before it starts and after it is joined */
    pthread_t thread;
    struct insp_device_config device_config;
    struct insp_device *device;
    struct insp_trunk *trunk;
    size_t batch_max;
    struct insp_busy *busy; /* set under the lock, in step with the queue */
    float *cam;             /* of a batch */
    struct insp_opinions opinions;
    struct insp_scoring_room room, shadow_room;
    int64_t line_us, shadow_wait_us; /* spent on the line while the present shadow was asked, and the most of it */
    int64_t measure_due_us;

    pthread_mutex_t lock; /* all below */
    pthread_cond_t work_came, call_finished;
    bool stop;
    struct insp_score_list waiting, scored;
    struct insp_call_list calls, called;
    struct insp_opinion *asked; /* their engine's half has ended */
    struct insp_engine_status status;
};

/* --- inference thread --- */

static void refuse(struct insp_score *score, int code, int64_t now_us, const char *why) {
    score->queue_us = now_us - score->submitted_us;
    score->inference_us = 0;
    score->batch = 0;
    score->code = insp_fail(&score->error, code, "%s", why);
}

/* Moves the next batch out of the queue, and expired images to `scored`. Under the lock. Examines a bounded
 * prefix, so that a long queue costs no more than a short one. */
static size_t form_batch(struct insp_engine *engine, struct insp_score **ret_batch) {
    int64_t deadline_us[LOOK_LIMIT], now_us = insp_mono_us();
    enum insp_batch_fate fate[LOOK_LIMIT];
    size_t weight[LOOK_LIMIT], count = 0, taken = 0;
    for (struct insp_score *s = engine->waiting.head; s && count < LOOK_LIMIT; s = s->next) {
        weight[count] = s->single ? 1 : insp_tiles_count(s->model->manifest->tiles);
        deadline_us[count++] = s->deadline_us;
    }
    insp_batch_form(deadline_us, weight, count, engine->batch_max, now_us, fate);
    struct insp_score **last = engine->waiting.tail, *rest = insp_score_take(&engine->waiting);
    for (size_t i = 0; i < count; i++) {
        struct insp_score *s = rest;
        rest = s->next;
        if (fate[i] == INSP_BATCH_WAIT) {
            insp_score_push(&engine->waiting, s);
            continue;
        }
        engine->status.queued--;
        if (fate[i] == INSP_BATCH_TAKE) {
            ret_batch[taken++] = s;
            continue;
        }
        refuse(s, INSP_E_DEADLINE, now_us, "the deadline passed while the image waited for the device");
        insp_score_push(&engine->scored, s);
    }
    if (rest) {
        *engine->waiting.tail = rest;
        engine->waiting.tail = last;
    }
    return taken;
}

/* Measures memory, without the lock. If the driver does not report it the last figures stay. */
static void measure_memory(struct insp_engine *engine) {
    struct insp_device_usage memory;
    int64_t now_us = insp_mono_us();
    if (!engine->device || now_us < engine->measure_due_us || insp_device_memory(engine->device, &memory, NULL))
        return;
    engine->measure_due_us = now_us + MEASURE_US;
    pthread_mutex_lock(&engine->lock);
    engine->status.memory = memory;
    pthread_mutex_unlock(&engine->lock);
}

/* Runs one pass. If an image's result is not finite, its neighbours are scored again, one by one. */
static void run_pass(struct insp_engine *engine, struct insp_score **batch, size_t n) {
    struct insp_error error;
    int64_t begin_us = insp_mono_us();
    int r = insp_score_batch(engine->trunk, batch, n, &engine->room, engine->cam, &error);
    for (size_t i = 0; i < n; i++) {
        batch[i]->queue_us = begin_us - batch[i]->submitted_us;
        batch[i]->batch = n;
        batch[i]->code = r;
        if (r == INSP_E_MODEL && n > 1) {
            batch[i]->batch = 1;
            batch[i]->code =
                insp_score_batch(engine->trunk, &batch[i], 1, &engine->room, engine->cam, &batch[i]->error);
        } else if (r < 0)
            batch[i]->error = error;
    }
    for (int64_t i = 0, took_us = insp_mono_us() - begin_us; i < (int64_t)n; i++)
        batch[i]->inference_us = took_us;
}

static bool line_waits(const struct insp_engine *engine) {
    return engine->waiting.head || engine->calls.head;
}

/* Ends the engine's half of an opinion. Under the lock. */
static void end_opinion(struct insp_engine *engine, struct insp_opinion *opinion) {
    opinion->next = engine->asked;
    engine->asked = opinion;
    uv_async_send(&engine->async);
}

/* Asks shadows about the pictures of a pass whose answers have gone out, one at a time and only while nothing else
 * waits: the rest stays unanswered. Under the lock, which it releases while it asks. */
static void ask_shadows(struct insp_engine *engine) {
    for (struct insp_opinion *opinion; (opinion = insp_opinions_next(&engine->opinions));) {
        if (!line_waits(engine) && !engine->stop) {
            pthread_mutex_unlock(&engine->lock);
            engine->line_us = 0;
            insp_opinion_ask(opinion, engine->trunk, &engine->shadow_room);
            opinion->took_us -= engine->line_us;
            pthread_mutex_lock(&engine->lock);
        }
        end_opinion(engine, opinion);
    }
}

/* Forms and runs a pass. asks: shadows are asked afterwards. Under the lock, which it releases for the pass. */
static void pass(struct insp_engine *engine, bool asks) {
    struct insp_score *batch[INSP_BATCH_LIMIT];
    size_t n = form_batch(engine, batch);
    if (asks)
        insp_opinions_begin(&engine->opinions);
    for (size_t i = 0; i < n; i++)
        batch[i]->kept = asks ? insp_opinions_lend(&engine->opinions, batch[i]->model, batch[i]->opinion) : NULL;
    if (n) {
        engine->status.in_pass = n;
        engine->status.busy_since_us = insp_mono_us();
        pthread_mutex_unlock(&engine->lock);
        run_pass(engine, batch, n);
        measure_memory(engine);
        pthread_mutex_lock(&engine->lock);
        engine->status.in_pass = 0;
        engine->status.passes++;
        engine->status.images += n;
        engine->status.passes_of[n]++;
    }
    for (size_t i = 0; i < n; i++) {
        if (asks && insp_opinions_take(&engine->opinions, batch[i]->opinion, batch[i]->code))
            batch[i]->opinion = NULL;
        insp_score_push(&engine->scored, batch[i]);
    }
    uv_async_send(&engine->async);
    if (asks)
        ask_shadows(engine);
}

/* Runs a call. Under the lock, which it releases for the work. */
static void run_call(struct insp_engine *engine) {
    struct insp_call *call = insp_call_first(&engine->calls);
    engine->status.busy_since_us = insp_mono_us();
    pthread_mutex_unlock(&engine->lock);
    call->code = call->work(engine->device, engine->trunk, call->arg, &call->error);
    measure_memory(engine);
    pthread_mutex_lock(&engine->lock);
    if (call->wait) {
        call->finished = true;
        pthread_cond_broadcast(&engine->call_finished);
        return;
    }
    insp_call_push(&engine->called, call);
    uv_async_send(&engine->async);
}

/* Runs what waits between two passes of a shadow, without a shadow for it. Pictures that wait for a shadow keep
 * their memory: so those behind the present one stay unanswered from then on, and so does the present one after
 * shadow_wait_us. False if it ends, also because the engine stops. */
static bool line_first(void *arg) {
    struct insp_engine *engine = arg;
    pthread_mutex_lock(&engine->lock);
    for (struct insp_opinion *behind; line_waits(engine) && (behind = insp_opinions_next(&engine->opinions));)
        end_opinion(engine, behind);
    while (!engine->stop && line_waits(engine) && engine->line_us < engine->shadow_wait_us) {
        int64_t begin_us = insp_mono_us();
        if (engine->calls.head)
            run_call(engine);
        else
            pass(engine, false);
        engine->line_us += insp_mono_us() - begin_us;
    }
    bool on = !engine->stop && engine->line_us < engine->shadow_wait_us;
    pthread_mutex_unlock(&engine->lock);
    return on;
}

static void *inference_thread(void *arg) {
    struct insp_engine *engine = arg;
    pthread_mutex_lock(&engine->lock);
    while (!engine->stop) {
        if (engine->calls.head)
            run_call(engine);
        else if (engine->waiting.head)
            pass(engine, true);
        else {
            if (engine->busy)
                insp_busy_set(engine->busy, false);
            pthread_cond_wait(&engine->work_came, &engine->lock);
        }
        engine->status.busy_since_us = 0;
    }
    if (engine->busy)
        insp_busy_set(engine->busy, false);
    pthread_mutex_unlock(&engine->lock);
    return NULL;
}

/* --- loop thread --- */

static void deliver(struct insp_engine *engine) {
    pthread_mutex_lock(&engine->lock);
    struct insp_score *score = insp_score_take(&engine->scored);
    struct insp_opinion *opinion = insp_take_ptr(engine->asked);
    struct insp_call *call = insp_call_take(&engine->called);
    pthread_mutex_unlock(&engine->lock);
    while (call) {
        struct insp_call *next = call->next;
        if (call->done)
            call->done(call->arg, call->code, call->code < 0 ? &call->error : NULL);
        free(call);
        call = next;
    }
    while (score) {
        struct insp_score *next = score->next; /* done may free the score */
        struct insp_opinion *unanswered = score->opinion;
        score->done(score);
        insp_opinion_end(unanswered);
        score = next;
    }
    while (opinion) {
        struct insp_opinion *next = opinion->next;
        insp_opinion_end(opinion);
        opinion = next;
    }
}

static void on_async(uv_async_t *async) {
    deliver(async->data);
}

static int open_device(struct insp_device *device, struct insp_trunk *trunk, void *arg,
                       struct insp_error *reterr) {
    (void)device;
    (void)trunk;
    struct insp_engine *engine = arg;
    return insp_device_open(&engine->device_config, &engine->device, reterr);
}

static void free_memory(struct insp_engine *engine) {
    pthread_cond_destroy(&engine->work_came);
    pthread_cond_destroy(&engine->call_finished);
    pthread_mutex_destroy(&engine->lock);
    free(engine->cam);
    insp_opinions_clear(&engine->opinions);
    insp_scoring_room_clear(&engine->room);
    insp_scoring_room_clear(&engine->shadow_room);
    free(engine);
}

static void stop_thread(struct insp_engine *engine) {
    pthread_mutex_lock(&engine->lock);
    engine->stop = true;
    pthread_cond_signal(&engine->work_came);
    pthread_mutex_unlock(&engine->lock);
    pthread_join(engine->thread, NULL);
}

static struct insp_engine *allocate(const struct insp_engine_config *config) {
    struct insp_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return NULL;
    engine->device_config = config->device;
    engine->device_config.batch_max = config->batch_max;
    engine->batch_max = config->batch_max;
    engine->busy = config->busy;
    engine->shadow_wait_us = config->shadow_wait_us ? config->shadow_wait_us : SHADOW_WAIT_US;
    engine->cam = malloc((config->batch_max + INSP_TILES_MAX) * INSP_MAP_FLOATS * sizeof *engine->cam);
    engine->room.pass_max = config->batch_max;
    engine->shadow_room =
        (struct insp_scoring_room){.pass_max = config->batch_max < SHADOW_TILES ? config->batch_max : SHADOW_TILES,
                                   .between = line_first,
                                   .between_arg = engine};
    engine->waiting.tail = &engine->waiting.head;
    engine->scored.tail = &engine->scored.head;
    insp_call_list_begin(&engine->calls);
    insp_call_list_begin(&engine->called);
    pthread_mutex_init(&engine->lock, NULL);
    pthread_cond_init(&engine->work_came, NULL);
    pthread_cond_init(&engine->call_finished, NULL);
    if (engine->cam)
        return engine;
    free_memory(engine);
    return NULL;
}

static void on_closed(uv_handle_t *handle) {
    struct insp_engine *engine = handle->data;
    void (*closed)(void *arg) = engine->closed;
    void *arg = engine->closed_arg;
    insp_device_free(engine->device);
    free_memory(engine);
    if (closed)
        closed(arg);
}

int insp_engine_new(uv_loop_t *loop, const struct insp_engine_config *config, struct insp_engine **ret,
                    struct insp_error *reterr) {
    if (config->batch_max < 1 || config->batch_max > INSP_BATCH_LIMIT)
        return insp_fail(reterr, INSP_E_CONFIG, "a batch of %zu images is not within 1..%d", config->batch_max,
                         INSP_BATCH_LIMIT);
    struct insp_engine *engine = allocate(config);
    if (!engine)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for batches of %zu images", config->batch_max);
    int r = insp_thread_start(&engine->thread, "insp-inference", inference_thread, engine, reterr);
    if (r < 0) {
        free_memory(engine);
        return r;
    }
    r = insp_engine_call(engine, open_device, NULL, engine, true, reterr);
    if (r == 0) { /* last, so that a failure leaves no handle on the loop; nothing is sent before a submit */
        int uv = uv_async_init(loop, &engine->async, on_async);
        if (uv < 0)
            r = insp_fail(reterr, INSP_E_INTERNAL, "uv_async_init: %s", uv_strerror(uv));
    }
    if (r < 0) {
        stop_thread(engine);
        insp_device_free(engine->device);
        free_memory(engine);
        return r;
    }
    engine->async.data = engine;
    pthread_mutex_lock(&engine->lock);
    snprintf(engine->status.device, sizeof engine->status.device, "%s", insp_device_name(engine->device));
    snprintf(engine->status.description, sizeof engine->status.description, "%s",
             insp_device_describe(engine->device));
    pthread_mutex_unlock(&engine->lock);
    *ret = engine;
    return 0;
}

struct load {
    struct insp_engine *engine;
    const struct insp_trunk_weights *weights;
    const char *sha256;
};

static int load_work(struct insp_device *device, struct insp_trunk *trunk, void *arg, struct insp_error *reterr) {
    struct load *load = arg;
    struct insp_engine *engine = load->engine;
    if (trunk)
        return !strcmp(engine->trunk_sha256, load->sha256)
                   ? 0
                   : insp_fail(reterr, INSP_E_CONFLICT, "trunk %.12s is loaded already", engine->trunk_sha256);
    int r = insp_trunk_load(device, load->weights, &engine->trunk, reterr);
    if (r < 0)
        return r;
    snprintf(engine->trunk_sha256, sizeof engine->trunk_sha256, "%s", load->sha256);
    atomic_store(&engine->has_trunk, true);
    return 0;
}

int insp_engine_load_trunk(struct insp_engine *engine, const struct insp_trunk_weights *weights,
                           const char *sha256, struct insp_error *reterr) {
    struct load load = {.engine = engine, .weights = weights, .sha256 = sha256};
    return insp_engine_call(engine, load_work, NULL, &load, true, reterr);
}

const char *insp_engine_trunk_sha256(const struct insp_engine *engine) {
    return atomic_load(&engine->has_trunk) ? engine->trunk_sha256 : "";
}

struct insp_device *insp_engine_device(const struct insp_engine *engine) {
    return engine->device;
}

void insp_engine_submit(struct insp_engine *engine, struct insp_score *score) {
    score->submitted_us = insp_mono_us();
    if (score->opinion)
        score->opinion->halves++;
    pthread_mutex_lock(&engine->lock);
    insp_score_push(&engine->waiting, score);
    engine->status.queued++;
    if (engine->busy)
        insp_busy_set(engine->busy, true);
    pthread_cond_signal(&engine->work_came);
    pthread_mutex_unlock(&engine->lock);
}

int insp_engine_call(struct insp_engine *engine, insp_engine_work *work, insp_engine_done *done, void *arg,
                     bool wait, struct insp_error *reterr) {
    struct insp_call local = {0}, *call = wait ? &local : calloc(1, sizeof *call);
    if (!call)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for work on the inference thread");
    *call = (struct insp_call){.work = work, .done = done, .arg = arg, .wait = wait};
    pthread_mutex_lock(&engine->lock);
    insp_call_push(&engine->calls, call);
    pthread_cond_signal(&engine->work_came);
    while (wait && !call->finished)
        pthread_cond_wait(&engine->call_finished, &engine->lock);
    pthread_mutex_unlock(&engine->lock);
    if (!wait)
        return 0;
    if (done)
        done(arg, local.code, local.code < 0 ? &local.error : NULL);
    if (local.code < 0 && reterr)
        *reterr = local.error;
    return local.code;
}

void insp_engine_status(struct insp_engine *engine, struct insp_engine_status *ret) {
    pthread_mutex_lock(&engine->lock);
    *ret = engine->status;
    pthread_mutex_unlock(&engine->lock);
    ret->device_failed = engine->device && insp_device_failed(engine->device);
}

/* Refuses all waiting images and calls; returns true if any is to be delivered. After the join. */
static bool refuse_rest(struct insp_engine *engine) {
    int64_t now_us = insp_mono_us();
    struct insp_score *next = insp_score_take(&engine->waiting);
    for (struct insp_score *score; (score = next);) {
        next = score->next;
        engine->status.queued--;
        refuse(score, INSP_E_SHUTTING_DOWN, now_us, "the daemon stopped before the image was scored");
        insp_score_push(&engine->scored, score);
    }
    struct insp_call *next_call = insp_call_take(&engine->calls);
    for (struct insp_call *call; (call = next_call);) {
        next_call = call->next;
        call->code = insp_fail(&call->error, INSP_E_SHUTTING_DOWN, "the daemon is stopping");
        insp_call_push(&engine->called, call);
    }
    return engine->scored.head || engine->called.head || engine->asked;
}

void insp_engine_close(struct insp_engine *engine, void (*closed)(void *arg), void *arg) {
    stop_thread(engine);
    while (refuse_rest(engine)) /* an image that a `done` submits is refused too */
        deliver(engine);
    insp_trunk_free(engine->trunk);
    engine->closed = closed;
    engine->closed_arg = arg;
    uv_close((uv_handle_t *)&engine->async, on_closed);
}
