#include "core/train/features/memory.h"

#include "core/compute/vgg16.h"
#include "harness.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

START_TEST(available_is_within_the_machine) {
    struct sysinfo info;
    ck_assert_int_eq(sysinfo(&info), 0);
    uint64_t available = insp_memory_available();
    ck_assert_uint_gt(available, 0);
    ck_assert_uint_le(available, (uint64_t)info.totalram * info.mem_unit);
}
END_TEST

START_TEST(the_estimate_covers_what_is_known_and_grows_with_the_batch) {
    const uint64_t weights = 3ull * 512 * 512 * 9 * sizeof(float), map = 512ull * 14 * 14 * sizeof(float);
    /* parameters, gradients and two moments; forward and backward keep each layer's input and output */
    ck_assert_uint_gt(insp_memory_training_estimate(1), 4 * weights + 4 * map);
    /* While a half is trained with the weights of its last epochs, the version's own tail waits: exported,
     * averaged and packed for both directions. */
    ck_assert_uint_gt(insp_memory_training_estimate(1), 14 * weights);
    uint64_t one = insp_memory_training_estimate(11) - insp_memory_training_estimate(10);
    ck_assert_uint_ge(one, 4 * map);
    ck_assert_uint_eq(insp_memory_training_estimate(256) - insp_memory_training_estimate(10), 246 * one);
    ck_assert_uint_lt(insp_memory_training_estimate(10), 1000u << 20); /* a machine of 2 GB can train by default */
}
END_TEST

START_TEST(too_little_is_told_with_both_figures) {
    struct insp_error err;
    ck_insp_ok(insp_memory_check(5000000, 5000000, "training", &err), err);
    ck_insp_code(insp_memory_check(5000000, 4000000, "training", &err), INSP_E_NOMEM, err);
    ck_assert_str_eq(err.detail, "training needs about 5 MB of memory, but only 4 MB are available");
    ck_insp_ok(insp_memory_check(5000000, UINT64_MAX, "training", &err), err); /* the system does not say */
}
END_TEST

/* Each test runs in its own process. */
START_TEST(the_limit_of_the_address_space_counts) {
    struct rlimit limit;
    uint64_t before = insp_memory_available();
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = UINT64_C(1) << 47; /* more than any machine has: no effect */
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    ck_assert_uint_ge(insp_memory_available(), before / 2);
    limit.rlim_cur = 1; /* less than is in use */
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    ck_assert_uint_eq(insp_memory_available(), 0);
}
END_TEST

START_TEST(the_limit_of_a_job_counts) {
    struct insp_error err;
    uint64_t before = insp_memory_available();
    ck_insp_ok(insp_memory_limit(256u << 20, &err), err);
    ck_assert_uint_le(insp_memory_available(), 256u << 20);
    ck_assert_uint_gt(before, 256u << 20);
    ck_insp_ok(insp_memory_limit(1u << 30, &err), err); /* a lower limit stays */
    ck_assert_uint_le(insp_memory_available(), 256u << 20);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    ck_assert_ptr_null(malloc(300u << 20));
#endif
}
END_TEST

START_TEST(by_default_a_job_leaves_the_line_a_quarter) {
    struct insp_error err;
    uint64_t before = insp_memory_available();
    ck_insp_ok(insp_memory_limit(0, &err), err);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    ck_assert_uint_le(insp_memory_available(), before / 4 * 3 + (1 << 20));
#endif
    ck_assert_uint_gt(insp_memory_available(), before / 2);
}
END_TEST

INSP_TESTS(the_limit_of_a_job_counts, by_default_a_job_leaves_the_line_a_quarter, available_is_within_the_machine,
           the_estimate_covers_what_is_known_and_grows_with_the_batch, too_little_is_told_with_both_figures,
           the_limit_of_the_address_space_counts);
