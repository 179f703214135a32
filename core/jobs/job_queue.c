#include "core/jobs/jobs.h"

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/compute/pace.h"
#include "core/jobs/dataset_root.h"
#include "core/jobs/feedback_items.h"
#include "core/jobs/job_live.h"
#include "core/jobs/job_rows.h"
#include "core/jobs/process/job_process.h"
#include "core/model/registry.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum {
    CHANGED_INTERVAL_US = 100000,
    RETRY_MS = 2000,        /* between attempts to write to the store */
    RETRY_TOLD_TIMES = 150, /* log every 150th failure, that is, every five minutes */
};

struct insp_jobs {
    struct insp_jobs_config config; /* its strings are the strdup'ed ones below */
    char *state_dir, *dataset_roots, *cache_folder, *device_name, *program;
    uv_async_t wake;             /* any thread -> loop: something changed */
    int64_t notified_us;         /* loop thread */
    struct insp_task supervisor; /* in lane JOB, from insp_jobs_new to insp_jobs_close */
    struct insp_job_row row;     /* the job that the supervisor took last */
    pthread_mutex_t lock;        /* guards queued */
    pthread_cond_t woken;
    bool queued; /* a row may be queued */
    /* Held from taking a row until it is live, and while a job is cancelled: a cancel finds each job queued or
     * live, never in between. */
    pthread_mutex_t turn;
    atomic_bool changed, closing;
    struct insp_job_live *live;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* --- the supervising thread --- */

static void persist(struct insp_jobs *jobs, const char *id, const struct insp_job_update *update) {
    struct insp_error err = {0};
    if (insp_job_rows_update(jobs->config.store, id, update, &err) < 0)
        insp_log_warning("job progress not written id=%s error=%s", id, INSP_LOG_QUOTED(err.detail));
}

/* Waits for RETRY_MS. Returns false, at once, when the queue is closing. */
static bool pause_before_retry(struct insp_jobs *jobs) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += RETRY_MS / 1000;
    pthread_mutex_lock(&jobs->lock);
    int r = 0;
    while (r == 0 && !atomic_load(&jobs->closing))
        r = pthread_cond_timedwait(&jobs->woken, &jobs->lock, &until);
    pthread_mutex_unlock(&jobs->lock);
    return !atomic_load(&jobs->closing);
}

/* Returns true for errors that may pass, such as a full or missing disk. */
static bool may_pass(int code) {
    return code == INSP_E_NOSPACE || code == INSP_E_IO || code == INSP_E_PERMISSION || code == INSP_E_NOMEM ||
           code == INSP_E_STORE_LOST;
}

/* Writes the end of a job and retries until it succeeds, because hours of work are in it. Waiting delays no other
 * job: starting one needs a write too. */
static void persist_end(struct insp_jobs *jobs, const char *id, const struct insp_job_update *update) {
    struct insp_error err = {0};
    int r;
    for (unsigned tries = 0; (r = insp_job_rows_update(jobs->config.store, id, update, &err)) < 0; tries++) {
        if (tries % RETRY_TOLD_TIMES == 0)
            insp_log_error("job end not written yet, retrying id=%s state=%s code=%s error=%s", id,
                           insp_job_state_name(update->state), insp_code_wire(r), INSP_LOG_QUOTED(err.detail));
        if (!may_pass(r) || !pause_before_retry(jobs))
            break;
    }
    if (r < 0)
        insp_log_error("job end lost id=%s state=%s error=%s", id, insp_job_state_name(update->state),
                       INSP_LOG_QUOTED(err.detail));
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
    /* insp_jobs_close may have run before this job was live, so its cancel may be missing. */
    return atomic_load(&jobs->closing) || insp_job_live_cancelled(jobs->live);
}

static enum insp_job_state end_state(int code) {
    return code == 0 ? INSP_JOB_SUCCEEDED : code == INSP_E_CANCELLED ? INSP_JOB_CANCELLED : INSP_JOB_FAILED;
}

/* Writes the row of an ended job. A job that was cancelled by the shutdown gets the error `interrupted`. */
static void end_job(struct insp_jobs *jobs, const struct insp_job_row *row, int code, json_t *report,
                    const char *activated, const struct insp_error *err) {
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
        update.error_detail = cut_off ? "the daemon stopped while this job ran; start the job again" : err->detail;
    }
    persist_end(jobs, row->id, &update);
    insp_job_live_release(&update);
    insp_job_live_end(jobs->live, state, *activated ? row->product : NULL, activated);
    insp_log_info("job ended id=%s kind=%s product=%s state=%s%s%s", row->id, insp_job_kind_name(row->kind),
                  row->product, insp_job_state_name(state), code ? " error=" : "",
                  code ? INSP_LOG_QUOTED(err->detail) : "");
}

