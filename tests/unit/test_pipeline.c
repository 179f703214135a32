#include "core/inspect/pipeline.h"

#include "core/inspect/suspect.h"
#include "tests/unit/engine_fixture.h"
#include "tests/unit/lanes_fixture.h"
#include "tests/unit/store_fixture.h"

#include <pthread.h>
#include <sqlite3.h>

enum { JOBS = 8, SIDE = 32 };

struct line {
    struct engine_fixture f;
    struct fixture disk;
    struct insp_lanes *lanes;
    struct insp_pipeline *pipeline;
    struct insp_inspection *job[JOBS];
    size_t finished, full;
    bool submitting;
};

static void on_nospace(void *arg) {
    struct line *line = arg;
    line->full++;
}

static void on_done(struct insp_inspection *job) {
    struct line *line = job->data;
    ck_assert(!line->submitting);
    ck_assert_ptr_null(job->rgb);
    ck_assert_ptr_null(job->body);
    line->finished++;
}

static unsigned frozen_repeats; /* of the next line_open */

static void line_open(struct line *line) {
    *line = (struct line){0};
    engine_open(&line->f, 4, true);
    fixture_open(&line->disk);
    line->lanes = lanes_open(&line->f.loop);
    struct insp_pipeline_config config = {.image_limits = insp_image_limits_default(),
                                          .lanes = line->lanes,
                                          .engine = line->f.engine,
                                          .store = line->disk.store,
                                          .frozen_repeats = frozen_repeats,
                                          .on_nospace = on_nospace,
                                          .on_nospace_arg = line};
    ck_insp_ok(insp_pipeline_new(&config, &line->pipeline, &line->f.err), line->f.err);
}

static void line_close(struct line *line) {
    ck_assert_uint_eq(insp_pipeline_in_flight(line->pipeline), 0);
    for (size_t i = 0; i < JOBS; i++)
        insp_inspection_free(line->job[i]);
    insp_pipeline_free(line->pipeline);
    lanes_close(line->lanes);
    engine_close(&line->f);
    fixture_close(&line->disk);
}

/* A grey picture of SIDE x SIDE; white goes to the model that says anomaly. */
static struct insp_inspection *make(struct line *line, size_t i, bool white) {
    struct insp_inspection *job = insp_inspection_new();
    job->body_bytes = SIDE * SIDE;
    job->body = malloc(job->body_bytes);
    memset(job->body, white ? 255 : 0, job->body_bytes);
    job->type = (struct insp_media_type){INSP_MEDIA_RAW, INSP_RAW_MONO8, SIDE, SIDE};
    job->received_us = insp_wall_us();
    job->started_us = insp_mono_us();
    job->model = insp_model_ref(white ? line->f.bad : line->f.good);
    strcpy(job->camera, "cam");
    job->done = on_done;
    job->data = line;
    line->job[i] = job;
    return job;
}

static void submit(struct line *line, struct insp_inspection *job) {
    line->submitting = true;
    ck_insp_ok(insp_pipeline_submit(line->pipeline, job, &line->f.err), line->f.err);
    line->submitting = false;
}

static void run_until(struct line *line, size_t finished) {
    while (line->finished < finished)
        uv_run(&line->f.loop, UV_RUN_ONCE);
}

static uint64_t stored(struct line *line) {
    struct insp_store_usage usage;
    ck_insp_ok(insp_store_usage(line->disk.store, &usage, &line->disk.err), line->disk.err);
    return usage.inspections;
}

static int expect_record(void *arg, const struct insp_record *record) {
    const struct insp_inspection *job = arg;
    ck_assert_str_eq(record->product, "p");
    ck_assert_str_eq(record->model, "v1");
    ck_assert_str_eq(record->camera, "cam");
    ck_assert_str_eq(record->sha256, job->sha256);
    ck_assert_str_eq(record->media_type, "image/x-raw;format=mono8;width=32;height=32");
    ck_assert_str_eq(record->extension, "raw");
    ck_assert(record->verdict == job->verdict && record->probability == job->score.probability);
    ck_assert(record->width == SIDE && record->height == SIDE);
    ck_assert_uint_eq(record->image_bytes, SIDE * SIDE);
    ck_assert_uint_eq(record->box_count, job->heat.box_count);
    for (size_t i = 0; i < record->box_count; i++) {
        const struct insp_box *got = &record->box[i], *box = &job->heat.box[i];
        ck_assert(got->x == box->x && got->y == box->y && got->width == box->width && got->height == box->height);
        ck_assert_float_eq_tol(got->max, box->max, 1e-4f);
    }
    ck_assert_mem_eq(record->cam, job->cam, INSP_MAP_FLOATS * sizeof *job->cam);
    ck_assert(record->decode_us == job->decode_us && record->queue_us == job->queue_us);
    ck_assert(record->inference_us == job->inference_us && record->store_us == job->store_us);
    ck_assert_int_eq(record->total_us, job->total_us);
    return 0;
}

