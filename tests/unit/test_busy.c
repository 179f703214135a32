#include "core/base/lanes/busy.h"

#include "core/base/clock.h"
#include "harness.h"

#include <sys/mman.h>
#include <sys/wait.h>

static struct insp_error err;
static struct insp_busy *busy;

enum { LONG_US = 60 * 1000000, SHORT_US = 20000 };

START_TEST(a_lowered_flag_does_not_block) {
    ck_insp_ok(insp_busy_new(&busy, &err), err);
    int64_t start = insp_mono_us();
    insp_busy_wait(busy, LONG_US);
    insp_busy_set(busy, true);
    insp_busy_set(busy, false);
    insp_busy_wait(busy, LONG_US);
    ck_assert_int_lt(insp_mono_us() - start, LONG_US);
    insp_busy_free(busy);
}
END_TEST

START_TEST(the_limit_ends_the_wait) {
    ck_insp_ok(insp_busy_new(&busy, &err), err);
    insp_busy_set(busy, true);
    int64_t start = insp_mono_us();
    insp_busy_wait(busy, SHORT_US);
    ck_assert_int_ge(insp_mono_us() - start, SHORT_US);
    insp_busy_wait(busy, 0);
    insp_busy_wait(busy, -5);
    insp_busy_free(busy);
}
END_TEST

/* The waiting side is a process that maps the descriptor for reading alone. */
START_TEST(lowering_wakes_another_process) {
    int ready[2];
    char byte = 0;
    ck_insp_ok(insp_busy_new(&busy, &err), err);
    insp_busy_set(busy, true);
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct insp_busy *seen = NULL;
        if (insp_busy_open(insp_busy_fd(busy), &seen, &err) < 0 || write(ready[1], "r", 1) != 1)
            _exit(2);
        int64_t start = insp_mono_us();
        insp_busy_wait(seen, LONG_US);
        _exit(insp_mono_us() - start < LONG_US ? 0 : 3);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    insp_busy_set(busy, false);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    insp_busy_free(busy);
}
END_TEST

START_TEST(only_a_flag_is_opened) {
    int other[2];
    struct insp_busy *seen = NULL;
    ck_assert_int_eq(pipe(other), 0);
    ck_insp_code(insp_busy_open(other[0], &seen, &err), INSP_E_IO, err);
    ck_insp_code(insp_busy_open(-1, &seen, &err), INSP_E_IO, err);
    ck_assert_ptr_null(seen);
    insp_busy_free(NULL);
}
END_TEST

START_TEST(another_process_cannot_spoil_it) {
    ck_insp_ok(insp_busy_new(&busy, &err), err);
    ck_assert_int_lt(ftruncate(insp_busy_fd(busy), 0), 0);
    ck_assert_ptr_eq(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, insp_busy_fd(busy), 0), MAP_FAILED);
    insp_busy_set(busy, true); /* its own mapping still can be written */
    insp_busy_free(busy);
}
END_TEST

INSP_TESTS(another_process_cannot_spoil_it, a_lowered_flag_does_not_block, the_limit_ends_the_wait,
           lowering_wakes_another_process, only_a_flag_is_opened);
