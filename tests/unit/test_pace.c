/* The hook belongs to the thread that sets it, and the CPU kernels call it before each layer. */
#include "core/compute/conv_cpu.h"
#include "core/compute/pace.h"
#include "core/model/weights.h"
#include "harness.h"

#include <pthread.h>

static struct insp_error err;

static void count(void *arg) {
    ++*(unsigned *)arg;
}

static void *other_thread(void *arg) {
    (void)arg;
    insp_pace();
    return NULL;
}

START_TEST(test_thread) {
    unsigned calls = 0;
    pthread_t thread;
    insp_pace(); /* none is set */
    insp_pace_set(count, &calls);
    ck_assert_int_eq(pthread_create(&thread, NULL, other_thread, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_eq(calls, 0);
    insp_pace();
    ck_assert_uint_eq(calls, 1);
    insp_pace_set(NULL, NULL);
    insp_pace();
    ck_assert_uint_eq(calls, 1);
}
END_TEST

START_TEST(test_each_layer) {
    unsigned calls = 0;
    struct insp_cpu_tail *tail;
    struct insp_cpu_workspace *workspace;
    struct insp_tail_buffers *buffers = insp_tail_buffers_new();
    float *features = calloc(INSP_FEATURE_FLOATS, sizeof *features), probability;
    ck_assert(buffers && features);
    insp_tail_init_identity(buffers, 1, 1);
    struct insp_tail_weights view = insp_tail_buffers_view(buffers);
    ck_insp_ok(insp_cpu_tail_new(&view, &tail, &err), err);
    ck_insp_ok(insp_cpu_workspace_new(1, &workspace, &err), err);
    insp_pace_set(count, &calls);
    ck_insp_ok(insp_cpu_tail_run(tail, workspace, features, 1, &probability, NULL, &err), err);
    ck_assert_uint_eq(calls, INSP_TAIL_CONVS);
    insp_pace_set(NULL, NULL);
    insp_cpu_workspace_free(workspace);
    insp_cpu_tail_free(tail);
    insp_tail_buffers_free(buffers);
    free(features);
}
END_TEST

INSP_TESTS(test_thread, test_each_layer);
