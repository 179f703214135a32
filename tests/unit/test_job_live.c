#include "core/jobs/job_live.h"
#include "harness.h"

#include <string.h>

#define ID "0193612a-0000-7000-8000-000000000001"

static struct insp_job_live *live;

static void event(struct insp_progress_event e) {
    insp_job_live_event(live, &e);
}

static void begin(void) {
    live = insp_job_live_new();
    ck_assert_ptr_nonnull(live);
    insp_job_live_begin(live, ID, INSP_JOB_TRAIN, "carpet");
}

START_TEST(progress_shows_over_the_row_of_the_running_job_only) {
    begin();
    event((struct insp_progress_event){.kind = INSP_PROGRESS_STAGE, .text = "features", .overall = 0.25});
    event((struct insp_progress_event){
        .kind = INSP_PROGRESS_EPOCH, .epoch = 1, .loss = 0.5, .accuracy = 0.75, .overall = 0.5});
    event((struct insp_progress_event){.kind = INSP_PROGRESS_LOG, .text = "two images skipped"});
    json_t *mine = json_pack("{s:s, s:s}", "id", ID, "state", "queued");
    json_t *other = json_pack("{s:s, s:s}", "id", "another", "state", "queued");
    insp_job_live_overlay(live, mine, true);
    insp_job_live_overlay(live, other, true);
    ck_assert_str_eq(json_string_value(json_object_get(mine, "state")), "running");
    ck_assert_str_eq(json_string_value(json_object_get(mine, "stage")), "features");
    ck_assert_double_eq(json_number_value(json_object_get(mine, "progress")), 0.5);
    ck_assert_uint_eq(json_array_size(json_object_get(mine, "epochs")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(mine, "log")), 1);
    ck_assert_str_eq(json_string_value(json_object_get(other, "state")), "queued");
    json_decref(mine);
    json_decref(other);
    insp_job_live_free(live);
}
END_TEST

START_TEST(epochs_of_folds_go_to_their_folds) {
    begin();
    for (size_t fold = 1; fold <= 2; fold++)
        for (size_t epoch = 1; epoch <= 3; epoch++)
            event((struct insp_progress_event){.kind = INSP_PROGRESS_EPOCH, .fold = fold, .epoch = epoch});
    struct insp_job_update update;
    char id[INSP_UUID_BYTES];
    insp_job_live_snapshot(live, id, &update);
    ck_assert_str_eq(id, ID);
    ck_assert_uint_eq(json_array_size(update.folds), 2);
    ck_assert_uint_eq(json_array_size(update.epochs), 0);
    json_t *second = json_array_get(update.folds, 1);
    ck_assert_int_eq(json_integer_value(json_object_get(second, "fold")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(second, "epochs")), 3);
    insp_job_live_release(&update);
    insp_job_live_free(live);
}
END_TEST

START_TEST(progress_never_steps_back) {
    begin();
    double progress;
    event((struct insp_progress_event){.kind = INSP_PROGRESS_STEP, .overall = 0.6});
    event((struct insp_progress_event){.kind = INSP_PROGRESS_STEP, .overall = 0.4});
    ck_assert(insp_job_live_running(live, &progress));
    ck_assert_double_eq(progress, 0.6);
    insp_job_live_free(live);
}
END_TEST

START_TEST(cancel_reaches_the_named_job_while_it_runs) {
    begin();
    ck_assert(!insp_job_live_cancelled(live));
    ck_assert(!insp_job_live_cancel(live, "another"));
    ck_assert(insp_job_live_cancel(live, ID));
    ck_assert(insp_job_live_cancelled(live));
    insp_job_live_end(live, INSP_JOB_CANCELLED, NULL, NULL);
    ck_assert(!insp_job_live_cancel(live, ID));
    insp_job_live_free(live);
}
END_TEST

START_TEST(an_activation_is_taken_once) {
    char product[INSP_NAME_BYTES], version[INSP_NAME_BYTES];
    begin();
    insp_job_live_end(live, INSP_JOB_SUCCEEDED, "carpet", "v2");
    ck_assert(insp_job_live_take_activated(live, product, version));
    ck_assert_str_eq(product, "carpet");
    ck_assert_str_eq(version, "v2");
    ck_assert(!insp_job_live_take_activated(live, product, version));
    insp_job_live_free(live);
}
END_TEST

