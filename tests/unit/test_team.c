/* A team does each step once, on threads of different numbers, however many passes and leaders there are. */
#include "core/compute/team.h"
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { STEPS = 1000, THREADS = 4 };

struct work {
    _Atomic unsigned done[STEPS];
    _Atomic bool busy[THREADS]; /* a step of this thread is running */
    _Atomic unsigned clashes, first, others;
    unsigned threads;
};

static void step(void *arg, size_t index, unsigned thread) {
    struct work *work = arg;
    if (thread >= work->threads || atomic_exchange(&work->busy[thread], true))
        work->clashes++;
    work->done[index]++;
    if (thread)
        work->others++;
    else
        work->first++;
    atomic_store(&work->busy[thread], false);
}

static void check(struct work *work, unsigned threads, size_t count, size_t chunk) {
    memset(work, 0, sizeof *work);
    work->threads = threads;
    insp_team_run(threads, count, chunk, step, work);
    for (size_t i = 0; i < STEPS; i++)
        ck_assert_uint_eq(work->done[i], i < count);
    ck_assert_uint_eq(work->clashes, 0);
    ck_assert_uint_eq(work->first + work->others, count);
}

START_TEST(test_each_step_once) {
    static struct work work;
    static const size_t counts[] = {0, 1, 2, 3, 7, 8, 9, 64, STEPS};
    for (unsigned threads = 1; threads <= THREADS; threads++)
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            for (size_t chunk = 1; chunk <= 9; chunk += 4)
                check(&work, threads, counts[i], chunk);
    check(&work, 2, STEPS, 1); /* fewer threads than the team has by now */
}
END_TEST

static void meet(void *arg, size_t index, unsigned thread) {
    (void)index, (void)thread;
    pthread_barrier_wait(arg);
}

START_TEST(test_threads_take_part) {
    pthread_barrier_t barrier; /* opens when all threads are in a step at the same time */
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int pass = 0; pass < 100; pass++)
        insp_team_run(THREADS, THREADS, 1, meet, &barrier);
    pthread_barrier_destroy(&barrier);
}
END_TEST

struct sum {
    uint64_t part[THREADS][8]; /* not atomic: a pass is the only order between them */
};

static void add(void *arg, size_t index, unsigned thread) {
    struct sum *sum = arg;
    sum->part[thread][0] += index;
}

static char work_is_wrong;

static void *lead(void *arg) {
    struct sum sum = {0};
    uint64_t total = 0;
    (void)arg;
    for (size_t pass = 0; pass < 2000; pass++)
        insp_team_run(1 + pass % THREADS, 50, 1, add, &sum);
    for (size_t i = 0; i < THREADS; i++)
        total += sum.part[i][0];
    return total == UINT64_C(2000) * (49 * 50 / 2) ? NULL : (void *)&work_is_wrong;
}

START_TEST(test_leaders_beside_each_other) {
    pthread_t thread[3];
    void *failed;
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, lead, NULL), 0);
    for (size_t i = 0; i < 3; i++) { /* each ends with its team */
        ck_assert_int_eq(pthread_join(thread[i], &failed), 0);
        ck_assert_ptr_null(failed);
    }
}
END_TEST

/* The number of a pass has 16 bits. */
START_TEST(test_more_passes_than_numbers) {
    struct sum sum = {0};
    uint64_t total = 0;
    for (size_t pass = 0; pass < 140000; pass++)
        insp_team_run(2, 3, 1, add, &sum);
    for (size_t i = 0; i < THREADS; i++)
        total += sum.part[i][0];
    ck_assert_uint_eq(total, 140000 * 3);
}
END_TEST

static void denormal(void *arg, size_t index, unsigned thread) {
    volatile float small = 1e-39f;
    float *ret = arg;
    (void)thread;
    ret[index] = small * 0.5f;
}

START_TEST(test_denormals_are_zero_in_every_step_and_stay_outside) {
    float got[64];
    volatile float small = 1e-39f;
    insp_team_run(THREADS, 64, 1, denormal, got);
    ck_assert(small * 0.5f > 0);
#if defined __x86_64__
    for (size_t i = 0; i < 64; i++)
        ck_assert_float_eq(got[i], 0);
#endif
    ck_assert_uint_ge(insp_team_processors(), 1);
}
END_TEST

INSP_TESTS(test_each_step_once, test_threads_take_part, test_leaders_beside_each_other,
           test_more_passes_than_numbers, test_denormals_are_zero_in_every_step_and_stay_outside);
