#include "daemon/cli/cli_report.h"
#include "harness.h"

#include <string.h>

static const char metrics[] = "{'confusion':{'actual_anomaly':{'predicted_anomaly':18,'predicted_good':2},"
                              "'actual_good':{'predicted_anomaly':1,'predicted_good':17}},"
                              "'accuracy':{'value':0.921,'low':0.79,'high':0.97,'hits':35,'of':38},"
                              "'recall':{'value':0.9,'low':0.7,'high':0.97,'hits':18,'of':20},"
                              "'specificity':{'value':0.944,'low':0.74,'high':0.99,'hits':17,'of':18},"
                              "'precision':{'value':null,'low':null,'high':null,'hits':0,'of':0},"
                              "'balanced_accuracy':0.922,'roc_auc':0.981,'by_type':{'hole':{'value':0.9,'low':0.7,"
                              "'high':0.97,'hits':18,'of':20}}}";

/* Single quotes stand for double ones, %s for the metrics. */
static char *printed(void (*print)(FILE *, const json_t *), const char *format) {
    char *json, *text = NULL;
    size_t bytes;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    ck_assert_int_gt(asprintf(&json, format, metrics), 0);
#pragma GCC diagnostic pop
    for (char *p = json; *p; p++)
        if (*p == '\'')
            *p = '"';
    json_error_t error;
    json_t *report = json_loads(json, 0, &error);
    ck_assert_msg(report != NULL, "%s", error.text);
    FILE *out = open_memstream(&text, &bytes);
    print(out, report);
    fclose(out);
    json_decref(report);
    free(json);
    return text;
}

static void ck_says(const char *text, const char *expected) {
    ck_assert_msg(strstr(text, expected) != NULL, "\"%s\" is not in:\n%s", expected, text);
}

START_TEST(test_train) {
    char *text =
        printed(cli_report_train, "{'product':'carpet','version':'v1','activated':false,'reason':'not better',"
                                  "'metrics':%s}");
    ck_says(text, "18 found");
    ck_says(text, "2 missed");
    ck_says(text, "1 false");
    ck_says(text, "17 passed");
    /* below: hypot(0.2, 0.204) / 2 = 14.3 points; above: hypot(0.07, 0.046) / 2 = 4.2 points */
    ck_says(text, "balanced accuracy     92.2 %  (95 %: 77.9 to 96.4 %)");
    ck_says(text, "35 of 38");
    ck_says(text, "correct alarms       -");
    ck_says(text, "correct: hole");
    ck_says(text, "version v1: NOT activated (not better)");
    ck_says(text, "inspectd model activate --product carpet v1");
    free(text);
}
END_TEST

static const char feedback[] =
    "{'product':'carpet','version':'v1','activated':true,'metrics':%s,'feedback':{'labelled':40,'missed_before':3,"
    "'false_alarms_before':2,'now_right':4,'still_wrong':1,'newly_wrong':0,'unseen':{'labelled':12,'missed_before'"
    ":2,"
    "'false_alarms_before':1,'now_right':2,'still_wrong':1,'newly_wrong':0}}}";

START_TEST(test_feedback) {
    char *text = printed(cli_report_train, feedback);
    ck_says(text, "Among 40 labelled inspections were 3 misses and 2 false alarms: 4 are corrected, 0 are newly "
                  "wrong (among the 12 images not trained on: 2 of 3 corrected, 0 newly wrong)");
    free(text);
    text =
        printed(cli_report_evaluate, "{'product':'carpet','version':'v1','metrics':%s,'feedback':{'labelled':40,"
                                     "'missed_before':3,'false_alarms_before':2,'now_right':4,'newly_wrong':0,"
                                     "'unseen':null}}");
    ck_says(text, "4 are corrected, 0 are newly wrong\n");
    free(text);
    text = printed(cli_report_train, "{'product':'carpet','version':'v1','feedback':null,'metrics':%s}");
    ck_assert_ptr_null(strstr(text, "labelled"));
    free(text);
}
END_TEST

