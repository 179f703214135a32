#include "api/watch/prometheus.h"
#include "tests/unit/harness.h"

#include <string.h>

START_TEST(test_escape) {
    char out[32];
    api_metrics_escape("a\\b\"c\nd", out, sizeof out);
    ck_assert_str_eq(out, "a\\\\b\\\"c\\nd");
    api_metrics_escape("", out, sizeof out);
    ck_assert_str_eq(out, "");
}
END_TEST

/* Cut short, an escape is whole or not there: half of one would swallow the closing quote. */
START_TEST(test_a_cut_leaves_no_half_escape) {
    for (size_t bytes = 1; bytes < 8; bytes++) {
        char out[8];
        memset(out, 'x', sizeof out);
        api_metrics_escape("\"\"\"\"", out, bytes);
        size_t length = strlen(out);
        ck_assert_uint_lt(length, bytes);
        ck_assert_uint_eq(length % 2, 0);
    }
}
END_TEST

INSP_TESTS(test_escape, test_a_cut_leaves_no_half_escape);
