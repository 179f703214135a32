#include "core/inspect/engine.h"

#include "tests/unit/engine_fixture.h"

#include <pthread.h>
#include <unistd.h>

enum { SCORES = 8 };

struct scores {
    struct engine_fixture f;
    struct insp_score score[SCORES];
    float cam[SCORES][INSP_MAP_FLOATS];
    uint8_t *rgb[SCORES];
    size_t finished;
};

static void on_done(struct insp_score *score) {
    struct scores *scores = score->data;
    scores->finished++;
}

static bool fake(const struct scores *s) {
    return strstr(insp_device_describe(insp_engine_device(s->f.engine)), "fake") != NULL;
}

static void submit(struct scores *s, size_t i, struct insp_model *model, float brightness, int64_t deadline_us) {
    s->rgb[i] = malloc(INSP_INPUT_FLOATS);
    memset(s->rgb[i], (int)(brightness * 255), INSP_INPUT_FLOATS);
    s->score[i] = (struct insp_score){.model = model,
                                      .rgb = s->rgb[i],
                                      .cam = s->cam[i],
                                      .deadline_us = deadline_us,
                                      .done = on_done,
                                      .data = s};
    insp_engine_submit(s->f.engine, &s->score[i]);
}

static void run_until(struct scores *s, size_t finished) {
    while (s->finished < finished)
        uv_run(&s->f.loop, UV_RUN_ONCE);
}

static void finish(struct scores *s) {
    engine_close(&s->f);
    for (size_t i = 0; i < SCORES; i++)
        free(s->rgb[i]);
}

START_TEST(test_what_waits_is_one_batch_of_mixed_products) {
    static struct scores s;
    engine_open(&s.f, 3, true);
    engine_hold(&s.f);
    for (size_t i = 0; i < 5; i++)
        submit(&s, i, i % 2 ? s.f.bad : s.f.good, (float)(i % 2), 0);
    struct insp_engine_status status;
    insp_engine_status(s.f.engine, &status);
    ck_assert_uint_eq(status.queued, 5);
    ck_assert_int_ne(status.busy_since_us, 0);
    engine_release(&s.f);
    run_until(&s, 5);
    for (size_t i = 0; i < 5; i++) {
        ck_insp_ok(s.score[i].code, s.score[i].error);
        ck_assert_uint_eq(s.score[i].batch, i < 3 ? 3 : 2);
        ck_assert(i % 2 ? s.score[i].probability > 0.9f : s.score[i].probability < 0.1f);
        ck_assert_int_ge(s.score[i].queue_us, 0);
        ck_assert_int_gt(s.score[i].inference_us, 0);
    }
    insp_engine_status(s.f.engine, &status);
    ck_assert_uint_eq(status.queued, 0);
    ck_assert_uint_eq(status.in_pass, 0);
    ck_assert_uint_eq(status.images, 5);
    ck_assert_uint_eq(status.passes, 2);
    ck_assert_uint_eq(status.passes_of[3], 1);
    ck_assert_uint_eq(status.passes_of[2], 1);
    ck_assert_uint_eq(status.memory.total_bytes, 0); /* a CPU uses the process's memory */
    ck_assert_str_eq(status.device, "cpu");
    finish(&s);
}
END_TEST

static void *wait_idle(void *arg) {
    struct scores *s = arg;
    insp_busy_wait(s->f.busy, 60 * 1000000);
    struct insp_engine_status status;
    insp_engine_status(s->f.engine, &status);
    return status.queued == 0 && status.in_pass == 0 ? arg : NULL;
}

START_TEST(test_a_training_waits_while_images_wait) {
    static struct scores s;
    pthread_t thread;
    void *was_idle;
    engine_open(&s.f, 3, true);
    engine_hold(&s.f);
    submit(&s, 0, s.f.good, 0, 0);
    int64_t before_us = insp_mono_us();
    insp_busy_wait(s.f.busy, 20000); /* nothing can be scored now: the limit ends the wait */
    ck_assert_int_ge(insp_mono_us() - before_us, 20000);
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_idle, &s), 0);
    engine_release(&s.f);
    run_until(&s, 1);
    pthread_join(thread, &was_idle);
    ck_assert_ptr_eq(was_idle, &s);
    finish(&s);
}
END_TEST

