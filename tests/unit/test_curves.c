#include "core/report/curves.h"

#include "tests/unit/report_fixture.h"

static struct insp_error error;

START_TEST(one_line_for_each_fold) {
    json_t *report = parsed("{'folds':[{'epochs':[{'loss':0.6,'accuracy':0.55},{'loss':0.3,'accuracy':0.9}]},"
                            "{'epochs':[{'loss':0.7,'accuracy':0.6}]},{}]}");
    WRITTEN(text, ck_insp_ok(insp_report_curves(out, report, &error), error));
    ck_assert_uint_eq(times(text, "<svg"), 2);
    ck_assert_uint_eq(times(text, "class=\"line c0\""), 2);
    ck_assert_uint_eq(times(text, "class=\"dot c1\""), 2);
    ck_assert_uint_eq(times(text, ">fold 3<"), 2);
    ck_says(text, ">50 %<"); /* accuracy from the ten per cent below the worst */
    ck_says_not(text, "nan");
    free(text);
    json_decref(report);
}
END_TEST

START_TEST(a_trainings_own_curve) {
    json_t *report = parsed("{'epochs':[{'loss':0.6,'accuracy':0.95},{'loss':'x'},{'loss':0.1,'accuracy':0.99}]}");
    WRITTEN(text, ck_insp_ok(insp_report_curves(out, report, &error), error));
    ck_assert_uint_eq(times(text, "class=\"line c0\""), 2);
    ck_says(text, ">90 %<");
    ck_says_not(text, "legend");
    free(text);
    json_decref(report);
    report = parsed("{'epochs':[]}");
    WRITTEN(none, ck_insp_ok(insp_report_curves(out, report, &error), error));
    ck_assert_str_eq(none, "");
    free(none);
    json_decref(report);
}
END_TEST

START_TEST(roc_with_its_threshold) {
    json_t *report = parsed("{'threshold':0.25,'roc':[[0,0,null],['x',1],[0,0.9,0.6],[1,1,0.1]]}");
    json_t *metrics = parsed(SAMPLE_METRICS);
    WRITTEN(text, ck_insp_ok(insp_report_roc_chart(out, report, metrics, &error), error));
    ck_says(text, "threshold 0.25");
    ck_says(text, "class=\"line faint\"");
    ck_says(text, "class=\"mark\"");
    ck_assert_uint_eq(times(text, "L"), 3); /* two of the curve, one of the diagonal */
    free(text);
    json_decref(report);
    report = parsed("{'roc':[]}");
    WRITTEN(none, ck_insp_ok(insp_report_roc_chart(out, report, metrics, &error), error));
    ck_assert_str_eq(none, "");
    free(none);
    json_decref(report);
    json_decref(metrics);
}
END_TEST

START_TEST(histogram_of_two_equal_lists_only) {
    json_t *report = parsed("{'threshold':0.5,'histogram':{'good':[3,0],'anomaly':[-1,2]}}");
    WRITTEN(text, insp_report_histogram_chart(out, report));
    ck_assert_uint_eq(times(text, "<rect"), 2);
    free(text);
    json_array_append_new(json_object_get(json_object_get(report, "histogram"), "good"), json_integer(1));
    WRITTEN(none, insp_report_histogram_chart(out, report));
    ck_assert_str_eq(none, "");
    free(none);
    json_decref(report);
}
END_TEST

INSP_TESTS(one_line_for_each_fold, a_trainings_own_curve, roc_with_its_threshold,
           histogram_of_two_equal_lists_only);
