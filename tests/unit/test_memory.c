#include "core/train/memory.h"

#include "harness.h"

#include <string.h>
#include <unistd.h>

START_TEST(available_is_no_more_than_the_machine_has) {
    uint64_t all = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    ck_assert_uint_le(insp_memory_available(), all);
}
END_TEST

START_TEST(estimate_grows_by_the_same_for_each_image) {
    uint64_t one = insp_memory_training_estimate(1), two = insp_memory_training_estimate(2);
    ck_assert_uint_gt(two, one);
    ck_assert_uint_eq(insp_memory_training_estimate(256) - one, 255 * (two - one));
    /* six copies of three layers of 512x512x3x3 float32 */
    ck_assert_uint_gt(one, 6ull * 3 * 512 * 512 * 9 * 4);
}
END_TEST

START_TEST(check_refuses_what_is_not_there_with_both_figures) {
    struct insp_error err = {0};
    ck_insp_ok(insp_memory_check(1000000, 1000000, "training", &err), err);
    ck_insp_ok(insp_memory_check(1000000, UINT64_MAX, "training", &err), err);
    ck_assert_int_eq(insp_memory_check(3000000, 2000000, "training", &err), INSP_E_NOMEM);
    ck_assert_str_eq(err.detail, "training needs about 3 MB of memory, 2 MB are available");
}
END_TEST

INSP_TESTS(available_is_no_more_than_the_machine_has, estimate_grows_by_the_same_for_each_image,
           check_refuses_what_is_not_there_with_both_figures);
