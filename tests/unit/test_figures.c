#include "core/report/figures.h"

#include "tests/unit/report_fixture.h"

START_TEST(metrics_as_tables) {
    json_t *metrics = parsed(SAMPLE_METRICS);
    WRITTEN(text, insp_report_tiles(out, metrics); insp_report_confusion(out, metrics);
            insp_report_rates(out, metrics); insp_report_types(out, metrics));
    ck_says(text, "<dd class=\"value bad\">2</dd><dd class=\"soft\">of 20 anomalies (95 %: 2.8 to 30.1 %)");
    ck_says(text, "<td class=\"wrong\"><b>1</b>false alarms</td>");
    ck_says(text, "<td class=\"right\"><b>17</b>passed</td>");
    ck_says(text, "<td class=\"number\">35 of 38</td><td class=\"number\">92.1 %</td>");
    ck_says(text, "79.0 to 97.3 %");
    ck_says(text, "<td class=\"number\">0.9810</td>");
    ck_says(text, "<bdi>&lt;hole&gt;</bdi>");
    ck_says_not(text, "nan");
    free(text);
    json_decref(metrics);
}
END_TEST

START_TEST(folds_with_mean_and_deviation) {
    json_t *report = parsed("{'thin':true,'folds':[{'fold':1,'held_out':38,'metrics':" SAMPLE_METRICS "}],"
                            "'mean':{'accuracy':0.9,'f1':0.8},'std':{'accuracy':0.05,'roc_auc':null}}");
    WRITTEN(text, insp_report_folds(out, report));
    ck_says(text, "<tr><th scope=\"row\">1</th><td class=\"number\">38</td><td class=\"number\">92.2 %</td>");
    ck_says(text, "fewer images than there are folds");
    ck_says(text, "<th scope=\"row\">mean</th>");
    ck_says(text, "<td class=\"number\">0.8000</td>");
    ck_says(text, "<td class=\"number\">5.0 %</td>");
    ck_says_not(text, "nan");
    free(text);
    json_decref(report);
}
END_TEST

START_TEST(localisation_advice_and_the_version_before) {
    json_t *report = parsed(
        "{'reason':'better by <2 "
        "%>','good_shown':{'value':0.01,'low':0.002,'high':0.05,'hits':1,'of':100},'previous':{'version':'v1','"
        "metrics':" SAMPLE_METRICS "},"
        "'threshold_advice':{'max_missed':0.01,'reachable':false,'reason':'too few "
        "anomalies','threshold':0.123456785,"
        "'missed':{'value':0,'low':0,'high':0.06,'hits':0,'of':60},'false_alarms':null},"
        "'localisation':{'images':20,'unusable_masks':1,'pixel_auroc':0.96712,'boxes':{'value':0.9,'low':0.7,"
        "'high':0.97,'hits':18,'of':20},'defects':null}}");
    WRITTEN(text, insp_report_localisation(out, report); insp_report_advice(out, report);
            insp_report_previous(out, report));
    ck_says(text, "20 anomalous images have a mask that marks the defect; 1 more masks could not be used");
    ck_says(text, "<b>0.9671</b>");
    ck_says(text, "18 of 20");
    ck_says(text, "1 of 100");
    ck_says(text, "Advised threshold: 0.123456785");
    ck_says(text, "<b>These images are too few to guarantee that:</b> too few anomalies.");
    ck_says(text, "0 to 6.0 %");
    ck_says(text, "version <bdi>v1</bdi>");
    ck_says(text, "better by &lt;2 %&gt;");
    free(text);
    json_decref(report);
}
END_TEST

START_TEST(what_people_labelled) {
    json_t *report =
        parsed("{'feedback':{'labelled':9,'missed_before':2,'false_alarms_before':1,'now_right':2,"
               "'still_wrong':1,'newly_wrong':0,'items':[{'id':'0190','label':'anomaly','defect':'<x>',"
               "'verdict_before':'good','probability_before':0.2,'verdict_now':'anomaly',"
               "'probability_now':0.75,'in_training':true}]}}");
    WRITTEN(text, insp_report_feedback(out, report));
    ck_says(text, "Among 9 labelled inspections, earlier models missed 2 anomalies and raised 1 false alarms.");
    ck_says(text, "<bdi>&lt;x&gt;</bdi></td><td>good 0.2000</td><td>anomaly 0.7500</td><td>trained on</td>");
    free(text);
    json_object_clear(json_object_get(report, "feedback"));
    WRITTEN(none, insp_report_feedback(out, report));
    ck_assert_str_eq(none, "");
    free(none);
    json_decref(report);
}
END_TEST

START_TEST(facts_of_any_kind) {
    json_t *report = parsed("{'dataset':{'digest':'abc','counts':{'<b>':3}},'params':{'class_weights':[1.0,3.0],"
                            "'learning_rate':0.0001,'skip_unreadable':false},'seconds':{'training':59.403849}}");
    WRITTEN(text, insp_report_facts(out, report));
    ck_says(text, "<dt>&lt;b&gt;</dt><dd>3</dd>");
    ck_says(text, "<dt>class weights</dt><dd>[1.0, 3.0]</dd>");
    ck_says(text, "<dt>training</dt><dd>59.4 s</dd>");
    ck_assert_uint_eq(times(text, "<h3>"), 4);
    free(text);
    json_decref(report);
}
END_TEST

START_TEST(a_threshold_for_two_promises) {
    json_t *report =
        parsed("{'cpu_seconds':{'training':20,'threshold':10},'threshold_promise':" SAMPLE_PROMISE "}");
    WRITTEN(text, insp_report_promised(out, report));
    ck_says(text, "Threshold for both promises: 0.4375");
    ck_says(text, "<td class=\"number\">4 of 90</td><td class=\"number\">9.9 %</td><td class=\"number\">5.0 "
                  "%</td><td>not kept");
    ck_says(text, "To keep it: 1200 more good images.");
    ck_says(text, "&lt;7&gt;.png</bdi> (0.7500)");
    free(text);
    json_decref(report);
}
END_TEST

START_TEST(verdicts_of_both_models) {
    json_t *report = parsed("{'served':" SAMPLE_SERVED "}");
    WRITTEN(text, insp_report_served(out, report));
    ck_says(text, "The trained model decides");
    ck_says(text, "<th scope=\"row\">actual anomalies</th><td class=\"number\">0</td><td class=\"number\">2</td>");
    ck_says(text, "<td class=\"number\">20 of 20</td><td class=\"number\">100 %</td>");
    ck_says(text,
            "<th scope=\"row\">Good-only model</th><td class=\"number\">0.7500</td><td class=\"number\">60.0 %");
    ck_says(text, "unlike good</b>: 2 anomalies and 1 good parts.");
    ck_says_not(text, "nan");
    free(text);
    json_decref(report);
}
END_TEST

START_TEST(what_is_missing_is_left_out) {
    json_t *report = json_object();
    WRITTEN(text, insp_report_confusion(out, NULL); insp_report_rates(out, NULL); insp_report_types(out, NULL);
            insp_report_folds(out, report); insp_report_served(out, report); insp_report_promised(out, report);
            insp_report_localisation(out, report); insp_report_advice(out, report);
            insp_report_previous(out, report));
    ck_assert_str_eq(text, "");
    free(text);
    json_decref(report);
}
END_TEST

INSP_TESTS(metrics_as_tables, folds_with_mean_and_deviation, localisation_advice_and_the_version_before,
           what_people_labelled, facts_of_any_kind, a_threshold_for_two_promises, verdicts_of_both_models,
           what_is_missing_is_left_out);
