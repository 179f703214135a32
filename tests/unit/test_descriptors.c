#include "daemon/descriptors.h"
#include "tests/unit/harness.h"

#include <string.h>
#include <sys/resource.h>

static struct insp_error err;

START_TEST(test_what_fits_is_what_was_needed) {
    for (unsigned connections = DAEMON_CONNECTIONS_MIN; connections <= 65536; connections *= 4) {
        uint64_t needed = daemon_descriptors_needed(connections, 4, 0);
        ck_assert_uint_gt(needed, connections);
        ck_assert_uint_eq(daemon_descriptors_fit(connections, 4, 0, needed), connections);
        ck_assert_uint_eq(daemon_descriptors_fit(2 * connections, 4, 0, needed), connections);
        unsigned less = daemon_descriptors_fit(connections, 4, 0, needed - 1);
        ck_assert_uint_eq(less, connections == DAEMON_CONNECTIONS_MIN ? 0 : connections - 1);
    }
    ck_assert_uint_eq(daemon_descriptors_needed(9, 4, 17), daemon_descriptors_needed(9, 4, 0) + 17);
    ck_assert_uint_eq(daemon_descriptors_fit(256, 4, 0, 0), 0);
    ck_assert_uint_le(daemon_descriptors_needed(256, 4, 0), 1024); /* the defaults, with the limit of a shell */
}
END_TEST

static void set_limit(rlim_t soft, rlim_t hard) {
    struct rlimit limit = {soft, hard};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Each test runs in its own process, so a limit that it lowers stays there. */
START_TEST(test_the_soft_limit_is_raised) {
    unsigned got;
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    set_limit(64, limit.rlim_max);
    ck_insp_ok(daemon_descriptors_raise(64, 4, 0, &got, &err), err);
    ck_assert_uint_eq(got, 64);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, daemon_descriptors_needed(64, 4, 0));
}
END_TEST

START_TEST(test_too_low_a_hard_limit_lowers_the_connections) {
    unsigned got;
    set_limit(64, daemon_descriptors_needed(10, 4, 0));
    ck_insp_ok(daemon_descriptors_raise(256, 4, 0, &got, &err), err);
    ck_assert_uint_eq(got, 10);
}
END_TEST

START_TEST(test_far_too_low_a_limit_is_an_error) {
    unsigned got;
    set_limit(64, 64);
    ck_insp_code(daemon_descriptors_raise(256, 4, 0, &got, &err), INSP_E_CONFIG, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "LimitNOFILE"));
}
END_TEST

INSP_TESTS(test_what_fits_is_what_was_needed, test_the_soft_limit_is_raised,
           test_too_low_a_hard_limit_lowers_the_connections, test_far_too_low_a_limit_is_an_error);