START_TEST(test_expired_are_answered_unscored) {
    static struct scores s;
    engine_open(&s.f, 4, true);
    engine_hold(&s.f);
    submit(&s, 0, s.f.good, 0, insp_mono_us());
    submit(&s, 1, s.f.good, 0, 0);
    submit(&s, 2, s.f.good, 0, insp_mono_us() + 3600 * 1000000LL);
    engine_release(&s.f);
    run_until(&s, 3);
    ck_assert_int_eq(s.score[0].code, INSP_E_DEADLINE);
    ck_assert_uint_eq(s.score[0].batch, 0);
    ck_insp_ok(s.score[1].code, s.score[1].error);
    ck_assert_uint_eq(s.score[1].batch, 2);
    ck_insp_ok(s.score[2].code, s.score[2].error);
    finish(&s);
}
END_TEST

/* A batch that the device has no memory for is scored in halves: nobody is refused. */
START_TEST(test_out_of_memory_splits_the_batch) {
    static struct scores s;
    setenv("INSP_FAKE_MEMORY_IMAGES", "2", 1);
    engine_open(&s.f, SCORES, true);
    engine_hold(&s.f);
    for (size_t i = 0; i < SCORES - 1; i++)
        submit(&s, i, i % 2 ? s.f.bad : s.f.good, (float)(i % 2), 0);
    engine_release(&s.f);
    run_until(&s, SCORES - 1);
    for (size_t i = 0; i < SCORES - 1; i++) {
        ck_insp_ok(s.score[i].code, s.score[i].error);
        ck_assert(i % 2 ? s.score[i].probability > 0.9f : s.score[i].probability < 0.1f);
        ck_assert_uint_eq(s.score[i].batch, SCORES - 1);
    }
    finish(&s);
}
END_TEST

/* How often a text stands in a file. */
static unsigned occurrences(int fd, const char *text) {
    static char all[1 << 16];
    ssize_t bytes = pread(fd, all, sizeof all - 1, 0);
    unsigned found = 0;
    ck_assert_int_ge(bytes, 0);
    all[bytes] = '\0';
    for (const char *at = all; (at = strstr(at, text)); at++)
        found++;
    return found;
}

/* The size that fitted holds for later batches, too: a failed attempt costs about as much as a pass. */
START_TEST(test_a_size_that_did_not_fit_is_not_tried_again) {
    static struct scores s;
    char path[] = "/tmp/insp-engine-log-XXXXXX";
    const int log = mkstemp(path);
    ck_assert_int_ge(log, 0);
    unlink(path);
    dup2(log, STDERR_FILENO);
    setenv("INSP_FAKE_MEMORY_IMAGES", "2", 1);
    engine_open(&s.f, SCORES, true);
    for (size_t round = 1; round <= 3; round++) {
        engine_hold(&s.f);
        for (size_t i = 0; i < 7; i++)
            submit(&s, i, s.f.good, 0, 0);
        engine_release(&s.f);
        run_until(&s, 7 * round);
        for (size_t i = 0; i < 7; i++) {
            ck_insp_ok(s.score[i].code, s.score[i].error);
            free(s.rgb[i]);
            s.rgb[i] = NULL;
        }
    }
    ck_assert_uint_eq(occurrences(log, "no device memory for a batch"), fake(&s) ? 2 : 0); /* 7 and 3 images */
    finish(&s);
    close(log);
}
END_TEST

struct two {
    const struct insp_model *model;
    struct insp_error error;
};

static int score_two(struct insp_device *device, struct insp_trunk *trunk, void *arg, struct insp_error *reterr) {
    (void)device;
    (void)reterr;
    struct two *two = arg;
    static uint8_t rgb[INSP_INPUT_FLOATS];
    const struct insp_picture picture = {two->model->tail, rgb, &two->model->manifest->input};
    float probability[2], cam[2 * INSP_MAP_FLOATS];
    return insp_score_pictures(trunk, (struct insp_picture[]){picture, picture}, 2, probability, cam, &two->error);
}

/* error.h's contract: a batch that succeeded in halves leaves the error as it was. */
START_TEST(test_a_split_batch_reports_only_its_outcome) {
    static struct scores s;
    setenv("INSP_FAKE_MEMORY_IMAGES", "1", 1);
    engine_open(&s.f, 4, true);
    struct two two = {.model = s.f.good};
    ck_insp_ok(insp_engine_call(s.f.engine, score_two, NULL, &two, true, NULL), two.error);
    ck_assert_int_eq(two.error.code, 0);
    ck_assert_str_eq(two.error.detail, "");
    finish(&s);
}
END_TEST

