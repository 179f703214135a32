#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/jobs/job_rows.h"
#include "core/store/sql.h"
#include "harness.h"

#include <string.h>

static struct insp_error err;
static char dir[INSP_PATH_BYTES];
static struct insp_store *store;

static void setup(void) {
    strcpy(dir, "/tmp/insp-jobs-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_insp_ok(insp_store_open(dir, INSP_DURABLE_PROCESS, &store, &err), err);
}

static void teardown(void) {
    insp_store_close(store);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}

static struct insp_job_row add(const char *product, unsigned queue_max, int expected) {
    struct insp_job_row row = {.kind = INSP_JOB_TRAIN,
                               .params = {.dataset = "set", .train = insp_train_params_default()}};
    row.params.train.seed = 7;
    snprintf(row.product, sizeof row.product, "%s", product);
    ck_insp_code(insp_job_rows_add(store, &row, queue_max, &err), expected, err);
    return row;
}

static const char *text(json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

START_TEST(the_oldest_waiting_job_is_taken_with_its_parameters) {
    setup();
    struct insp_job_row first = add("a", 10, 0), taken;
    add("b", 10, 0);
    bool found;
    ck_insp_ok(insp_job_rows_take(store, &taken, &found, &err), err);
    ck_assert(found);
    ck_assert_str_eq(taken.id, first.id);
    ck_assert_str_eq(taken.product, "a");
    ck_assert_uint_eq(taken.params.train.seed, 7);
    ck_insp_ok(insp_job_rows_take(store, &taken, &found, &err), err);
    ck_assert_str_eq(taken.product, "b");
    ck_insp_ok(insp_job_rows_take(store, &taken, &found, &err), err);
    ck_assert(!found);
    teardown();
}
END_TEST

static int spoil(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    (void)arg;
    return insp_sql_exec(db, "UPDATE jobs SET params = '{\"dataset\": \"d\", \"colour\": 1}' WHERE product = 'a'",
                         reterr);
}

/* Another version of the daemon may have queued it. */
START_TEST(a_job_that_cannot_be_read_fails_and_holds_up_nothing) {
    setup();
    struct insp_job_row old = add("a", 10, 0), taken;
    json_t *job;
    bool found;
    add("b", 10, 0);
    ck_insp_ok(insp_store_write(store, spoil, NULL, &err), err);
    ck_insp_ok(insp_job_rows_take(store, &taken, &found, &err), err);
    ck_assert(found);
    ck_assert_str_eq(taken.product, "b");
    ck_insp_ok(insp_job_rows_get(store, old.id, &job, &err), err);
    ck_assert_str_eq(text(job, "state"), "failed");
    ck_assert_ptr_nonnull(strstr(text(json_object_get(job, "error"), "detail"), "colour"));
    ck_assert(json_is_string(json_object_get(job, "finished_at")));
    json_decref(job);
    teardown();
}
END_TEST

START_TEST(a_full_queue_refuses) {
    setup();
    add("a", 1, 0);
    add("b", 1, INSP_E_QUEUE_FULL);
    ck_assert_ptr_nonnull(strstr(err.detail, "training.queue = 1"));
    teardown();
}
END_TEST

START_TEST(an_update_keeps_documents_that_it_does_not_name) {
    setup();
    struct insp_job_row row = add("a", 10, 0);
    json_t *epochs = json_pack("[{s:i}]", "epoch", 1), *result = json_pack("{s:s}", "version", "v1"), *job;
    struct insp_job_update one = {
        .state = INSP_JOB_RUNNING, .progress = 0.5, .stage = "epoch 1 of 2", .epochs = epochs};
    struct insp_job_update two = {
        .state = INSP_JOB_SUCCEEDED, .progress = 1, .stage = "succeeded", .result = result};
    ck_insp_ok(insp_job_rows_update(store, row.id, &one, &err), err);
    ck_insp_ok(insp_job_rows_update(store, row.id, &two, &err), err);
    ck_insp_ok(insp_job_rows_get(store, row.id, &job, &err), err);
    ck_assert_str_eq(text(job, "state"), "succeeded");
    ck_assert_uint_eq(json_array_size(json_object_get(job, "epochs")), 1);
    ck_assert_str_eq(text(json_object_get(job, "result"), "version"), "v1");
    ck_assert(json_is_string(json_object_get(job, "finished_at")));
    ck_assert(json_is_null(json_object_get(job, "error")));
    json_decref(job);
    json_decref(epochs);
    json_decref(result);
    teardown();
}
END_TEST

START_TEST(what_a_crash_left_running_is_interrupted_and_what_waited_waits) {
    setup();
    struct insp_job_row running = add("a", 10, 0), taken, waiting = add("b", 10, 0);
    bool found;
    size_t count;
    json_t *job;
    ck_insp_ok(insp_job_rows_take(store, &taken, &found, &err), err);
    insp_store_close(store);
    ck_insp_ok(insp_store_open(dir, INSP_DURABLE_PROCESS, &store, &err), err);
    ck_insp_ok(insp_job_rows_interrupt(store, &count, &err), err);
    ck_assert_uint_eq(count, 1);
    ck_insp_ok(insp_job_rows_get(store, running.id, &job, &err), err);
    ck_assert_str_eq(text(job, "state"), "failed");
    ck_assert_str_eq(text(json_object_get(job, "error"), "code"), "interrupted");
    json_decref(job);
    ck_insp_ok(insp_job_rows_take(store, &taken, &found, &err), err);
    ck_assert(found);
    ck_assert_str_eq(taken.id, waiting.id);
    teardown();
}
END_TEST

START_TEST(cancel_ends_a_waiting_job_and_reports_others) {
    setup();
    struct insp_job_row row = add("a", 10, 0), taken;
    enum insp_job_state state;
    bool found;
    ck_insp_ok(insp_job_rows_cancel(store, row.id, &state, &err), err);
    ck_assert_int_eq(state, INSP_JOB_QUEUED);
    ck_insp_ok(insp_job_rows_take(store, &taken, &found, &err), err);
    ck_assert(!found);
    ck_insp_ok(insp_job_rows_cancel(store, row.id, &state, &err), err);
    ck_assert_int_eq(state, INSP_JOB_CANCELLED);
    ck_insp_code(insp_job_rows_cancel(store, "nothing", &state, &err), INSP_E_NOT_FOUND, err);
    teardown();
}
END_TEST

START_TEST(the_list_is_newest_first_and_pages) {
    setup();
    struct insp_job_row row[5];
    json_t *page;
    for (int i = 0; i < 5; i++)
        row[i] = add("a", 10, 0);
    ck_insp_ok(insp_job_rows_list(store, NULL, 2, &page, &err), err);
    ck_assert_uint_eq(json_array_size(page), 2);
    ck_assert_str_eq(text(json_array_get(page, 0), "id"), row[4].id);
    json_decref(page);
    ck_insp_ok(insp_job_rows_list(store, row[3].id, 10, &page, &err), err);
    ck_assert_uint_eq(json_array_size(page), 3);
    ck_assert_str_eq(text(json_array_get(page, 0), "id"), row[2].id);
    json_decref(page);
    teardown();
}
END_TEST

INSP_TESTS(the_oldest_waiting_job_is_taken_with_its_parameters,
           a_job_that_cannot_be_read_fails_and_holds_up_nothing, a_full_queue_refuses,
           an_update_keeps_documents_that_it_does_not_name,
           what_a_crash_left_running_is_interrupted_and_what_waited_waits,
           cancel_ends_a_waiting_job_and_reports_others, the_list_is_newest_first_and_pages);