START_TEST(the_log_keeps_its_newest_lines) {
    begin();
    char text[16];
    for (int i = 0; i < 600; i++) {
        snprintf(text, sizeof text, "line %d", i);
        event((struct insp_progress_event){.kind = INSP_PROGRESS_LOG, .text = text});
    }
    struct insp_job_update update;
    char id[INSP_UUID_BYTES];
    insp_job_live_snapshot(live, id, &update);
    ck_assert_uint_eq(json_array_size(update.log), 500);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(update.log, 499), "text")), "line 599");
    insp_job_live_release(&update);
    insp_job_live_free(live);
}
END_TEST

START_TEST(every_end_is_told_once) {
    begin();
    event((struct insp_progress_event){.kind = INSP_PROGRESS_STAGE, .text = "epoch 1 of 3", .overall = 0.5});
    json_t *brief = insp_job_live_brief(live);
    ck_assert_str_eq(json_string_value(json_object_get(brief, "stage")), "epoch 1 of 3");
    ck_assert_str_eq(json_string_value(json_object_get(brief, "product")), "carpet");
    json_decref(brief);
    ck_assert_ptr_null(insp_job_live_take_ended(live));
    insp_job_live_end(live, INSP_JOB_SUCCEEDED, NULL, NULL);
    insp_job_live_begin(live, "another", INSP_JOB_EVALUATE, "cubes");
    insp_job_live_end(live, INSP_JOB_FAILED, NULL, NULL);
    ck_assert_ptr_null(insp_job_live_brief(live));
    json_t *ended = insp_job_live_take_ended(live);
    ck_assert_uint_eq(json_array_size(ended), 2);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(ended, 0), "state")), "succeeded");
    ck_assert_double_eq(json_number_value(json_object_get(json_array_get(ended, 0), "progress")), 1);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(ended, 1), "id")), "another");
    json_decref(ended);
    ck_assert_ptr_null(insp_job_live_take_ended(live));
    insp_job_live_free(live);
}
END_TEST

START_TEST(epochs_and_lines_are_told_once) {
    begin();
    event((struct insp_progress_event){.kind = INSP_PROGRESS_EPOCH, .fold = 2, .epoch = 1});
    event((struct insp_progress_event){.kind = INSP_PROGRESS_LOG, .text = "first"});
    json_t *brief = insp_job_live_brief(live);
    const json_t *epoch = json_array_get(json_object_get(brief, "epochs"), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(epoch, "fold")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(brief, "log")), 1);
    json_decref(brief);
    event((struct insp_progress_event){.kind = INSP_PROGRESS_LOG, .text = "second"});
    insp_job_live_end(live, INSP_JOB_SUCCEEDED, NULL, NULL); /* with everything not sent yet */
    json_t *ended = insp_job_live_take_ended(live);
    const json_t *last = json_array_get(ended, 0), *lines = json_object_get(last, "log");
    ck_assert_uint_eq(json_array_size(json_object_get(last, "epochs")), 0);
    ck_assert_uint_eq(json_array_size(lines), 1);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(lines, 0), "text")), "second");
    json_decref(ended);
    insp_job_live_free(live);
}
END_TEST

/* The loop thread edits a brief (it hides paths in it) while other threads read the job. */
START_TEST(a_brief_shares_nothing_with_the_job) {
    begin();
    event((struct insp_progress_event){.kind = INSP_PROGRESS_LOG, .text = "/srv/secret"});
    json_t *brief = insp_job_live_brief(live);
    json_t *line = json_array_get(json_object_get(brief, "log"), 0);
    json_string_set(json_object_get(line, "text"), "hidden");
    struct insp_job_update update;
    char id[INSP_UUID_BYTES];
    insp_job_live_snapshot(live, id, &update);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(update.log, 0), "text")), "/srv/secret");
    insp_job_live_release(&update);
    json_decref(brief);
    insp_job_live_free(live);
}
END_TEST

START_TEST(eta_follows_the_share_done) {
    ck_assert_double_lt(insp_job_eta_s(0, 10), 0);
    ck_assert_double_eq_tol(insp_job_eta_s(0.25, 10), 30, 1e-9);
    ck_assert_double_eq_tol(insp_job_eta_s(1, 10), 0, 1e-9);
}
END_TEST

INSP_TESTS(progress_shows_over_the_row_of_the_running_job_only, epochs_of_folds_go_to_their_folds,
           progress_never_steps_back, cancel_reaches_the_named_job_while_it_runs, an_activation_is_taken_once,
           a_brief_shares_nothing_with_the_job, the_log_keeps_its_newest_lines, every_end_is_told_once,
           epochs_and_lines_are_told_once, eta_follows_the_share_done);