struct activation {
    struct insp_jobs *jobs;
    const struct insp_job_row *row;
};

static int on_activate(void *arg, const char *product, const char *version, struct insp_error *reterr) {
    const struct activation *a = arg;
    const struct insp_jobs_config *config = &a->jobs->config;
    return config->activate ? config->activate(config->arg, a->row->id, product, version, reterr)
                            : insp_registry_set_active(config->machine.state_dir, product, version, reterr);
}

static void run_one(struct insp_jobs *jobs, const struct insp_job_row *row) {
    struct activation activation = {jobs, row};
    const struct insp_job_process process = {
        .program = jobs->program,
        .busy = jobs->config.busy,
        .progress = {.event = on_event, .cancelled = on_cancelled, .arg = jobs},
        .activate = on_activate,
        .activate_arg = &activation,
    };
    char activated[INSP_NAME_BYTES] = "";
    struct insp_error err = {0};
    _cleanup_(insp_feedback_clear) struct insp_feedback feedback = {0};
    json_t *report = NULL;
    bool compared = row->kind != INSP_JOB_CROSS_VALIDATE && !insp_job_of_trunk(row->kind); /* with the labels */
    int code = !compared ? 0 : insp_feedback_collect(jobs->config.store, row->product, &feedback, &err);
    if (code == 0)
        code = insp_job_process_run(&process, &jobs->config.machine, row, &feedback, &report, activated, &err);
    end_job(jobs, row, code, report, activated, &err);
    json_decref(report);
    atomic_store(&jobs->changed, true);
    uv_async_send(&jobs->wake);
}

/* Takes the oldest queued job and makes it live. */
static int take_job(struct insp_jobs *jobs, bool *ret_found, struct insp_error *reterr) {
    struct insp_job_row *row = &jobs->row;
    *ret_found = false;
    pthread_mutex_lock(&jobs->turn);
    int r = insp_job_rows_take(jobs->config.store, row, ret_found, reterr);
    if (r == 0 && *ret_found)
        insp_job_live_begin(jobs->live, row->id, row->kind, row->product);
    pthread_mutex_unlock(&jobs->turn);
    return r;
}

static void run_queued(struct insp_jobs *jobs) {
    unsigned failures = 0;
    bool found = true;
    while (found && !atomic_load(&jobs->closing)) {
        struct insp_error err = {0};
        if (take_job(jobs, &found, &err) < 0) {
            if (failures++ % RETRY_TOLD_TIMES == 0)
                insp_log_error("next job not started yet, retrying error=%s", INSP_LOG_QUOTED(err.detail));
            found = pause_before_retry(jobs);
            continue;
        }
        failures = 0;
        if (!found)
            break;
        insp_log_info("job started id=%s kind=%s product=%s dataset=%s", jobs->row.id,
                      insp_job_kind_name(jobs->row.kind), jobs->row.product, jobs->row.params.dataset);
        run_one(jobs, &jobs->row);
    }
}

/* Blocks until a job may be queued. Returns false when the queue is closing. */
static bool wait_for_work(struct insp_jobs *jobs) {
    pthread_mutex_lock(&jobs->lock);
    while (!jobs->queued && !atomic_load(&jobs->closing))
        pthread_cond_wait(&jobs->woken, &jobs->lock);
    jobs->queued = false;
    pthread_mutex_unlock(&jobs->lock);
    return !atomic_load(&jobs->closing);
}

static void supervise(struct insp_task *task) {
    struct insp_jobs *jobs = task->data;
    while (wait_for_work(jobs))
        run_queued(jobs);
}

/* --- the loop --- */

void insp_jobs_free(struct insp_jobs *jobs) {
    if (!jobs)
        return;
    insp_job_live_free(jobs->live);
    free(jobs->state_dir);
    free(jobs->dataset_roots);
    free(jobs->cache_folder);
    free(jobs->device_name);
    free(jobs->program);
    pthread_mutex_destroy(&jobs->lock);
    pthread_mutex_destroy(&jobs->turn);
    pthread_cond_destroy(&jobs->woken);
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
}

static void supervised(struct insp_task *task) {
    struct insp_jobs *jobs = task->data;
    notify(jobs);
    uv_close((uv_handle_t *)&jobs->wake, on_closed);
}