/* Without memory for a single image each fails with that code, and the engine goes on. */
START_TEST(test_out_of_memory_is_reported) {
    static struct scores s;
    setenv("INSP_FAKE_MEMORY_IMAGES", "0", 1);
    engine_open(&s.f, 4, true);
    submit(&s, 0, s.f.good, 0, 0);
    submit(&s, 1, s.f.good, 0, 0);
    run_until(&s, 2);
    for (size_t i = 0; i < 2; i++)
        ck_assert(fake(&s) ? s.score[i].code == INSP_E_NOMEM : s.score[i].code == 0);
    finish(&s);
}
END_TEST

START_TEST(test_only_the_culprit_fails) {
    static struct scores s;
    engine_open(&s.f, 4, true);
    engine_hold(&s.f);
    submit(&s, 0, s.f.bad, 1, 0);
    submit(&s, 1, s.f.broken, 0, 0);
    submit(&s, 2, s.f.good, 0, 0);
    engine_release(&s.f);
    run_until(&s, 3);
    ck_insp_ok(s.score[0].code, s.score[0].error);
    ck_assert(s.score[0].probability > 0.9f);
    ck_assert_int_eq(s.score[1].code, INSP_E_MODEL);
    ck_insp_ok(s.score[2].code, s.score[2].error);
    ck_assert(s.score[2].probability < 0.1f);
    finish(&s);
}
END_TEST

START_TEST(test_without_a_trunk_it_says_so) {
    static struct scores s;
    engine_open(&s.f, 4, false);
    ck_assert_str_eq(insp_engine_trunk_sha256(s.f.engine), "");
    ck_insp_code(insp_engine_open_trunk(s.f.engine, "/nonexistent", "abc", &s.f.err), INSP_E_NOT_FOUND, s.f.err);
    ck_assert_str_eq(insp_engine_trunk_sha256(s.f.engine), "");
    submit(&s, 0, s.f.good, 0, 0);
    run_until(&s, 1);
    ck_assert_int_eq(s.score[0].code, INSP_E_NOT_READY);
    finish(&s);
}
END_TEST

static int refuse_work(struct insp_device *device, struct insp_trunk *trunk, void *arg,
                       struct insp_error *reterr) {
    ck_assert(device && trunk);
    *(uv_thread_t *)arg = uv_thread_self();
    return insp_fail(reterr, INSP_E_MODEL, "no good");
}

static int called_code;
static void on_called(void *arg, int code, const struct insp_error *error) {
    uv_thread_t worked = *(uv_thread_t *)arg, self = uv_thread_self();
    ck_assert(!uv_thread_equal(&worked, &self));
    ck_assert_str_eq(error->detail, "no good");
    called_code = code;
}

START_TEST(test_calls_run_on_the_inference_thread) {
    struct engine_fixture f;
    uv_thread_t worked, self = uv_thread_self();
    engine_open(&f, 1, true);
    ck_insp_code(insp_engine_call(f.engine, refuse_work, NULL, &worked, true, &f.err), INSP_E_MODEL, f.err);
    ck_assert(!uv_thread_equal(&worked, &self));
    ck_insp_ok(insp_engine_call(f.engine, refuse_work, on_called, &worked, false, &f.err), f.err);
    while (!called_code)
        uv_run(&f.loop, UV_RUN_ONCE);
    ck_assert_int_eq(called_code, INSP_E_MODEL);
    engine_close(&f);
}
END_TEST

static void submit_again(struct insp_score *score) {
    struct scores *s = score->data;
    s->finished++;
    if (score->code != INSP_E_SHUTTING_DOWN || s->finished < 2)
        insp_engine_submit(s->f.engine, score);
}

/* Every image that waits at the end is answered once, even those that a done callback submits while the engine
 * closes. */
START_TEST(test_close_answers_what_waits) {
    static struct scores s;
    engine_open(&s.f, 4, true);
    submit(&s, 0, s.f.good, 0, 0);
    s.score[0].done = submit_again;
    engine_close(&s.f);
    ck_assert_uint_ge(s.finished, 2);
    ck_assert_int_eq(s.score[0].code, INSP_E_SHUTTING_DOWN);
    free(s.rgb[0]);
}
END_TEST

