#include "core/base/clock.h"
#include "harness.h"

START_TEST(formats_utc_milliseconds) {
    char text[INSP_RFC3339_BYTES];
    insp_rfc3339(0, text);
    ck_assert_str_eq(text, "1970-01-01T00:00:00.000Z");
    insp_rfc3339(1795552040123456, text);
    ck_assert_str_eq(text, "2026-11-24T20:27:20.123Z");
    insp_rfc3339(-1, text);
    ck_assert_str_eq(text, "1969-12-31T23:59:59.999Z");
}
END_TEST

static int64_t parsed(const char *text) {
    int64_t us = -1;
    ck_assert_msg(insp_rfc3339_parse(text, &us), "%s", text);
    return us;
}

START_TEST(parses_offsets_and_fractions) {
    ck_assert_int_eq(parsed("2026-11-24T20:27:20.123Z"), 1795552040123000);
    ck_assert_int_eq(parsed("2026-11-24T20:27:20Z"), 1795552040000000);
    ck_assert_int_eq(parsed("2026-11-24t21:27:20.123456789+01:00"), 1795552040123456);
    ck_assert_int_eq(parsed("2026-11-24 15:57:20-04:30"), 1795552040000000);
    ck_assert_int_eq(parsed("2024-02-29T00:00:00Z"), 1709164800000000);
}
END_TEST

START_TEST(processor_time_grows_with_work) {
    int64_t start = insp_cpu_us();
    volatile unsigned work = 0;
    while (insp_cpu_us() - start < 1000)
        work += 1;
    ck_assert_uint_gt(work, 0);
}
END_TEST

START_TEST(refuses_everything_else) {
    static const char *const bad[] = {"",
                                      "now",
                                      "2026-11-24",
                                      "2026-11-24T20:27:20",
                                      "2026-02-29T00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-11-24T24:00:00Z",
                                      "2026-11-24T20:27:20.Z",
                                      "2026-11-24T20:27:20.1234567890Z",
                                      "2026-11-24T20:27:20Z ",
                                      "2026-11-24T20:27:20+24:00",
                                      "2026-11-24T20:27:20+0100"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t us;
        ck_assert_msg(!insp_rfc3339_parse(bad[i], &us), "%s", bad[i]);
    }
}
END_TEST

START_TEST(monotonic_never_steps_back) {
    int64_t last = insp_mono_us();
    for (int i = 0; i < 100000; i++) {
        int64_t now = insp_mono_us();
        ck_assert_int_ge(now, last);
        last = now;
    }
}
END_TEST

INSP_TESTS(formats_utc_milliseconds, processor_time_grows_with_work, parses_offsets_and_fractions,
           refuses_everything_else, monotonic_never_steps_back);
