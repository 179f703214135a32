#include "api/watch/process.h"
#include "core/base/clock.h"
#include "tests/unit/harness.h"

#include <fcntl.h>
#include <unistd.h>

static struct insp_error err;

START_TEST(test_figures_of_this_process) {
    struct api_process before, after;
    ck_insp_ok(api_process_read(&before, &err), err);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_insp_ok(api_process_read(&after, &err), err);
    close(fd);
    ck_assert_uint_eq(after.open_fds, before.open_fds + 1);
    ck_assert_uint_eq(after.max_fds, (uint64_t)sysconf(_SC_OPEN_MAX));
    ck_assert_uint_gt(after.resident_bytes, 100000);
    ck_assert_uint_gt(after.virtual_bytes, after.resident_bytes);
    ck_assert_double_ge(after.cpu_s, before.cpu_s);
}
END_TEST

START_TEST(test_cpu_time_grows) {
    struct api_process before, now;
    ck_insp_ok(api_process_read(&before, &err), err);
    int64_t limit_us = insp_mono_us() + 20000000;
    do
        ck_insp_ok(api_process_read(&now, &err), err);
    while (now.cpu_s < before.cpu_s + 0.02 && insp_mono_us() < limit_us);
    ck_assert_double_ge(now.cpu_s, before.cpu_s + 0.02);
}
END_TEST

INSP_TESTS(test_figures_of_this_process, test_cpu_time_grows);
