#include "core/jobs/jobs.h"

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/compute/pace.h"
#include "core/jobs/dataset_root.h"
#include "core/jobs/job_live.h"
#include "core/jobs/job_rows.h"
#include "core/jobs/job_run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum {
    JOB_NICE = 19,
    CHANGED_INTERVAL_US = 100000,
    /* A job waits for the line ten times as long as it worked at most, so that a line that never pauses slows a
     * training down and does not stop it; and never longer at a time than a person waits for a cancel. */
    YIELD_TIMES = 10,
    YIELD_MAX_US = 2000000,
    RETRY_MS = 2000,        /* of what the store refused */
    RETRY_TOLD_TIMES = 150, /* a line in the log every five minutes */
};

struct insp_jobs {
    struct insp_jobs_config config; /* its strings are the strdup'ed ones below */
    char *state_dir, *dataset_roots, *cache_folder, *device_name;
    uv_async_t wake;       /* any thread -> loop: something was queued or changed */
    struct insp_task task; /* the worker, lane JOB */
    bool working;          /* loop thread: a worker looks for jobs or runs one */
    int64_t notified_us;   /* loop thread */
    int64_t resumed_us;    /* job's thread: when it began or last came back from a yield */
    int64_t yielded_us;    /* job's thread: all that it waited for inspections */
    atomic_bool queued, changed, closing;
    pthread_mutex_t lock; /* with it: closing wakes whoever waits to try again */
    pthread_cond_t closes;
    struct insp_job_live *live;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* --- the job's thread -------------------------------------------------------------------------------------------
 */

static void persist(struct insp_jobs *jobs, const char *id, const struct insp_job_update *update) {
    struct insp_error err = {0};
    if (insp_job_rows_update(jobs->config.store, id, update, &err) < 0)
        insp_log_warning("job progress not kept id=%s error=\"%s\"", id, err.detail);
}

/* False at once when the queue closes. */
static bool pause_before_retry(struct insp_jobs *jobs) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += RETRY_MS / 1000;
    pthread_mutex_lock(&jobs->lock);
    int r = 0;
    while (r == 0 && !atomic_load(&jobs->closing))
        r = pthread_cond_timedwait(&jobs->closes, &jobs->lock, &until);
    pthread_mutex_unlock(&jobs->lock);
    return !atomic_load(&jobs->closing);
}

/* A disk that is full, held or away: it may be well again in a moment. */
static bool may_pass(int code) {
    return code == INSP_E_NOSPACE || code == INSP_E_IO || code == INSP_E_PERMISSION || code == INSP_E_NOMEM ||
           code == INSP_E_STORE_LOST;
}

/* The end of a job is kept until it can be written: hours of work are in it. No other job could begin meanwhile
 * either, as that is a write too. */
static void persist_end(struct insp_jobs *jobs, const char *id, const struct insp_job_update *update) {
    struct insp_error err = {0};
    int r;
    for (unsigned tries = 0; (r = insp_job_rows_update(jobs->config.store, id, update, &err)) < 0; tries++) {
        if (tries % RETRY_TOLD_TIMES == 0)
            insp_log_error("the end of a job cannot be written yet id=%s state=%s code=%s error=\"%s\"", id,
                           insp_job_state_name(update->state), insp_code_wire(r), err.detail);
        if (!may_pass(r) || !pause_before_retry(jobs))
            break;
    }
    if (r < 0)
        insp_log_error("the end of a job is lost id=%s state=%s error=\"%s\"", id,
                       insp_job_state_name(update->state), err.detail);
}

static void on_event(void *arg, const struct insp_progress_event *event) {
    struct insp_jobs *jobs = arg;
    struct insp_job_update update;
    insp_job_live_event(jobs->live, event);
    if (event->kind == INSP_PROGRESS_STAGE || event->kind == INSP_PROGRESS_EPOCH) {
        char id[INSP_UUID_BYTES];
        insp_job_live_snapshot(jobs->live, id, &update);
        persist(jobs, id, &update);
        insp_job_live_release(&update);
    }
    atomic_store(&jobs->changed, true);
    uv_async_send(&jobs->wake);
}