static int expect_suspect(void *arg, const struct insp_record *record) {
    const struct insp_inspection *job = arg;
    ck_assert(record->verdict == job->verdict);
    ck_assert_uint_eq(record->suspect, job->suspect);
    return 0;
}

START_TEST(test_stored_then_answered) {
    static struct line line;
    line_open(&line);
    for (size_t i = 0; i < JOBS; i++)
        submit(&line, make(&line, i, i % 2));
    ck_assert_uint_eq(insp_pipeline_in_flight(line.pipeline), JOBS);
    run_until(&line, JOBS);
    ck_assert_uint_eq(stored(&line), JOBS);
    for (size_t i = 0; i < JOBS; i++) {
        struct insp_inspection *job = line.job[i];
        ck_insp_ok(job->code, job->error);
        ck_assert((job->verdict == INSP_VERDICT_ANOMALY) == (i % 2 != 0));
        ck_assert_int_eq(job->total_us, job->receive_us + job->wait_us + job->decode_us + job->queue_us +
                                            job->inference_us + job->store_us);
        ck_assert(job->receive_us >= 0 && job->wait_us >= 0 && job->decode_us > 0 && job->commit_us > 0);
        ck_insp_ok(insp_store_get(line.disk.store, job->id, expect_record, job, &line.disk.err), line.disk.err);
    }
    line_close(&line);
}
END_TEST

START_TEST(test_what_ends_early_is_not_stored) {
    static struct line line;
    line_open(&line);
    struct insp_inspection *late = make(&line, 0, true), *left = make(&line, 1, true), *cut = make(&line, 2, true),
                           *fine = make(&line, 3, true);
    late->deadline_us = 1;
    ck_assert(insp_pipeline_abandon(left));
    cut->body_bytes--;
    fine->deadline_us = insp_mono_us() + 3600 * 1000000LL;
    submit(&line, late);
    submit(&line, left);
    submit(&line, cut);
    submit(&line, fine);
    run_until(&line, 4);
    ck_assert_int_eq(late->code, INSP_E_DEADLINE);
    ck_assert_int_eq(left->code, INSP_E_CANCELLED);
    ck_assert_int_eq(cut->code, INSP_E_IMAGE);
    ck_insp_ok(fine->code, fine->error);
    ck_assert_uint_eq(stored(&line), 1);
    line_close(&line);
}
END_TEST

/* The client leaves while its image waits for the device: scored or not, nothing is stored. */
START_TEST(test_left_while_it_waits) {
    static struct line line;
    struct insp_engine_status status = {0};
    line_open(&line);
    engine_hold(&line.f);
    submit(&line, make(&line, 0, true));
    while (!status.queued) {
        uv_run(&line.f.loop, UV_RUN_ONCE);
        insp_engine_status(line.f.engine, &status);
    }
    ck_assert(insp_pipeline_abandon(line.job[0]));
    engine_release(&line.f);
    run_until(&line, 1);
    ck_assert_int_eq(line.job[0]->code, INSP_E_CANCELLED);
    ck_assert_uint_eq(stored(&line), 0);
    line_close(&line);
}
END_TEST

struct holder {
    struct line *line;
    sem_t holds, release;
};

static int hold_writer(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    (void)db;
    (void)reterr;
    struct holder *holder = arg;
    sem_post(&holder->holds);
    sem_wait(&holder->release);
    return 0;
}

static void *hold_store(void *arg) {
    struct holder *holder = arg;
    insp_store_write(holder->line->disk.store, hold_writer, holder, NULL);
    return NULL;
}

/* An inspection whose record is being stored is answered, even if its client has left or its deadline has passed.
 */