START_TEST(test_what_cannot_start_leaves_nothing) {
    uv_loop_t loop;
    struct insp_engine *engine;
    struct insp_error err;
    struct insp_engine_config config = {.device = {.name = "abacus"}, .batch_max = 4};
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_insp_code(insp_engine_new(&loop, &config, &engine, &err), INSP_E_DEVICE, err);
    config.batch_max = 65;
    ck_insp_code(insp_engine_new(&loop, &config, &engine, &err), INSP_E_CONFIG, err);
    config.batch_max = 0;
    ck_insp_code(insp_engine_new(&loop, &config, &engine, &err), INSP_E_CONFIG, err);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

struct asked {
    size_t ended, answered;
    float probability;
    int code;
};

static void on_ended(struct insp_opinion *opinion) {
    struct asked *asked = opinion->data;
    asked->ended++;
    asked->answered += opinion->answered;
    asked->probability = opinion->probability;
    asked->code = opinion->code;
    insp_opinion_free(opinion);
}

/* Submits a picture of so many tiles with a shadow. The opinion owns the picture. Its pipeline's half ends at
 * once, as if the inspection had been stored before. */
static void submit_asking(struct scores *s, size_t i, struct asked *asked, struct insp_model *shadow, size_t tiles,
                          void (*done)(struct insp_score *score)) {
    struct insp_opinion *opinion = insp_opinion_new(shadow);
    opinion->done = on_ended;
    opinion->data = asked;
    opinion->rgb = calloc(tiles, INSP_INPUT_FLOATS);
    s->score[i] = (struct insp_score){
        .model = s->f.good, .rgb = opinion->rgb, .cam = s->cam[i], .opinion = opinion, .done = done, .data = s};
    insp_engine_submit(s->f.engine, &s->score[i]);
    insp_opinion_end(opinion);
}

START_TEST(test_a_shadow_is_asked_after_the_answer) {
    static struct scores s;
    struct asked asked = {0};
    engine_open(&s.f, 1, true);
    submit_asking(&s, 0, &asked, s.f.bad, 1, on_done);
    run_until(&s, 1);
    while (!asked.ended)
        uv_run(&s.f.loop, UV_RUN_ONCE);
    ck_insp_ok(s.score[0].code, s.score[0].error);
    ck_assert_float_lt(s.score[0].probability, 0.1F);
    ck_assert(asked.answered == 1 && asked.probability > 0.5F); /* the fake device adds 1 for `bad`, or clamps */
    finish(&s);
}
END_TEST

START_TEST(test_a_shadow_waits_for_every_picture_and_its_failure_is_its_own) {
    static struct scores s;
    struct asked asked = {0};
    engine_open(&s.f, 1, true);
    engine_hold(&s.f);
    for (size_t i = 0; i < 4; i++)
        submit_asking(&s, i, &asked, s.f.bad, 1, on_done);
    engine_release(&s.f);
    run_until(&s, 4);
    while (asked.ended < 4)
        uv_run(&s.f.loop, UV_RUN_ONCE);
    ck_assert_uint_eq(asked.answered, 1); /* the last: behind the others pictures waited */
    ck_assert_int_eq(asked.code, 0);
    submit_asking(&s, 4, &asked, s.f.broken, 1, on_done);
    run_until(&s, 5);
    while (asked.ended < 5)
        uv_run(&s.f.loop, UV_RUN_ONCE);
    ck_insp_ok(s.score[4].code, s.score[4].error);
    ck_assert_uint_eq(asked.answered, 1);
    ck_assert_int_lt(asked.code, 0); /* not for want of time */
    finish(&s);
}
END_TEST

/* A picture that comes while a shadow scores its tiles waits for one pass of it, not for all; afterwards the
 * shadow goes on. Each pass of the fake device takes 20 ms, so the tiles take a quarter of a second. */
static void submit_the_second(struct insp_score *score) {
    struct scores *s = score->data;
    on_done(score);
    submit(s, 1, s->f.good, 0, 0);
}

enum { TILES = 48 };

/* Opens an engine with a slow device and a shadow that has tiles. shadow_wait_us: 0 for the default. */
static void open_with_tiles(struct scores *s, int64_t shadow_wait_us) {
    engine_shadow_wait_us = shadow_wait_us;
    setenv("INSP_FAKE_PASS_MS", "20", 1);
    engine_open(&s->f, 64, true);
    unsetenv("INSP_FAKE_PASS_MS");
    engine_shadow_wait_us = 0;
    ck_insp_ok(insp_manifest_tile(s->f.bad->manifest, (struct insp_tiles){8, 6}, &s->f.err), s->f.err);
}

START_TEST(test_a_picture_waits_for_one_pass_of_the_tiles_of_a_shadow) {
    static struct scores s;
    struct asked asked = {0};
    open_with_tiles(&s, 0);
    submit_asking(&s, 0, &asked, s.f.bad, TILES, submit_the_second);
    run_until(&s, 2);
    ck_assert_uint_eq(asked.ended, 0); /* the shadow is not through yet */
    while (!asked.ended)
        uv_run(&s.f.loop, UV_RUN_ONCE);
    ck_insp_ok(s.score[1].code, s.score[1].error);
    ck_assert(asked.answered == 1 && asked.code == 0 && asked.probability > 0.5F);
    finish(&s);
}
END_TEST

/* A line that always has a picture waiting: two pictures come again as soon as they are answered. Of two shadows
 * with tiles the second one is skipped when the first picture waits; the present one, whose 12 passes leave room
 * for 11 of the line, when those took 30 ms. Neither has failed. */
static struct asked *until_ended;

static void come_again(struct insp_score *score) {
    struct scores *s = score->data;
    on_done(score);
    if (until_ended->ended < 2)
        insp_engine_submit(s->f.engine, score);
}

START_TEST(test_a_saturated_line_skips_shadows_with_tiles) {
    static struct scores s;
    static struct asked asked;
    until_ended = &asked;
    open_with_tiles(&s, 30000);
    engine_hold(&s.f);
    for (size_t i = 0; i < 2; i++)
        submit_asking(&s, i, &asked, s.f.bad, TILES, on_done);
    engine_release(&s.f);
    run_until(&s, 2);
    for (size_t i = 2; i < 4; i++) {
        submit(&s, i, s.f.good, 0, 0);
        s.score[i].done = come_again;
    }
    while (asked.ended < 2)
        uv_run(&s.f.loop, UV_RUN_ONCE);
    ck_assert(asked.answered == 0 && asked.code == 0);
    finish(&s);
}
END_TEST

/* Closing ends a shadow between two passes: it is unanswered, and has not failed. */
START_TEST(test_closing_ends_the_tiles_of_a_shadow) {
    static struct scores s;
    struct asked asked = {0};
    open_with_tiles(&s, 0);
    submit_asking(&s, 0, &asked, s.f.bad, TILES, on_done);
    run_until(&s, 1);
    finish(&s);
    ck_assert(asked.ended == 1 && asked.answered == 0 && asked.code == 0);
}
END_TEST

START_TEST(test_opinions_end_when_the_engine_closes) {
    static struct scores s;
    struct asked asked = {0};
    engine_open(&s.f, 1, true);
    engine_hold(&s.f);
    for (size_t i = 0; i < 3; i++)
        submit_asking(&s, i, &asked, s.f.bad, 1, on_done);
    engine_release(&s.f);
    finish(&s);
    ck_assert(asked.ended == 3 && s.finished == 3);
}
END_TEST

INSP_TESTS(test_a_picture_waits_for_one_pass_of_the_tiles_of_a_shadow,
           test_a_saturated_line_skips_shadows_with_tiles, test_closing_ends_the_tiles_of_a_shadow,
           test_a_shadow_is_asked_after_the_answer,
           test_a_shadow_waits_for_every_picture_and_its_failure_is_its_own,
           test_opinions_end_when_the_engine_closes, test_what_waits_is_one_batch_of_mixed_products,
           test_a_training_waits_while_images_wait, test_expired_are_answered_unscored,
           test_out_of_memory_splits_the_batch, test_a_size_that_did_not_fit_is_not_tried_again,
           test_a_split_batch_reports_only_its_outcome, test_out_of_memory_is_reported,
           test_only_the_culprit_fails, test_without_a_trunk_it_says_so, test_calls_run_on_the_inference_thread,
           test_close_answers_what_waits, test_what_cannot_start_leaves_nothing);