static bool on_cancelled(void *arg) {
    struct insp_jobs *jobs = arg;
    /* A job that was taken just before the shutdown began has not seen its cancel. */
    return atomic_load(&jobs->closing) || insp_job_live_cancelled(jobs->live);
}

static void on_yield(void *arg) {
    struct insp_jobs *jobs = arg;
    /* Before each layer of a mini-batch: on a busy line a cancel would have all those waits before it. */
    if (!jobs->config.yield || on_cancelled(jobs))
        return;
    int64_t now_us = insp_mono_us(), limit_us = (now_us - jobs->resumed_us) * YIELD_TIMES;
    jobs->config.yield(jobs->config.arg, limit_us < YIELD_MAX_US ? limit_us : YIELD_MAX_US);
    jobs->resumed_us = insp_mono_us();
    jobs->yielded_us += jobs->resumed_us - now_us;
}

static enum insp_job_state end_state(int code) {
    return code == 0 ? INSP_JOB_SUCCEEDED : code == INSP_E_CANCELLED ? INSP_JOB_CANCELLED : INSP_JOB_FAILED;
}

/* A job that the shutdown cut off did not fail by itself and was not cancelled by anybody. */
static void end_job(struct insp_jobs *jobs, const struct insp_job_row *row, int code, json_t *report,
                    const struct insp_error *err) {
    bool cut_off = code == INSP_E_CANCELLED && atomic_load(&jobs->closing);
    enum insp_job_state state = cut_off ? INSP_JOB_FAILED : end_state(code);
    struct insp_job_update update;
    char id[INSP_UUID_BYTES];
    insp_job_live_snapshot(jobs->live, id, &update);
    update.state = state;
    update.stage = insp_job_state_name(state);
    update.progress = code == 0 ? 1 : update.progress;
    update.result = report;
    if (code != 0 && state != INSP_JOB_CANCELLED) {
        update.error_code = cut_off ? INSP_E_INTERRUPTED : code;
        update.error_detail =
            cut_off ? "the daemon stopped while this job ran; nothing of it was kept" : err->detail;
    }
    persist_end(jobs, row->id, &update);
    insp_job_live_release(&update);
    const char *version = json_string_value(json_object_get(report, "version"));
    insp_job_live_end(jobs->live, state, json_is_true(json_object_get(report, "activated")) ? row->product : NULL,
                      version);
    insp_log_info("job ended id=%s kind=%s product=%s state=%s%s%s", row->id, insp_job_kind_name(row->kind),
                  row->product, insp_job_state_name(state), code ? " error=" : "", code ? err->detail : "");
}

struct thread_arg {
    struct insp_jobs *jobs;
    const struct insp_job_row *row;
};

static void *job_thread(void *arg) {
    const struct thread_arg *a = arg;
    struct insp_jobs *jobs = a->jobs;
    struct insp_error err = {0};
    json_t *report = NULL;
    insp_thread_lower_priority(JOB_NICE);
    jobs->resumed_us = insp_mono_us();
    jobs->yielded_us = 0;
    insp_pace_set(on_yield, jobs);
    const struct insp_progress progress = {
        .event = on_event, .cancelled = on_cancelled, .yield = on_yield, .arg = jobs};
    int code = insp_job_run(&jobs->config, a->row, &progress, &report, &err);
    if (code == 0)
        json_object_set_new(report, "yielded_s", json_real((double)jobs->yielded_us / 1e6));
    end_job(jobs, a->row, code, report, &err);
    json_decref(report);
    return NULL;
}

/* --- the worker: runs queued jobs until none is left
 * ---------------------------------------------------------- */

static void run_one(struct insp_jobs *jobs, const struct insp_job_row *row) {
    pthread_t thread;
    struct thread_arg arg = {jobs, row};
    struct insp_error err = {0};
    insp_job_live_begin(jobs->live, row->id, row->kind, row->product);
    insp_log_info("job started id=%s kind=%s product=%s dataset=%s", row->id, insp_job_kind_name(row->kind),
                  row->product, row->params.dataset);
    int r = pthread_create(&thread, NULL, job_thread, &arg);
    if (r == 0) {
        pthread_join(thread, NULL);
    } else {
        insp_fail_errno(&err, r, "cannot make the job's thread");
        end_job(jobs, row, INSP_E_NOMEM, NULL, &err);
    }
    atomic_store(&jobs->changed, true);
    uv_async_send(&jobs->wake);
}

