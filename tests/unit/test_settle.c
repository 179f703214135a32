#include "core/line/settle.h"

#include "tests/unit/harness.h"

static const struct insp_file_identity half = {.device = 1, .inode = 2, .size = 10, .mtime_ns = 5},
                                       whole = {.device = 1, .inode = 2, .size = 20, .mtime_ns = 6};

START_TEST(a_closed_file_is_complete_at_once) {
    struct insp_settle settle = {0};
    insp_settle_see(&settle, &whole, true, 1000);
    ck_assert_int_eq(insp_settle_due_us(&settle, 50), 1000);
    ck_assert_int_eq(insp_settle_final_us(&settle, 50), 1050);
    insp_settle_see(&settle, &whole, false, 1100); /* seen again, the same */
    ck_assert_int_eq(insp_settle_due_us(&settle, 50), 1000);
}
END_TEST

START_TEST(another_one_must_stay_the_same) {
    struct insp_settle settle = {0};
    insp_settle_see(&settle, &half, false, 1000);
    insp_settle_see(&settle, &half, false, 1020);
    ck_assert_int_eq(insp_settle_due_us(&settle, 50), 1050);
    ck_assert_int_eq(insp_settle_final_us(&settle, 50), 1500);
    insp_settle_see(&settle, &whole, false, 1040); /* it has grown */
    ck_assert_int_eq(insp_settle_due_us(&settle, 50), 1090);
    insp_settle_see(&settle, &whole, true, 1060);
    ck_assert(insp_settle_due_us(&settle, 50) <= 1060);
}
END_TEST

START_TEST(a_change_after_the_close_counts) {
    struct insp_settle settle = {0};
    insp_settle_see(&settle, &half, true, 1000);
    insp_settle_see(&settle, &whole, false, 2000); /* opened again */
    ck_assert_int_eq(insp_settle_due_us(&settle, 50), 2050);
}
END_TEST

START_TEST(the_device_does_not_count) {
    struct insp_file_identity other = whole;
    other.device = 9;
    ck_assert(insp_file_same(&whole, &other) && !insp_file_same(&whole, &half));
    other.inode = 3;
    ck_assert(!insp_file_same(&whole, &other));
}
END_TEST

INSP_TESTS(a_closed_file_is_complete_at_once, another_one_must_stay_the_same, a_change_after_the_close_counts,
           the_device_does_not_count);