START_TEST(test_cross_validate) {
    char *text = printed(
        cli_report_cross_validate,
        "{'folds':[{'fold':1,'metrics':%s}],'mean':{'accuracy':0.9},'std':{'accuracy':0.05},"
        "'threshold_advice':{'max_missed':0.05,'reachable':false,'threshold':0.123456785,'reason':'too few',"
        "'missed':{'hits':0,'of':20,'value':0,'low':0,'high':0.161},"
        "'false_alarms':{'hits':1,'of':18,'value':0.056,'low':0.01,'high':0.26}}}");
    ck_says(text, "92.2 %");
    ck_says(text, "0.9810");
    ck_says(text, "mean accuracy             0.9000 +- 0.0500");
    ck_says(text, "Advised threshold 0.123456785: 0 of 20 anomalies missed (95 %: at most 16.1 %), "
                  "1 false alarms among 18 good parts (95 %: 1.0 to 26.0 %).");
    ck_says(text, "does not guarantee --max-missed: too few.");
    free(text);
}
END_TEST

START_TEST(test_figures_that_a_fold_does_not_have) {
    char *text = printed(cli_report_cross_validate,
                         "{'folds':[{'fold':2,'metrics':{'accuracy':{'value':1},'recall':{'value':null},"
                         "'specificity':{'value':1},'balanced_accuracy':null,'roc_auc':null}},"
                         "{'fold':3,'metrics':%s}],'mean':{'recall':0.9,'f1':null},'std':{'recall':null}}");
    ck_says(text, "     2                -      100.0 %              -        100.0 %               -\n");
    ck_says(text, "     3             92.2 %     92.1 %           90.0 %       94.4 %          0.9810\n");
    ck_says(text, "  mean recall               0.9000\n");
    ck_assert_ptr_null(strstr(text, "nan"));
    free(text);
}
END_TEST

START_TEST(test_maps_without_a_figure) {
    char *text =
        printed(cli_report_train,
                "{'product':'p','version':'v','metrics':%s,'heat_maps':{'reason':'one was taken','list':["
                "{'name':'good_only','pixel_auroc':null,'separation':0.75,'good_shown':{'hits':1,'of':9}},"
                "{'name':'product','pixel_auroc':0.5,'separation':null,'good_shown':{'hits':0,'of':9}}]}}");
    ck_says(text, "  good_only                             -       0.7500            1 of     9\n");
    ck_says(text, "  product                          0.5000            -            0 of     9\n");
    ck_assert_ptr_null(strstr(text, "nan"));
    free(text);
}
END_TEST

START_TEST(test_what_is_missing_is_left_out) {
    char *text = printed(cli_report_evaluate, "{'product':'p','version':'v'}");
    ck_says(text, "Product p, version v");
    ck_assert_ptr_null(strstr(text, "nan"));
    free(text);
    text = printed(cli_report_train, "{}");
    ck_assert_ptr_null(strstr(text, "nan"));
    free(text);
}
END_TEST

START_TEST(test_wrong_images_and_masks) {
    char *text =
        printed(cli_report_evaluate,
                "{'metrics':{'missed':2,'false_alarms':1},'images':[{'wrong':true,'type':'hole','path':"
                "'test/hole/\\u001b[2J.png','probability':0.25},{'wrong':false,'type':'good','path':'fine.png'}],"
                "'localisation':{'images':20,'unusable_masks':1,'pixel_auroc':0.96712,'boxes':{'value':0.9,"
                "'low':0.7,'high':0.97,'hits':18,'of':20},'defects':null}}");
    ck_says(text, "     0.2500  hole          test/hole/?[2J.png\n"); /* the terminal is not cleared */
    ck_says(text, "and 2 more");
    ck_assert_ptr_null(strstr(text, "fine.png"));
    ck_says(text, "compared with 20 masks");
    ck_says(text, "1 more masks could not be used");
    ck_says(text, "pixel AUROC          0.9671");
    ck_says(text, "boxes on a defect     90.0 %");
    ck_assert_ptr_null(strstr(text, "nan"));
    free(text);
}
END_TEST

