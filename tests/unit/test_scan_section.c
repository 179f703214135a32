#include "core/report/scan_section.h"

#include "report_fixture.h"

START_TEST(the_section_tells_all) {
    json_t *report =
        parsed("{'dataset':{'scan':{'folders':[{'folder':'train/<b>good','class':'good','images':12}],"
               "'passed_over':[{'reason':'system','text':'files of a NAS','count':3,'examples':"
               "['test/@eaDir']}],'doubts':['test/Good counts as good']}}}");
    WRITTEN(text, insp_report_scan(out, report));
    ck_says(text, "How the dataset was read");
    ck_says(text, "train/&lt;b&gt;good");
    ck_says(text, ">12<");
    ck_says(text, "3 files of a NAS");
    ck_says(text, "test/@eaDir");
    ck_says(text, "test/Good counts as good");
    free(text);
    json_decref(report);
}
END_TEST

START_TEST(a_report_without_a_scan_has_no_section) {
    json_t *report = parsed("{'dataset':{'images':3}}");
    WRITTEN(text, insp_report_scan(out, report));
    ck_assert_str_eq(text, "");
    free(text);
    json_decref(report);
}
END_TEST

INSP_TESTS(the_section_tells_all, a_report_without_a_scan_has_no_section);
