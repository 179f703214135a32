#include "core/line/sink.h"

#include "tests/unit/harness.h"

#include <string.h>

static const int64_t second_us = 1000000;

START_TEST(attempts_and_pauses_are_one_state) {
    struct insp_sink sink = {0};
    insp_sink_enter(&sink, INSP_SINK_CONNECTING, 10 * second_us);
    insp_sink_enter(&sink, INSP_SINK_WAITING, 20 * second_us);
    insp_sink_enter(&sink, INSP_SINK_CONNECTING, 30 * second_us);
    ck_assert_int_eq(sink.since_us, 10 * second_us);
    ck_assert_str_eq(insp_sink_state_name(sink.state), "connecting");
    insp_sink_enter(&sink, INSP_SINK_CONNECTED, 40 * second_us);
    insp_sink_enter(&sink, INSP_SINK_CONNECTED, 50 * second_us);
    ck_assert_int_eq(sink.since_us, 40 * second_us);
    insp_sink_enter(&sink, INSP_SINK_WAITING, 60 * second_us);
    ck_assert_int_eq(sink.since_us, 60 * second_us);
}
END_TEST

START_TEST(an_error_is_logged_once_in_an_hour) {
    struct insp_sink sink = {0};
    char lengthy[2 * INSP_ERROR_DETAIL_BYTES];
    ck_assert(insp_sink_error(&sink, "refused", 5 * second_us));
    ck_assert(!insp_sink_error(&sink, "refused", 6 * second_us));
    ck_assert(insp_sink_error(&sink, "no answer", 7 * second_us));
    ck_assert(!insp_sink_error(&sink, "no answer", 3606 * second_us));
    ck_assert(insp_sink_error(&sink, "no answer", 3607 * second_us));
    ck_assert(insp_sink_error(&sink, "no answer", 1 * second_us)); /* the clock was set back */
    ck_assert_uint_eq(sink.errors, 6);
    ck_assert_int_eq(sink.error_us, 1 * second_us);
    memset(lengthy, 'x', sizeof lengthy);
    lengthy[sizeof lengthy - 1] = 0;
    ck_assert(insp_sink_error(&sink, lengthy, 2 * second_us));
    ck_assert(!insp_sink_error(&sink, lengthy, 3 * second_us));
    ck_assert_uint_eq(strlen(sink.error), INSP_ERROR_DETAIL_BYTES - 1);
}
END_TEST

INSP_TESTS(attempts_and_pauses_are_one_state, an_error_is_logged_once_in_an_hour);
