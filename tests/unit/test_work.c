#include "core/base/lanes/work.h"
#include "tests/unit/harness.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/resource.h>

enum { TASKS = 16 };

static uv_loop_t loop;
static struct insp_lanes *lanes;
static struct insp_error err;
static pthread_t loop_thread;
static sem_t gate, entered;
static size_t done_count;
static bool closed;

struct probe {
    struct insp_task task;
    char thread[16];
    int nice;
    size_t order; /* of done, from 1 */
};
static struct probe probe[TASKS];

static void on_done(struct insp_task *task) {
    struct probe *p = task->data;
    ck_assert(pthread_equal(pthread_self(), loop_thread));
    ck_assert_int_ge(task->begun_us, task->queued_us);
    p->order = ++done_count;
}

static void look(struct insp_task *task) {
    struct probe *p = task->data;
    pthread_getname_np(pthread_self(), p->thread, sizeof p->thread);
    p->nice = getpriority(PRIO_PROCESS, 0); /* 0: the calling thread, on Linux */
}

static void wait_at_gate(struct insp_task *task) {
    (void)task;
    sem_post(&entered);
    sem_wait(&gate);
}

static void setup(unsigned threads, size_t queue_max) {
    struct insp_lanes_config config;
    for (size_t i = 0; i < INSP_LANES; i++) {
        config.lane[i].threads = threads;
        config.lane[i].queue_max = queue_max;
    }
    memset(probe, 0, sizeof probe);
    done_count = 0;
    closed = false;
    loop_thread = pthread_self();
    sem_init(&gate, 0, 0);
    sem_init(&entered, 0, 0);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_insp_ok(insp_lanes_new(&loop, &config, &lanes, &err), err);
}

static struct insp_task *make(size_t i, void (*run)(struct insp_task *task), enum insp_weight weight) {
    probe[i].task = (struct insp_task){.run = run, .done = on_done, .data = &probe[i], .weight = weight};
    return &probe[i].task;
}

static void submit(size_t i, enum insp_lane lane, void (*run)(struct insp_task *task), enum insp_weight weight) {
    ck_insp_ok(insp_work(lanes, lane, make(i, run, weight), &err), err);
}

static void run_until(size_t count) {
    while (done_count < count)
        uv_run(&loop, UV_RUN_ONCE);
}

static void on_closed(void *arg) {
    (void)arg;
    closed = true;
}

