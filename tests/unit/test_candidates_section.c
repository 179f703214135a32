#include "core/report/candidates_section.h"

#include "report_fixture.h"

START_TEST(all_candidates_are_shown_and_why_one_was_taken) {
    json_t *report =
        parsed("{'candidates':{'from':'folds','taken':'logistic','nested_auc':0.9,'reason':'the <best>',"
               "'list':[{'name':'tail','auc':0.91,'promise':{'missed':{'hits':3,'of':30},'rejected':"
               "{'hits':4,'of':40}}},{'name':'logistic','auc':0.97,'promise':{'missed':{'hits':1,'of':30},"
               "'rejected':{'hits':2,'of':40}}}]}}");
    WRITTEN(text, insp_report_candidates(out, report));
    ck_says(text, "<h2>Ways to decide</h2>");
    ck_says(text, "images that the models had not seen");
    ck_says(text, ">tail</th><td class=\"number\">0.9100</td><td class=\"number\">3 of 30</td>");
    ck_says(text, "2 of 40</td><td>taken</td>");
    ck_says(text, "Of these, the &lt;best&gt;.");
    free(text);
    json_decref(report);
}
END_TEST

START_TEST(a_report_without_candidates_has_no_section) {
    json_t *report = parsed("{'candidates':null}");
    WRITTEN(text, insp_report_candidates(out, report));
    ck_assert_str_eq(text, "");
    free(text);
    json_decref(report);
}
END_TEST

INSP_TESTS(all_candidates_are_shown_and_why_one_was_taken, a_report_without_candidates_has_no_section);
