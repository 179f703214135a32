/* The queue on a real loop and a real store. Most jobs here fail at once for want of a trunk; one trains. */
#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/jobs/job_live.h"
#include "core/jobs/job_rows.h"
#include "core/jobs/jobs.h"
#include "core/jobs/process/job_child.h"
#include "core/model/registry.h"
#include "tests/unit/lanes_fixture.h"
#include "tests/unit/train_fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>

/* Started as `PROGRAM job` this program does the job that it is given. */
__attribute__((constructor)) static void be_the_child(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "job"))
        exit(insp_job_child());
}

static struct insp_error err;
static char dir[INSP_PATH_BYTES], roots[INSP_PATH_BYTES];
static struct insp_store *store;
static struct insp_jobs *jobs;
static uv_loop_t loop;
static struct insp_lanes *lanes;
static unsigned wanted; /* ended jobs until the loop stops */
static const char *expected_end = "failed";
static char activated[INSP_NAME_BYTES];

static const char *state_of(const char *id) {
    static char state[32];
    json_t *job;
    ck_insp_ok(insp_jobs_get(jobs, id, &job, &err), err);
    snprintf(state, sizeof state, "%s", json_string_value(json_object_get(job, "state")));
    json_decref(job);
    return state;
}

static void on_changed(void *arg, const char *id, json_t *brief) {
    (void)arg;
    if (strcmp(json_string_value(json_object_get(brief, "state")), expected_end) != 0)
        return;
    ck_assert_str_eq(state_of(id), expected_end); /* the row was written before the callback */
    if (wanted && --wanted == 0)
        uv_stop(&loop);
}

static void on_activated(void *arg, const char *product, const char *version) {
    (void)arg;
    ck_assert_msg(!strcmp(expected_end, "succeeded"), "nothing was trained, yet %s %s was activated", product,
                  version);
    ck_assert_str_eq(product, "carpet");
    snprintf(activated, sizeof activated, "%s", version);
}

static struct insp_jobs_config a_config(unsigned queue_max) {
    return (struct insp_jobs_config){
        .lanes = lanes,
        .store = store,
        .machine = {.state_dir = dir,
                    .dataset_roots = roots,
                    .device = {.name = "cpu", .threads = 1},
                    .limits = insp_image_limits_default()},
        .queue_max = queue_max,
        .changed = on_changed,
        .activated = on_activated,
    };
}

static void setup(unsigned queue_max) {
    strcpy(dir, "/tmp/insp-queue-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_insp_ok(insp_path(roots, &err, "%s/sets", dir), err);
    char set[INSP_PATH_BYTES];
    ck_insp_ok(insp_path(set, &err, "%s/sets/carpet", dir), err);
    ck_insp_ok(insp_mkdir_all(set, 0700, &err), err);
    ck_insp_ok(insp_store_open(dir, INSP_DURABLE_PROCESS, &store, &err), err);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    lanes = lanes_open(&loop);
    const struct insp_jobs_config config = a_config(queue_max);
    ck_insp_ok(insp_jobs_new(&loop, &config, &jobs, &err), err);
}

static void on_closed(void *arg) {
    *(bool *)arg = true;
}

static void close_jobs(void) {
    bool closed = false;
    insp_jobs_close(jobs, on_closed, &closed);
    while (!closed)
        uv_run(&loop, UV_RUN_ONCE);
}

static void teardown(void) {
    close_jobs();
    lanes_close(lanes);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    json_t *json;
    ck_insp_ok(insp_jobs_list(jobs, NULL, 1, &json, &err), err); /* a request that had begun still may ask */
    json_decref(json);
    insp_jobs_free(jobs);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    insp_store_close(store);
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}

static int submit(const char *dataset, char *ret_id) {
    struct insp_job_params params = {.train = insp_train_params_default()};
    snprintf(params.dataset, sizeof params.dataset, "%s", dataset);
    return insp_jobs_submit(jobs, INSP_JOB_TRAIN, "carpet", &params, ret_id, &err);
}

START_TEST(jobs_run_one_after_another_and_say_why_they_failed) {
    setup(10);
    char id[3][INSP_UUID_BYTES];
    for (int i = 0; i < 3; i++)
        ck_insp_ok(submit("carpet", id[i]), err);
    wanted = 3;
    uv_run(&loop, UV_RUN_DEFAULT);
    for (int i = 0; i < 3; i++) {
        json_t *job;
        ck_insp_ok(insp_jobs_get(jobs, id[i], &job, &err), err);
        const json_t *error = json_object_get(job, "error");
        ck_assert_str_eq(json_string_value(json_object_get(error, "code")), "conflict");
        ck_assert_ptr_nonnull(
            strstr(json_string_value(json_object_get(error, "detail")), "inspectd trunk import"));
        json_decref(job);
    }
    double progress;
    ck_assert(!insp_jobs_running(jobs, &progress));
    teardown();
}
END_TEST

START_TEST(a_training_ends_in_a_stored_report_and_an_active_version) {
    setup(10);
    expected_end = "succeeded";
    struct train_fixture f = {0};
    memset(f.trunk_sha256, 'a', INSP_SHA256_HEX_BYTES - 1);
    snprintf(f.state, sizeof f.state, "%s", dir);
    snprintf(f.set, sizeof f.set, "%s/carpet", roots);
    train_fixture_install_trunk(&f);
    fixture_set(&f, 8, 4, 4);
    struct insp_job_params params = {.dataset = "carpet", .train = fixture_params()};
    char id[INSP_UUID_BYTES], active[INSP_NAME_BYTES];
    ck_insp_ok(insp_jobs_submit(jobs, INSP_JOB_TRAIN, "carpet", &params, id, &err), err);
    wanted = 1;
    uv_run(&loop, UV_RUN_DEFAULT);
    json_t *job;
    ck_insp_ok(insp_jobs_get(jobs, id, &job, &err), err);
    ck_assert_str_eq(state_of(id), "succeeded");
    ck_assert_double_eq(json_number_value(json_object_get(job, "progress")), 1);
    ck_assert(json_is_null(json_object_get(job, "error")));
    ck_assert_uint_eq(json_array_size(json_object_get(job, "epochs")), params.train.epochs);
    const json_t *result = json_object_get(job, "result");
    ck_assert_int_eq(json_integer_value(json_object_get(result, "trunk_runs")), 16);
    ck_insp_ok(insp_registry_active(dir, "carpet", active, &err), err);
    ck_assert_str_eq(json_string_value(json_object_get(result, "version")), active);
    ck_assert_str_eq(activated, active);
    json_decref(job);
    teardown();
}
END_TEST

START_TEST(a_dataset_outside_the_roots_is_refused_at_once) {
    setup(10);
    char id[INSP_UUID_BYTES];
    ck_insp_code(submit("../sets/carpet", id), INSP_E_FORBIDDEN, err);
    ck_insp_code(submit("nothing", id), INSP_E_DATASET, err);
    teardown();
}
END_TEST

START_TEST(an_ended_job_cannot_be_cancelled) {
    setup(10);
    char id[INSP_UUID_BYTES];
    ck_insp_ok(submit("carpet", id), err);
    wanted = 1;
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_insp_code(insp_jobs_cancel(jobs, id, &err), INSP_E_CONFLICT, err);
    ck_insp_code(insp_jobs_cancel(jobs, "nothing", &err), INSP_E_NOT_FOUND, err);
    teardown();
}
END_TEST

START_TEST(jobs_that_waited_run_after_a_restart) {
    setup(10);
    teardown();
    setup(10);
    struct insp_job_row row = {.kind = INSP_JOB_TRAIN,
                               .params = {.dataset = "carpet", .train = insp_train_params_default()}};
    strcpy(row.product, "carpet");
    close_jobs();
    insp_jobs_free(jobs);
    ck_insp_ok(insp_job_rows_add(store, &row, 10, &err), err);
    const struct insp_jobs_config config = a_config(10);
    ck_insp_ok(insp_jobs_new(&loop, &config, &jobs, &err), err);
    wanted = 1;
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_str_eq(state_of(row.id), "failed");
    teardown();
}
END_TEST

/* --- a cancel between the take of a job from the queue and its begin --- */

/* The linker puts these two in the place of the functions (tests/unit/CMakeLists.txt). */
void __real_insp_job_live_begin(struct insp_job_live *live, const char *id, enum insp_job_kind kind,
                                const char *product);
void __wrap_insp_job_live_begin(struct insp_job_live *live, const char *id, enum insp_job_kind kind,
                                const char *product);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);