static void work(struct insp_task *task) {
    struct insp_jobs *jobs = task->data;
    struct insp_job_row *row = malloc(sizeof *row);
    unsigned failures = 0;
    while (row && !atomic_load(&jobs->closing)) {
        struct insp_error err = {0};
        bool found = false;
        if (insp_job_rows_take(jobs->config.store, row, &found, &err) < 0) {
            if (failures++ % RETRY_TOLD_TIMES == 0)
                insp_log_error("cannot take the next job yet error=\"%s\"", err.detail);
            pause_before_retry(jobs);
            continue;
        }
        failures = 0;
        if (!found)
            break;
        run_one(jobs, row);
    }
    free(row);
}

/* --- the loop
 * ---------------------------------------------------------------------------------------------------- */

static void after_work(struct insp_task *task);

static void start_worker(struct insp_jobs *jobs) {
    if (jobs->working || atomic_load(&jobs->closing))
        return;
    jobs->working = true;
    jobs->task = (struct insp_task){.run = work, .done = after_work, .data = jobs};
    insp_work_always(jobs->config.lanes, INSP_LANE_JOB, &jobs->task);
}

void insp_jobs_free(struct insp_jobs *jobs) {
    if (!jobs)
        return;
    insp_job_live_free(jobs->live);
    pthread_cond_destroy(&jobs->closes);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs->state_dir);
    free(jobs->dataset_roots);
    free(jobs->cache_folder);
    free(jobs->device_name);
    free(jobs);
}

static void on_closed(uv_handle_t *handle) {
    struct insp_jobs *jobs = handle->data;
    if (jobs->closed)
        jobs->closed(jobs->closed_arg);
}

static void tell(struct insp_jobs *jobs, json_t *brief) {
    jobs->config.changed(jobs->config.arg, json_string_value(json_object_get(brief, "id")), brief);
}

static void notify(struct insp_jobs *jobs) {
    char product[INSP_NAME_BYTES], version[INSP_NAME_BYTES];
    size_t i;
    json_t *brief = NULL, *ended = insp_job_live_take_ended(jobs->live);
    json_array_foreach(ended, i, brief) tell(jobs, brief);
    json_decref(ended);
    if (insp_job_live_take_activated(jobs->live, product, version))
        jobs->config.activated(jobs->config.arg, product, version);
    int64_t now = insp_mono_us();
    if (now - jobs->notified_us < CHANGED_INTERVAL_US || !(brief = insp_job_live_brief(jobs->live)))
        return;
    jobs->notified_us = now;
    tell(jobs, brief);
    json_decref(brief);
}

static void on_wake(uv_async_t *handle) {
    struct insp_jobs *jobs = handle->data;
    if (atomic_exchange(&jobs->changed, false))
        notify(jobs);
    if (atomic_exchange(&jobs->queued, false)) {
        if (jobs->working)
            atomic_store(&jobs->queued, true); /* the worker may just have looked: ask again when it is back */
        else
            start_worker(jobs);
    }
}

static void after_work(struct insp_task *task) {
    struct insp_jobs *jobs = task->data;
    jobs->working = false;
    notify(jobs);
    if (atomic_load(&jobs->closing))
        uv_close((uv_handle_t *)&jobs->wake, on_closed);
    else if (atomic_exchange(&jobs->queued, false))
        start_worker(jobs);
}

static int copy_config(struct insp_jobs *jobs, const struct insp_jobs_config *config) {
    jobs->config = *config;
    jobs->config.state_dir = jobs->state_dir = strdup(config->state_dir);
    jobs->config.dataset_roots = jobs->dataset_roots = strdup(config->dataset_roots);
    jobs->config.device.name = jobs->device_name = strdup(config->device.name);
    if (config->cache_folder)
        jobs->config.cache_folder = jobs->cache_folder = strdup(config->cache_folder);
    return jobs->state_dir && jobs->dataset_roots && jobs->device_name &&
                   (!config->cache_folder || jobs->cache_folder)
               ? 0
               : INSP_E_NOMEM;
}