/* Copies text, or NULL. Returns false without memory. */
static bool copy_text(const char *text, char **ret) {
    *ret = text ? strdup(text) : NULL;
    return !text || *ret;
}

static int copy_config(struct insp_jobs *jobs, const struct insp_jobs_config *config) {
    struct insp_job_machine *machine = &jobs->config.machine;
    jobs->config = *config;
    if (!copy_text(machine->state_dir, &jobs->state_dir) ||
        !copy_text(machine->dataset_roots, &jobs->dataset_roots) ||
        !copy_text(machine->cache_folder, &jobs->cache_folder) ||
        !copy_text(machine->device.name, &jobs->device_name) || !copy_text(config->program, &jobs->program))
        return INSP_E_NOMEM;
    machine->state_dir = jobs->state_dir;
    machine->dataset_roots = jobs->dataset_roots;
    machine->cache_folder = jobs->cache_folder;
    machine->device.name = jobs->device_name;
    return 0;
}

static struct insp_jobs *allocate(const struct insp_jobs_config *config) {
    struct insp_jobs *jobs = calloc(1, sizeof *jobs);
    pthread_condattr_t monotonic;
    if (!jobs)
        return NULL;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_mutex_init(&jobs->turn, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&jobs->woken, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (copy_config(jobs, config) == 0 && (jobs->live = insp_job_live_new()))
        return jobs;
    insp_jobs_free(jobs);
    return NULL;
}

int insp_jobs_new(uv_loop_t *loop, const struct insp_jobs_config *config, struct insp_jobs **ret,
                  struct insp_error *reterr) {
    size_t interrupted = 0;
    int r = insp_job_rows_interrupt(config->store, &interrupted, reterr);
    if (r < 0)
        return r;
    if (interrupted)
        insp_log_warning("interrupted jobs marked as failed count=%zu", interrupted);
    struct insp_jobs *jobs = allocate(config);
    if (!jobs)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the job queue");
    jobs->wake.data = jobs;
    r = uv_async_init(loop, &jobs->wake, on_wake);
    if (r < 0) {
        insp_jobs_free(jobs);
        return insp_fail_errno(reterr, -r, "cannot create the job queue");
    }
    jobs->queued = true; /* a previous daemon may have queued jobs */
    jobs->supervisor = (struct insp_task){.run = supervise, .done = supervised, .data = jobs};
    insp_work_always(config->lanes, INSP_LANE_JOB, &jobs->supervisor);
    *ret = jobs;
    return 0;
}

static void wake_supervisor(struct insp_jobs *jobs, bool queued) {
    pthread_mutex_lock(&jobs->lock);
    jobs->queued = jobs->queued || queued;
    pthread_cond_signal(&jobs->woken);
    pthread_mutex_unlock(&jobs->lock);
}

void insp_jobs_close(struct insp_jobs *jobs, void (*closed)(void *arg), void *arg) {
    jobs->closed = closed;
    jobs->closed_arg = arg;
    atomic_store(&jobs->closing, true);
    insp_job_live_cancel(jobs->live, NULL);
    wake_supervisor(jobs, false);
}

/* --- functions for any thread --- */

int insp_jobs_submit(struct insp_jobs *jobs, enum insp_job_kind kind, const char *product,
                     const struct insp_job_params *params, char *ret_id, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    int r = *params->dataset
                ? insp_dataset_resolve(jobs->config.machine.dataset_roots, params->dataset, folder, reterr)
                : 0;
    if (r < 0)
        return r;
    struct insp_job_row row = {.kind = kind, .params = *params};
    snprintf(row.product, sizeof row.product, "%s", product);
    r = insp_job_rows_add(jobs->config.store, &row, jobs->config.queue_max, reterr);
    if (r < 0)
        return r;
    memcpy(ret_id, row.id, INSP_UUID_BYTES);
    wake_supervisor(jobs, true);
    return 0;
}

int insp_jobs_cancel(struct insp_jobs *jobs, const char *id, struct insp_error *reterr) {
    enum insp_job_state state;
    pthread_mutex_lock(&jobs->turn);
    int r = insp_job_rows_cancel(jobs->config.store, id, &state, reterr);
    bool done = r == 0 &&
                (state == INSP_JOB_QUEUED || (state == INSP_JOB_RUNNING && insp_job_live_cancel(jobs->live, id)));
    pthread_mutex_unlock(&jobs->turn);
    return r < 0 || done ? r : insp_fail(reterr, INSP_E_CONFLICT, "job %s has already ended", id);
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
