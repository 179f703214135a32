#include "api/listen/client.h"
#include "tests/unit/harness.h"

/* The configured time, and a second more for each 16 KiB: a slow but steady line is not cut off, one that drips
 * is. */
START_TEST(test_receive_deadline) {
    ck_assert_int_eq(api_receive_deadline(1000, 10, 0), 10001000);
    ck_assert_int_eq(api_receive_deadline(0, 10, 16 << 10), 11000000);
    ck_assert_int_eq(api_receive_deadline(0, 10, 160 << 10), 20000000);
    ck_assert_int_eq(api_receive_deadline(0, 0, 0), 0);
    ck_assert_int_le(api_receive_deadline(0, 10, 1), 10001000); /* one byte does not buy a second */
}
END_TEST

START_TEST(test_it_grows_with_the_bytes) {
    int64_t before = api_receive_deadline(5, 30, 0);
    for (size_t bytes = 1024; bytes <= (size_t)256 << 20; bytes *= 4) {
        int64_t at = api_receive_deadline(5, 30, bytes);
        ck_assert_int_gt(at, before - 1);
        before = at;
    }
    ck_assert_int_eq(before, api_receive_deadline(5, 30, (size_t)256 << 20));
    ck_assert_int_eq(before, 5 + (30 + (256 << 20) / (16 << 10)) * 1000000LL);
}
END_TEST

INSP_TESTS(test_receive_deadline, test_it_grows_with_the_bytes);