static void make_lock(struct insp_jobs *jobs) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->closes, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int insp_jobs_new(uv_loop_t *loop, const struct insp_jobs_config *config, struct insp_jobs **ret,
                  struct insp_error *reterr) {
    size_t interrupted = 0;
    int r = insp_job_rows_interrupt(config->store, &interrupted, reterr);
    if (r < 0)
        return r;
    if (interrupted)
        insp_log_warning("jobs that ran when the daemon ended are failed now count=%zu", interrupted);
    struct insp_jobs *jobs = calloc(1, sizeof *jobs);
    if (jobs)
        make_lock(jobs);
    if (!jobs || copy_config(jobs, config) < 0 || !(jobs->live = insp_job_live_new())) {
        insp_jobs_free(jobs);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the job queue");
    }
    jobs->wake.data = jobs;
    r = uv_async_init(loop, &jobs->wake, on_wake);
    if (r < 0) {
        insp_jobs_free(jobs);
        return insp_fail_errno(reterr, -r, "cannot make the job queue");
    }
    start_worker(jobs);
    *ret = jobs;
    return 0;
}

void insp_jobs_close(struct insp_jobs *jobs, void (*closed)(void *arg), void *arg) {
    jobs->closed = closed;
    jobs->closed_arg = arg;
    pthread_mutex_lock(&jobs->lock);
    atomic_store(&jobs->closing, true);
    pthread_cond_broadcast(&jobs->closes);
    pthread_mutex_unlock(&jobs->lock);
    insp_job_live_cancel(jobs->live, NULL);
    if (!jobs->working)
        uv_close((uv_handle_t *)&jobs->wake, on_closed);
}

/* --- any thread
 * ----------------------------------------------------------------------------------------------------- */

int insp_jobs_submit(struct insp_jobs *jobs, enum insp_job_kind kind, const char *product,
                     const struct insp_job_params *params, char *ret_id, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    int r = insp_dataset_resolve(jobs->config.dataset_roots, params->dataset, folder, reterr);
    if (r < 0)
        return r;
    struct insp_job_row row = {.kind = kind, .params = *params};
    snprintf(row.product, sizeof row.product, "%s", product);
    r = insp_job_rows_add(jobs->config.store, &row, jobs->config.queue_max, reterr);
    if (r < 0)
        return r;
    memcpy(ret_id, row.id, INSP_UUID_BYTES);
    atomic_store(&jobs->queued, true);
    uv_async_send(&jobs->wake);
    return 0;
}

int insp_jobs_cancel(struct insp_jobs *jobs, const char *id, struct insp_error *reterr) {
    enum insp_job_state state;
    int r = insp_job_rows_cancel(jobs->config.store, id, &state, reterr);
    if (r < 0 || state == INSP_JOB_QUEUED)
        return r;
    if (state == INSP_JOB_RUNNING && insp_job_live_cancel(jobs->live, id))
        return 0;
    return insp_fail(reterr, INSP_E_CONFLICT, "job %s has ended already", id);
}

int insp_jobs_get(struct insp_jobs *jobs, const char *id, json_t **ret, struct insp_error *reterr) {
    json_t *object = NULL;
    int r = insp_job_rows_get(jobs->config.store, id, &object, reterr);
    if (r < 0)
        return r;
    insp_job_live_overlay(jobs->live, object, true);
    *ret = object;
    return 0;
}

int insp_jobs_list(struct insp_jobs *jobs, const char *before_id, size_t limit, json_t **ret,
                   struct insp_error *reterr) {
    json_t *array = NULL, *object;
    size_t i;
    int r = insp_job_rows_list(jobs->config.store, before_id, limit, &array, reterr);
    if (r < 0)
        return r;
    json_array_foreach(array, i, object) insp_job_live_overlay(jobs->live, object, false);
    *ret = array;
    return 0;
}

bool insp_jobs_running(struct insp_jobs *jobs, double *ret_progress) {
    return insp_job_live_running(jobs->live, ret_progress);
}