START_TEST(test_what_is_being_stored_is_answered) {
    static struct line line;
    pthread_t thread;
    line_open(&line);
    struct holder holder = {.line = &line};
    sem_init(&holder.holds, 0, 0);
    sem_init(&holder.release, 0, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, hold_store, &holder), 0);
    sem_wait(&holder.holds);
    struct insp_inspection *left = make(&line, 0, true), *late = make(&line, 1, true),
                           *behind = make(&line, 2, true);
    submit(&line, left);
    while (!left->storing)
        uv_run(&line.f.loop, UV_RUN_ONCE);
    submit(&line, late);
    submit(&line, behind);
    while (!behind->inference_us || !late->inference_us)
        uv_run(&line.f.loop, UV_RUN_ONCE);
    ck_assert(!insp_pipeline_abandon(left));  /* too late: its record is with the store */
    ck_assert(insp_pipeline_abandon(behind)); /* waits for the group before */
    late->deadline_us = 1;
    left->deadline_us = 1;
    sem_post(&holder.release);
    run_until(&line, 3);
    pthread_join(thread, NULL);
    ck_insp_ok(left->code, left->error);
    ck_assert_int_eq(late->code, INSP_E_DEADLINE);
    ck_assert_int_eq(behind->code, INSP_E_CANCELLED);
    ck_assert_uint_eq(stored(&line), 1);
    line_close(&line);
}
END_TEST

/* A large picture is decoded as a heavy task; its record is as any other's. */
START_TEST(test_large_pictures) {
    static struct line line;
    line_open(&line);
    struct insp_inspection *large = make(&line, 0, true), *beyond = make(&line, 1, true);
    struct insp_inspection *both[] = {large, beyond};
    for (size_t i = 0; i < 2; i++) {
        uint32_t side = i ? 9000 : 2500;
        free(both[i]->body);
        both[i]->type = (struct insp_media_type){INSP_MEDIA_RAW, INSP_RAW_MONO8, side, side};
        both[i]->body_bytes = i ? 1 : (size_t)side * side;
        both[i]->body = calloc(1, both[i]->body_bytes);
        submit(&line, both[i]);
    }
    run_until(&line, 2);
    ck_insp_ok(large->code, large->error);
    ck_assert(large->large && large->width == 2500);
    ck_assert_int_eq(beyond->code, INSP_E_IMAGE_LIMIT); /* the real limit, with its own code */
    ck_assert_ptr_nonnull(strstr(beyond->error.detail, "at most 64000000 pixels"));
    line_close(&line);
}
END_TEST

START_TEST(test_the_picture_of_the_answer) {
    static struct line line;
    line_open(&line);
    make(&line, 0, true)->wants_png = true;
    submit(&line, line.job[0]);
    run_until(&line, 1);
    ck_insp_ok(line.job[0]->code, line.job[0]->error);
    ck_assert_mem_eq(line.job[0]->png, "\x89PNG", 4);
    ck_assert_uint_eq(stored(&line), 1);
    line_close(&line);
}
END_TEST

static void leave(uv_timer_t *timer) {
    ck_assert(insp_pipeline_abandon(timer->data));
}

START_TEST(test_a_picture_that_nobody_waits_for_is_not_drawn_to_its_end) {
    enum { WIDE = 4000, INTO_THE_PICTURE_MS = 50 };
    static struct line line;
    static uv_timer_t timer;
    line_open(&line);
    struct insp_inspection *job = make(&line, 0, true);
    free(job->body);
    job->type = (struct insp_media_type){INSP_MEDIA_RAW, INSP_RAW_MONO8, WIDE, WIDE};
    job->body_bytes = (size_t)WIDE * WIDE;
    job->body = calloc(1, job->body_bytes);
    job->wants_png = true;
    submit(&line, job);
    while (!job->score.model || job->rgb) /* until it is scored */
        uv_run(&line.f.loop, UV_RUN_ONCE);
    timer.data = job;
    uv_timer_init(&line.f.loop, &timer);
    uv_timer_start(&timer, leave, INTO_THE_PICTURE_MS, 0);
    run_until(&line, 1);
    ck_insp_code(job->code, INSP_E_CANCELLED, job->error);
    ck_assert_msg(strstr(job->error.detail, "before the heatmap was rendered") != NULL, "%s", job->error.detail);
    ck_assert_ptr_null(job->png);
    ck_assert_uint_eq(stored(&line), 0);
    uv_close((uv_handle_t *)&timer, NULL);
    line_close(&line);
}
END_TEST

