#include "core/report/heat_section.h"

#include "report_fixture.h"

START_TEST(all_maps_are_shown_and_why_one_was_taken) {
    json_t *report =
        parsed("{'heat_maps':{'taken':'product','from':'masks','masks':3,'reason':'the <best>','list':["
               "{'name':'class_activation','pixel_auroc':0.91,'separation':null,'good_shown':"
               "{'hits':1,'of':30}},{'name':'product','pixel_auroc':0.97,'separation':0.9,"
               "'good_shown':{'hits':0,'of':30}}]}}");
    WRITTEN(text, insp_report_heat_maps(out, report));
    ck_says(text, "<h2>Heat maps</h2>");
    ck_says(text, ">class_activation</th><td class=\"number\">0.9100</td><td class=\"number\">-</td>");
    ck_says(text, "0 of 30</td><td>taken</td>");
    ck_says(text, "Of these, the &lt;best&gt;.");
    free(text);
    json_decref(report);
}
END_TEST

START_TEST(a_report_without_a_choice_has_no_section) {
    json_t *report = parsed("{'heat_maps':null}");
    WRITTEN(text, insp_report_heat_maps(out, report));
    ck_assert_str_eq(text, "");
    free(text);
    json_decref(report);
}
END_TEST

INSP_TESTS(all_maps_are_shown_and_why_one_was_taken, a_report_without_a_choice_has_no_section);
