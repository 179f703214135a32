#include "api/prometheus.h"
#include "core/inspect/inspection.h"
#include "tests/unit/harness.h"

#include <string.h>

static struct insp_error err;

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

/* A client chooses the names of cameras: their number is bounded. */
START_TEST(test_cameras_are_bounded) {
    struct api_metrics *metrics;
    char name[32];
    ck_insp_ok(api_metrics_new(&metrics, &err), err);
    for (int i = 0; i < API_METRICS_CAMERAS; i++) {
        snprintf(name, sizeof name, "camera-%d", i);
        ck_assert_str_eq(api_metrics_camera(metrics, name), name);
    }
    ck_assert_str_eq(api_metrics_camera(metrics, "one more"), "other");
    ck_assert_str_eq(api_metrics_camera(metrics, "camera-0"), "camera-0");
    api_metrics_free(metrics);
    api_metrics_free(NULL);
}
END_TEST

INSP_TESTS(test_escape, test_a_cut_leaves_no_half_escape, test_cameras_are_bounded);