static int set_pages(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    (void)reterr;
    return sqlite3_exec(db, arg, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

static void limit_pages(struct line *line, const char *pragma) {
    char sql[64];
    strcpy(sql, pragma);
    ck_insp_ok(insp_store_write(line->disk.store, set_pages, sql, &line->disk.err), line->disk.err);
}

/* Pages that are free take the first few records; then the disk is full, the client hears it, and once there is
 * room the line goes on. */
START_TEST(test_full_disk_is_an_answer) {
    static struct line line;
    line_open(&line);
    limit_pages(&line, "PRAGMA max_page_count = 1");
    struct insp_inspection *job;
    size_t sent = 0;
    do {
        insp_inspection_free(line.job[0]);
        job = make(&line, 0, true);
        submit(&line, job);
        run_until(&line, ++sent);
    } while (job->code == 0 && sent < 200);
    ck_assert_int_eq(job->code, INSP_E_NOSPACE);
    ck_assert_uint_eq(line.full, 1);
    ck_assert_uint_eq(stored(&line), sent - 1);
    limit_pages(&line, "PRAGMA max_page_count = 1000000");
    submit(&line, make(&line, 1, false));
    run_until(&line, sent + 1);
    ck_insp_ok(line.job[1]->code, line.job[1]->error);
    line_close(&line);
}
END_TEST

/* Two jobs with one id in a group: the second fails for its own fault, its neighbours are stored. */
START_TEST(test_one_bad_record_does_not_take_its_group) {
    static struct line line;
    line_open(&line);
    engine_hold(&line.f);
    for (size_t i = 0; i < 4; i++)
        make(&line, i, true);
    strcpy(line.job[1]->id, line.job[0]->id);
    for (size_t i = 0; i < 4; i++)
        submit(&line, line.job[i]);
    engine_release(&line.f);
    run_until(&line, 4);
    size_t failed = 0;
    for (size_t i = 0; i < 4; i++)
        failed += line.job[i]->code < 0;
    ck_assert_uint_eq(failed, 1);
    ck_insp_ok(line.job[2]->code, line.job[2]->error);
    ck_insp_ok(line.job[3]->code, line.job[3]->error);
    ck_assert_uint_eq(stored(&line), 3);
    line_close(&line);
}
END_TEST

/* The model says good of each; the first picture has content, the others have lost it. */
START_TEST(test_a_suspect_picture_is_never_good) {
    static struct line line;
    line_open(&line);
    for (size_t i = 0; i < 3; i++) {
        struct insp_inspection *job = make(&line, i, false);
        for (size_t p = 0; p < job->body_bytes; p++)
            job->body[p] = (uint8_t)(i == 0 ? p % 200 : i == 1 ? 0 : 120 + p % 3);
        submit(&line, job);
    }
    run_until(&line, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_insp_ok(line.job[i]->code, line.job[i]->error);
        ck_assert_float_lt(line.job[i]->score.probability, 0.5f);
    }
    ck_assert(line.job[0]->verdict == INSP_VERDICT_GOOD && line.job[0]->suspect == 0);
    ck_assert(line.job[1]->verdict == INSP_VERDICT_REVIEW);
    ck_assert_uint_eq(line.job[1]->suspect, 1u << INSP_SUSPECT_BLACK | 1u << INSP_SUSPECT_FLAT);
    ck_assert(line.job[2]->verdict == INSP_VERDICT_REVIEW);
    ck_assert_uint_eq(line.job[2]->suspect, 1u << INSP_SUSPECT_FLAT);
    for (size_t i = 0; i < 3; i++)
        ck_insp_ok(insp_store_get(line.disk.store, line.job[i]->id, expect_suspect, line.job[i], &line.disk.err),
                   line.disk.err);
    line_close(&line);
}
END_TEST

/* The same bytes for the second time, and a third: by the setting, the third one is frozen. */
START_TEST(test_a_frozen_camera_is_noticed) {
    static struct line line;
    frozen_repeats = 2;
    line_open(&line);
    frozen_repeats = 0;
    for (size_t i = 0; i < 4; i++) {
        struct insp_inspection *job = make(&line, i, false);
        for (size_t p = 0; p < job->body_bytes; p++)
            job->body[p] = (uint8_t)(p % (i < 3 ? 200 : 201));
        submit(&line, job);
        run_until(&line, i + 1);
        ck_insp_ok(job->code, job->error);
        ck_assert(job->verdict == (i == 2 ? INSP_VERDICT_REVIEW : INSP_VERDICT_GOOD));
        ck_assert_uint_eq(job->suspect, i == 2 ? 1u << INSP_SUSPECT_FROZEN : 0);
    }
    line_close(&line);
}
END_TEST

INSP_TESTS(test_a_frozen_camera_is_noticed, test_a_suspect_picture_is_never_good,
           test_what_is_being_stored_is_answered, test_large_pictures,
           test_a_picture_that_nobody_waits_for_is_not_drawn_to_its_end, test_the_picture_of_the_answer,
           test_stored_then_answered, test_what_ends_early_is_not_stored, test_left_while_it_waits,
           test_full_disk_is_an_answer, test_one_bad_record_does_not_take_its_group);