static _Thread_local bool cancels; /* this thread cancels the job */
static struct {
    bool wanted;
    pthread_t thread;
    char id[INSP_UUID_BYTES];
    sem_t met; /* the cancel waits for the supervisor, or has returned */
    int code;
    struct insp_error error;
} between;

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex) {
    if (cancels) {
        if (pthread_mutex_trylock(mutex) == 0)
            return 0;
        sem_post(&between.met);
    }
    return __real_pthread_mutex_lock(mutex);
}

static void *cancel_it(void *arg) {
    (void)arg;
    cancels = true;
    between.code = insp_jobs_cancel(jobs, between.id, &between.error);
    sem_post(&between.met);
    return NULL;
}

void __wrap_insp_job_live_begin(struct insp_job_live *live, const char *id, enum insp_job_kind kind,
                                const char *product) {
    if (between.wanted) {
        between.wanted = false;
        ck_assert_str_eq(state_of(id), "running"); /* the row is taken */
        memcpy(between.id, id, INSP_UUID_BYTES);
        ck_assert_int_eq(pthread_create(&between.thread, NULL, cancel_it, NULL), 0);
        sem_wait(&between.met);
    }
    __real_insp_job_live_begin(live, id, kind, product);
}

START_TEST(a_cancel_between_take_and_begin_cancels_the_job) {
    setup(10);
    expected_end = "cancelled";
    ck_assert_int_eq(sem_init(&between.met, 0, 0), 0);
    between.wanted = true;
    struct train_fixture f = {0};
    memset(f.trunk_sha256, 'a', INSP_SHA256_HEX_BYTES - 1);
    snprintf(f.state, sizeof f.state, "%s", dir);
    snprintf(f.set, sizeof f.set, "%s/carpet", roots);
    train_fixture_install_trunk(&f);
    fixture_set(&f, 8, 4, 4);
    struct insp_job_params params = {.dataset = "carpet", .train = fixture_params()};
    params.train.epochs = 1000; /* it does not end before the cancel */
    char id[INSP_UUID_BYTES];
    ck_insp_ok(insp_jobs_submit(jobs, INSP_JOB_TRAIN, "carpet", &params, id, &err), err);
    wanted = 1;
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(pthread_join(between.thread, NULL), 0);
    ck_insp_ok(between.code, between.error);
    ck_assert_str_eq(state_of(id), "cancelled");
    teardown();
}
END_TEST

INSP_TESTS(a_cancel_between_take_and_begin_cancels_the_job, jobs_run_one_after_another_and_say_why_they_failed,
           a_training_ends_in_a_stored_report_and_an_active_version,
           a_dataset_outside_the_roots_is_refused_at_once, an_ended_job_cannot_be_cancelled,
           jobs_that_waited_run_after_a_restart);
