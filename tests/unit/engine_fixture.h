/* tests/unit/engine_fixture.h - open an engine with a loop, and two models with known verdicts. All weights are 0
 * except the classifier's bias, so the network answers that bias for any picture, and the fake device answers the
 * picture's brightness: a white picture with the model `bad` is an anomaly on both, a black one with `good` is
 * not. */
#ifndef INSP_TESTS_ENGINE_FIXTURE_H
#define INSP_TESTS_ENGINE_FIXTURE_H

#include "core/base/clock.h"
#include "core/inspect/engine.h"
#include "core/model/weights.h"
#include "tests/unit/harness.h"

#include <math.h>
#include <semaphore.h>
#include <string.h>

struct engine_fixture {
    uv_loop_t loop;
    struct insp_engine *engine;
    struct insp_busy *busy;
    struct insp_model *good, *bad, *broken; /* broken: its output is not a number */
    sem_t gate, entered;
    bool closed;
    struct insp_error err;
};

struct engine_model {
    float bias;
    struct insp_model **ret;
};

static inline int engine_load_model(struct insp_device *device, struct insp_trunk *trunk, void *arg,
                                    struct insp_error *reterr) {
    (void)trunk;
    const struct engine_model *wanted = arg;
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *buffers = insp_tail_buffers_new();
    buffers->classifier_bias[INSP_CLASS_ANOMALY] = wanted->bias;
    struct insp_tail_weights weights = insp_tail_buffers_view(buffers);
    struct insp_model *model = calloc(1, sizeof *model);
    model->references = 1;
    model->manifest = insp_manifest_new();
    strcpy(model->manifest->product, "p");
    strcpy(model->manifest->version, "v1");
    *wanted->ret = model;
    return insp_tail_load(device, &weights, &model->tail, reterr);
}

static inline struct insp_model *engine_model(struct engine_fixture *f, float bias) {
    struct insp_model *model;
    struct engine_model wanted = {.bias = bias, .ret = &model};
    ck_insp_ok(insp_engine_call(f->engine, engine_load_model, NULL, &wanted, true, &f->err), f->err);
    return model;
}

/* Of the engines that are opened next; 0: the default. */
static int64_t engine_shadow_wait_us;

static inline void engine_open(struct engine_fixture *f, size_t batch_max, bool trunk) {
    *f = (struct engine_fixture){0};
    ck_insp_ok(insp_busy_new(&f->busy, &f->err), f->err);
    struct insp_engine_config config = {.device = {.name = "cpu", .threads = 1},
                                        .batch_max = batch_max,
                                        .busy = f->busy,
                                        .shadow_wait_us = engine_shadow_wait_us};
    sem_init(&f->gate, 0, 0);
    sem_init(&f->entered, 0, 0);
    ck_assert_int_eq(uv_loop_init(&f->loop), 0);
    ck_insp_ok(insp_engine_new(&f->loop, &config, &f->engine, &f->err), f->err);
    f->good = engine_model(f, -6);
    f->bad = engine_model(f, 6);
    f->broken = engine_model(f, NAN);
    if (!trunk)
        return;
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = insp_trunk_arrays_new();
    struct insp_trunk_weights weights = insp_trunk_arrays_view(arrays);
    ck_insp_ok(insp_engine_load_trunk(f->engine, &weights, "abc", &f->err), f->err);
    ck_assert_str_eq(insp_engine_trunk_sha256(f->engine), "abc");
    ck_insp_ok(insp_engine_load_trunk(f->engine, &weights, "abc", &f->err), f->err);
    ck_insp_code(insp_engine_load_trunk(f->engine, &weights, "def", &f->err), INSP_E_CONFLICT, f->err);
}

static inline void engine_closed(void *arg) {
    struct engine_fixture *f = arg;
    f->closed = true;
}

static inline void engine_close(struct engine_fixture *f) {
    insp_engine_close(f->engine, engine_closed, f); /* nothing scores with the models from here on */
    insp_model_unref(f->good);
    insp_model_unref(f->bad);
    insp_model_unref(f->broken);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    ck_assert(f->closed);
    insp_busy_free(f->busy);
    ck_assert_int_eq(uv_loop_close(&f->loop), 0); /* no handle was left */
}

static inline int engine_wait_at_gate(struct insp_device *device, struct insp_trunk *trunk, void *arg,
                                      struct insp_error *reterr) {
    (void)device;
    (void)trunk;
    (void)reterr;
    struct engine_fixture *f = arg;
    sem_post(&f->entered);
    sem_wait(&f->gate);
    return 0;
}

/* Blocks the inference thread until engine_release, so that a test decides which images wait for the device. */
static inline void engine_hold(struct engine_fixture *f) {
    ck_insp_ok(insp_engine_call(f->engine, engine_wait_at_gate, NULL, f, false, &f->err), f->err);
    sem_wait(&f->entered);
}

static inline void engine_release(struct engine_fixture *f) {
    sem_post(&f->gate);
}

#endif
