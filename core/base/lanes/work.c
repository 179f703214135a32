#include "core/base/lanes/work.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/lanes/thread.h"

enum { LARGE_NICE = 5, BACK_NICE = 10 };

struct task_list {
    struct insp_task *head, **tail;
    size_t count;
};

struct lane {
    struct insp_lanes *lanes;
    enum insp_lane name;
    unsigned threads, started, heavy_max;
    size_t queue_max;
    pthread_t *thread; /* [threads] */
    pthread_mutex_t lock;
    pthread_cond_t work_came; /* all below under the lock */
    struct task_list waiting[INSP_WORK_WEIGHTS];
    size_t running, running_heavy;
    uint64_t refused;
    bool stop;
};

struct insp_lanes {
    uv_async_t async;
    struct lane lane[INSP_LANES];
    pthread_mutex_t lock;
    struct task_list finished; /* under the lock */
    bool joined;               /* loop thread */
    void (*closed)(void *arg);
    void *closed_arg;
};

const char *insp_lane_name(enum insp_lane lane) {
    static const char *const name[] = {
        [INSP_LANE_LINE] = "line",   [INSP_LANE_LARGE] = "large", [INSP_LANE_BACK] = "back",
        [INSP_LANE_CHORE] = "chore", [INSP_LANE_JOB] = "job",     [INSP_LANE_FILES] = "files"};
    return name[lane];
}

static void push(struct task_list *list, struct insp_task *task) {
    task->next = NULL;
    *list->tail = task;
    list->tail = &task->next;
    list->count++;
}

static struct insp_task *pop(struct task_list *list) {
    struct insp_task *task = list->head;
    list->head = task->next;
    if (!list->head)
        list->tail = &list->head;
    list->count--;
    return task;
}

static void clear(struct task_list *list) {
    *list = (struct task_list){.tail = &list->head};
}

/* --- a lane's thread --- */

/* Returns the next task that may run now, or NULL. Under the lane's lock. */
static struct insp_task *take(struct lane *lane) {
    struct task_list *urgent = &lane->waiting[INSP_WORK_URGENT], *quick = &lane->waiting[INSP_WORK_QUICK],
                     *heavy = &lane->waiting[INSP_WORK_HEAVY];
    if (urgent->head)
        return pop(urgent);
    if (heavy->head && lane->running_heavy < lane->heavy_max &&
        (!quick->head || heavy->head->queued_us <= quick->head->queued_us))
        return pop(heavy);
    return quick->head ? pop(quick) : NULL;
}

static void finish(struct insp_lanes *lanes, struct insp_task *task) {
    pthread_mutex_lock(&lanes->lock);
    push(&lanes->finished, task);
    pthread_mutex_unlock(&lanes->lock);
    uv_async_send(&lanes->async);
}

/* Runs one task. Called under the lane's lock, which it releases while the task runs. A finished task belongs
 * to the loop again, so its weight is read before. */
static void run(struct lane *lane, struct insp_task *task) {
    bool heavy = task->weight == INSP_WORK_HEAVY;
    lane->running++;
    lane->running_heavy += heavy;
    pthread_mutex_unlock(&lane->lock);
    task->begun_us = insp_mono_us();
    task->run(task);
    finish(lane->lanes, task);
    pthread_mutex_lock(&lane->lock);
    lane->running--;
    lane->running_heavy -= heavy;
    if (heavy && lane->waiting[INSP_WORK_HEAVY].head)
        pthread_cond_signal(&lane->work_came); /* a thread that was refused this task may sleep */
}

static bool empty(const struct lane *lane) {
    return !lane->waiting[INSP_WORK_URGENT].head && !lane->waiting[INSP_WORK_QUICK].head &&
           !lane->waiting[INSP_WORK_HEAVY].head;
}

static void *lane_thread(void *arg) {
    struct lane *lane = arg;
    struct insp_task *task;
    if (lane->name == INSP_LANE_LARGE)
        insp_thread_lower_priority(LARGE_NICE);
    else if (lane->name == INSP_LANE_BACK || lane->name == INSP_LANE_CHORE)
        insp_thread_lower_priority(BACK_NICE);
    pthread_mutex_lock(&lane->lock);
    while (!lane->stop || !empty(lane)) {
        if ((task = take(lane)))
            run(lane, task);
        else
            pthread_cond_wait(&lane->work_came, &lane->lock);
    }
    pthread_cond_broadcast(&lane->work_came); /* others may be waiting for the last heavy task to begin */
    pthread_mutex_unlock(&lane->lock);
    return NULL;
}

/* --- the loop --- */

static struct insp_task *take_finished(struct insp_lanes *lanes) {
    pthread_mutex_lock(&lanes->lock);
    struct insp_task *task = lanes->finished.head;
    clear(&lanes->finished);
    pthread_mutex_unlock(&lanes->lock);
    return task;
}

static void deliver(struct insp_lanes *lanes) {
    struct insp_task *task = take_finished(lanes);
    while (task) {
        struct insp_task *next = task->next; /* done may free the task */
        task->done(task);
        task = next;
    }
}

static void on_async(uv_async_t *async) {
    deliver(async->data);
}

static void stop_threads(struct insp_lanes *lanes) {
    for (size_t i = 0; i < INSP_LANES; i++) {
        struct lane *lane = &lanes->lane[i];
        pthread_mutex_lock(&lane->lock);
        lane->stop = true;
        pthread_cond_broadcast(&lane->work_came);
        pthread_mutex_unlock(&lane->lock);
    }
    for (size_t i = 0; i < INSP_LANES; i++)
        for (unsigned j = 0; j < lanes->lane[i].started; j++)
            pthread_join(lanes->lane[i].thread[j], NULL);
    lanes->joined = true;
}