static void teardown(void) {
    insp_lanes_close(lanes, on_closed, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert(closed);
    ck_assert_int_eq(uv_loop_close(&loop), 0); /* no handle was left */
}

START_TEST(test_each_lane_has_its_threads_and_back_a_lower_priority) {
    setup(1, 4);
    for (size_t i = 0; i < INSP_LANES; i++)
        submit(i, (enum insp_lane)i, look, INSP_WORK_QUICK);
    run_until(INSP_LANES);
    ck_assert_str_eq(probe[INSP_LANE_LINE].thread, "insp-line-0");
    ck_assert_str_eq(probe[INSP_LANE_LARGE].thread, "insp-large-0");
    ck_assert_str_eq(probe[INSP_LANE_BACK].thread, "insp-back-0");
    ck_assert_str_eq(probe[INSP_LANE_CHORE].thread, "insp-chore-0");
    ck_assert_str_eq(probe[INSP_LANE_JOB].thread, "insp-job-0");
    ck_assert_int_eq(probe[INSP_LANE_LINE].nice, getpriority(PRIO_PROCESS, 0));
    ck_assert_int_gt(probe[INSP_LANE_LARGE].nice, probe[INSP_LANE_LINE].nice);
    ck_assert_int_gt(probe[INSP_LANE_CHORE].nice, probe[INSP_LANE_LARGE].nice);
    ck_assert_int_gt(probe[INSP_LANE_BACK].nice, probe[INSP_LANE_LARGE].nice);
    teardown();
}
END_TEST

START_TEST(test_a_full_lane_does_not_hold_up_another) {
    setup(2, 16);
    for (size_t i = 0; i < 8; i++)
        submit(i, INSP_LANE_BACK, wait_at_gate, INSP_WORK_QUICK);
    sem_wait(&entered);
    sem_wait(&entered);
    submit(8, INSP_LANE_LINE, look, INSP_WORK_QUICK);
    run_until(1);
    ck_assert_uint_eq(probe[8].order, 1);
    for (size_t i = 0; i < 8; i++)
        sem_post(&gate);
    run_until(9);
    teardown();
}
END_TEST

START_TEST(test_heavy_tasks_leave_half_of_the_threads) {
    struct insp_lane_status status;
    setup(4, 16);
    for (size_t i = 0; i < 5; i++)
        submit(i, INSP_LANE_BACK, wait_at_gate, INSP_WORK_HEAVY);
    sem_wait(&entered);
    sem_wait(&entered);
    submit(5, INSP_LANE_BACK, look, INSP_WORK_QUICK); /* passes three that wait */
    run_until(1);
    ck_assert_uint_eq(probe[5].order, 1);
    insp_work_status(lanes, INSP_LANE_BACK, &status);
    ck_assert(status.threads == 4 && status.queued == 3 && status.refused == 0);
    for (size_t i = 0; i < 5; i++)
        sem_post(&gate);
    run_until(6);
    ck_assert_int_eq(sem_trywait(&entered), 0); /* the other three had their turn */
    teardown();
}
END_TEST

START_TEST(test_urgent_goes_first_then_the_oldest) {
    setup(1, 16);
    submit(0, INSP_LANE_LINE, wait_at_gate, INSP_WORK_QUICK);
    sem_wait(&entered);
    submit(1, INSP_LANE_LINE, look, INSP_WORK_HEAVY);
    submit(2, INSP_LANE_LINE, look, INSP_WORK_QUICK);
    submit(3, INSP_LANE_LINE, look, INSP_WORK_QUICK);
    submit(4, INSP_LANE_LINE, look, INSP_WORK_URGENT);
    sem_post(&gate);
    run_until(5);
    const size_t order[] = {1, 3, 4, 5, 2};
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(probe[i].order, order[i]);
    teardown();
}
END_TEST

START_TEST(test_queues_are_bounded_by_weight) {
    struct insp_lane_status status;
    setup(1, 2);
    submit(0, INSP_LANE_BACK, wait_at_gate, INSP_WORK_QUICK);
    sem_wait(&entered);
    for (size_t i = 1; i < 3; i++)
        submit(i, INSP_LANE_BACK, look, INSP_WORK_HEAVY);
    ck_insp_code(insp_work(lanes, INSP_LANE_BACK, make(3, look, INSP_WORK_HEAVY), &err), INSP_E_QUEUE_FULL, err);
    submit(4, INSP_LANE_BACK, look, INSP_WORK_QUICK); /* pictures do not keep lists out */
    insp_work_always(lanes, INSP_LANE_BACK, make(5, look, INSP_WORK_HEAVY));
    insp_work_status(lanes, INSP_LANE_BACK, &status);
    ck_assert(status.queued == 4 && status.running == 1 && status.refused == 1);
    sem_post(&gate);
    run_until(5);
    ck_assert_uint_eq(probe[3].order, 0); /* refused: it never came back */
    teardown();
}
END_TEST

static void again(struct insp_task *task) {
    on_done(task);
    task->done = on_done;
    insp_work_always(lanes, INSP_LANE_LINE, task);
}

/* Tasks that are queued when the lanes close are done, and so are the tasks that they start. */
START_TEST(test_close_loses_nothing) {
    setup(2, 16);
    for (size_t i = 0; i < 12; i++)
        submit(i, i % 2 ? INSP_LANE_BACK : INSP_LANE_LINE, look, i % 3 ? INSP_WORK_QUICK : INSP_WORK_HEAVY);
    make(12, look, INSP_WORK_QUICK)->done = again;
    insp_work_always(lanes, INSP_LANE_LINE, &probe[12].task);
    teardown();
    ck_assert_uint_eq(done_count, 14);
}
END_TEST

INSP_TESTS(test_each_lane_has_its_threads_and_back_a_lower_priority, test_a_full_lane_does_not_hold_up_another,
           test_heavy_tasks_leave_half_of_the_threads, test_urgent_goes_first_then_the_oldest,
           test_queues_are_bounded_by_weight, test_close_loses_nothing);