START_TEST(test_a_chosen_threshold) {
    char *text = printed(
        cli_report_train,
        "{'metrics':%s,'threshold_promise':{'threshold':0.4375,'from':'folds','missed':{'allowed':0.05,'kept':"
        "true,"
        "'hits':0,'of':80,'at_most':0.0368},'rejected':{'allowed':0.05,'kept':false,'hits':4,'of':90,'at_most':"
        "0.0988},'reason':'1200 more good images','preventing':[{'path':'train/good/7.png','type':'good',"
        "'probability':0.75}]},'cpu_seconds':{'training':20,'threshold':12.5}}");
    ck_says(text, "  These scores took 12.5 s of processor time, 0.62 times the training's own 20.0 s.\n");
    ck_says(text, "Threshold chosen: 0.4375, by scores of models that had not seen the image:\n");
    ck_says(text, "  anomalies missed     at most 3.7 of 100 (95 %; asked for: 5), here 0 of 80\n");
    ck_says(text, "  good parts rejected  at most 9.9 of 100 (95 %; asked for: 5), here 4 of 90: NOT KEPT\n");
    ck_says(text, "  To keep it: 1200 more good images.\nImages that prevent it:\n       0.7500  good          "
                  "train/good/7");
    free(text);
}
END_TEST

START_TEST(test_a_threshold_by_half_of_the_held_out_images) {
    char *text = printed(cli_report_train, "{'metrics':%s,'threshold_promise':{'threshold':0.5,'from':"
                                           "'held_out_half','preventing':[]},'cpu_seconds':{'training':20,"
                                           "'threshold':0.1}}");
    ck_says(text, "by scores of half of the held-out images; the other half judges the version:\n");
    ck_assert_ptr_null(strstr(text, "processor time"));
    free(text);
}
END_TEST

START_TEST(test_verdicts_of_both_models) {
    char *text = printed(
        cli_report_evaluate,
        "{'product':'p','version':'v','served':{'decided_by':'supervised','good_parts':{'good':16,'review':1,"
        "'anomaly':1},'anomalies':{'good':0,'review':2,'anomaly':18},'stopped':{'value':1,'low':0.839,'high':1,"
        "'hits':20,'of':20},'passed':{'value':0.889,'low':0.67,'high':0.969,'hits':16,'of':18},'reasons':"
        "{'unlike_good':{'good_parts':1,'anomalies':2}},'scores':{'supervised':%s,'good_only':{'roc_auc':null,"
        "'recall':{'value':null},'specificity':{'value':0.95}}}}}");
    ck_says(text, "decided by the trained model, doubted by the good-only model:\n");
    ck_says(text, "  actual anomalies         0 good       2 review      18 anomaly\n");
    ck_says(text, "  anomalies stopped    100.0 %  (95 %: 83.9 to 100.0 %)  20 of 20\n");
    ck_says(text, "  reason unlike_good   2 anomalies, 1 good parts\n");
    ck_says(text, "  trained model alone  area under ROC 0.9810, 90.0 % of anomalies found, 94.4 % of good parts");
    ck_says(text, "  good-only alone      95.0 % of good parts passed\n");
    ck_assert_ptr_null(strstr(text, "nan"));
    free(text);
}
END_TEST

INSP_TESTS(test_maps_without_a_figure, test_a_chosen_threshold, test_a_threshold_by_half_of_the_held_out_images,
           test_verdicts_of_both_models, test_train, test_feedback, test_cross_validate,
           test_figures_that_a_fold_does_not_have, test_what_is_missing_is_left_out, test_wrong_images_and_masks);
