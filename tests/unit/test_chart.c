#include "core/report/chart.h"

#include "tests/unit/report_fixture.h"

#include <math.h>

START_TEST(ticks_are_round) {
    ck_assert_double_eq_tol(insp_chart_tick(1, 5), 0.2, 1e-12);
    ck_assert_double_eq_tol(insp_chart_tick(9, 5), 2, 1e-12);
    ck_assert_double_eq_tol(insp_chart_tick(0.1, 5), 0.02, 1e-12);
    ck_assert_double_eq_tol(insp_chart_tick(49, 5), 10, 1e-12);
    ck_assert_double_eq_tol(insp_chart_tick(1000, 5), 200, 1e-12);
}
END_TEST

START_TEST(lines_with_their_names) {
    static const double x[] = {1, 2, 3}, y[] = {0.5, 0.25, 0};
    const struct insp_chart_line line[] = {{.name = "fold 1", .count = 3, .x = x, .y = y},
                                           {.name = "fold 2", .count = 1, .x = x, .y = y},
                                           {.name = "", .count = 0}};
    const struct insp_chart chart = {.title = "Loss & more",
                                     .x_name = "epoch",
                                     .y_name = "loss",
                                     .x_low = 1,
                                     .x_high = 3,
                                     .y_high = 0.5,
                                     .line = line,
                                     .count = 3,
                                     .mark_x = (double)NAN};
    WRITTEN(text, insp_chart_lines(out, &chart));
    ck_says(text, "Loss &amp; more");
    ck_says(text, "class=\"line c0\" d=\"M56.0 12.0L");
    ck_says(text, "<circle class=\"dot c1\""); /* one epoch alone is a dot */
    ck_says(text, "<span class=\"c1\">fold 2</span>");
    ck_says(text, ">0.5</text>");
    ck_says(text, ">3</text>");
    ck_says_not(text, "class=\"mark\"");
    ck_says_not(text, "nan");
    free(text);
}
END_TEST

START_TEST(single_images_show_beside_hundreds) {
    static const size_t good[4] = {400, 1, 0, 0}, anomaly[4] = {0, 0, 4, 100};
    WRITTEN(text, insp_chart_histogram(out, "t", good, anomaly, 4, 0.5));
    ck_assert_uint_eq(times(text, "<rect"), 4);
    ck_says(text, ">400</text>");
    ck_says(text, "threshold 0.5");
    /* 93 units for 400, a twentieth of that for 1 */
    ck_says(text, "height=\"93.0\"");
    ck_says(text, "height=\"4.7\"");
    free(text);
    WRITTEN(none, insp_chart_histogram(out, "t", anomaly, anomaly, 0, (double)NAN));
    ck_says_not(none, "nan");
    ck_says_not(none, "threshold");
    free(none);
}
END_TEST

START_TEST(an_interval_that_is_none) {
    WRITTEN(text, insp_chart_interval(out, 0.5, 0.6, 0.7));
    ck_says(text, "M60.0 6H82.0");
    free(text);
    WRITTEN(none, insp_chart_interval(out, (double)NAN, (double)NAN, (double)NAN));
    ck_assert_str_eq(none, "");
    free(none);
}
END_TEST

INSP_TESTS(ticks_are_round, lines_with_their_names, single_images_show_beside_hundreds, an_interval_that_is_none);