static void free_memory(struct insp_lanes *lanes) {
    for (size_t i = 0; i < INSP_LANES; i++) {
        free(lanes->lane[i].thread);
        pthread_mutex_destroy(&lanes->lane[i].lock);
        pthread_cond_destroy(&lanes->lane[i].work_came);
    }
    pthread_mutex_destroy(&lanes->lock);
    free(lanes);
}

static void prepare(struct insp_lanes *lanes, const struct insp_lanes_config *config) {
    pthread_mutex_init(&lanes->lock, NULL);
    clear(&lanes->finished);
    for (size_t i = 0; i < INSP_LANES; i++) {
        struct lane *lane = &lanes->lane[i];
        lane->lanes = lanes;
        lane->name = (enum insp_lane)i;
        lane->threads = config->lane[i].threads;
        lane->heavy_max = lane->threads > 1 ? lane->threads / 2 : 1;
        lane->queue_max = config->lane[i].queue_max;
        pthread_mutex_init(&lane->lock, NULL);
        pthread_cond_init(&lane->work_came, NULL);
        for (size_t weight = 0; weight < INSP_WORK_WEIGHTS; weight++)
            clear(&lane->waiting[weight]);
    }
}

static int start_lane(struct lane *lane, struct insp_error *reterr) {
    char name[16];
    int r = 0;
    lane->thread = calloc(lane->threads, sizeof *lane->thread);
    if (!lane->thread)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %u threads", lane->threads);
    for (unsigned i = 0; r == 0 && i < lane->threads; i++) {
        snprintf(name, sizeof name, "insp-%s-%u", insp_lane_name(lane->name), i);
        r = insp_thread_start(&lane->thread[i], name, lane_thread, lane, reterr);
        lane->started += r == 0;
    }
    return r;
}

int insp_lanes_new(uv_loop_t *loop, const struct insp_lanes_config *config, struct insp_lanes **ret,
                   struct insp_error *reterr) {
    struct insp_lanes *lanes = calloc(1, sizeof *lanes);
    int r = 0;
    if (!lanes)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the work queues");
    prepare(lanes, config);
    for (size_t i = 0; r == 0 && i < INSP_LANES; i++)
        r = start_lane(&lanes->lane[i], reterr);
    if (r == 0) { /* last, so that a failure leaves no handle; no task can finish before one is submitted */
        int uv = uv_async_init(loop, &lanes->async, on_async);
        if (uv < 0)
            r = insp_fail(reterr, INSP_E_INTERNAL, "uv_async_init: %s", uv_strerror(uv));
    }
    if (r < 0) {
        stop_threads(lanes);
        free_memory(lanes);
        return r;
    }
    lanes->async.data = lanes;
    *ret = lanes;
    return 0;
}

static void submit(struct lane *lane, struct insp_task *task) {
    task->lane = lane->name;
    task->queued_us = insp_mono_us();
    push(&lane->waiting[task->weight], task);
    pthread_cond_signal(&lane->work_came);
}

int insp_work(struct insp_lanes *lanes, enum insp_lane name, struct insp_task *task, struct insp_error *reterr) {
    struct lane *lane = &lanes->lane[name];
    pthread_mutex_lock(&lane->lock);
    size_t waiting = lane->waiting[task->weight].count;
    bool full = waiting >= lane->queue_max;
    if (full)
        lane->refused++;
    else
        submit(lane, task);
    pthread_mutex_unlock(&lane->lock);
    return full ? insp_fail(reterr, INSP_E_QUEUE_FULL, "%zu requests are already waiting; try again in a moment",
                            waiting)
                : 0;
}

void insp_work_always(struct insp_lanes *lanes, enum insp_lane name, struct insp_task *task) {
    struct lane *lane = &lanes->lane[name];
    if (lanes->joined) { /* called from a last `done`, after the threads have ended: the loop has nothing else to
                            do */
        task->run(task);
        finish(lanes, task);
        return;
    }
    pthread_mutex_lock(&lane->lock);
    submit(lane, task);
    pthread_mutex_unlock(&lane->lock);
}

void insp_work_status(struct insp_lanes *lanes, enum insp_lane name, struct insp_lane_status *ret) {
    struct lane *lane = &lanes->lane[name];
    pthread_mutex_lock(&lane->lock);
    *ret = (struct insp_lane_status){.threads = lane->threads, .running = lane->running, .refused = lane->refused};
    for (size_t weight = 0; weight < INSP_WORK_WEIGHTS; weight++)
        ret->queued += lane->waiting[weight].count;
    pthread_mutex_unlock(&lane->lock);
}

static void on_closed(uv_handle_t *handle) {
    struct insp_lanes *lanes = handle->data;
    void (*closed)(void *arg) = lanes->closed;
    void *arg = lanes->closed_arg;
    free_memory(lanes);
    if (closed)
        closed(arg);
}

void insp_lanes_close(struct insp_lanes *lanes, void (*closed)(void *arg), void *arg) {
    stop_threads(lanes);
    while (lanes->finished.head) /* no thread is left: no lock */
        deliver(lanes);
    lanes->closed = closed;
    lanes->closed_arg = arg;
    uv_close((uv_handle_t *)&lanes->async, on_closed);
}
