/* The whole page; tests/cli/test_reports.py and tests/http/test_jobs.py parse real ones. */
#include "core/report/report_html.h"

#include "tests/unit/report_fixture.h"

static struct insp_error error;

static char *page(const char *text) {
    const struct insp_report_source source = {.limits = insp_image_limits_default(), .subtitle = "when <it> was"};
    char *html;
    size_t bytes;
    json_t *report = parsed(text);
    ck_insp_ok(insp_report_html(report, &source, &html, &bytes, &error), error);
    ck_assert_uint_eq(strlen(html), bytes);
    json_decref(report);
    return html;
}

#define IMAGE(wrong, name)                                                                                        \
    "{'path':'" name "','type':'hole','verdict':'good','probability':0.25,'wrong':" wrong ",'heat':''}"

START_TEST(the_three_kinds) {
    static const char *const kind[] = {
        "'train','metrics':", "'cross-validate','pooled':", "'evaluate','metrics':"};
    static const char *const title[] = {"<title>Training of ", "<title>Cross-validation of ",
                                        "<title>Evaluation of "};
    for (size_t i = 0; i < 3; i++) {
        char text[4096];
        snprintf(text, sizeof text, "{'product':'<carpet>','version':'v1','activated':true,'kind':%s%s}", kind[i],
                 SAMPLE_METRICS);
        char *html = page(text);
        ck_says(html, title[i]);
        ck_says(html, "<bdi>&lt;carpet&gt;</bdi>");
        ck_says(html, "when &lt;it&gt; was");
        ck_says(html, "18 of 20 anomalies found");
        ck_says(html, "</html>\n");
        ck_says(html, "default-src 'none'");
        ck_says(html, "@media print"); /* the style is inside */
        ck_says_not(html, "<carpet>");
        free(html);
    }
}
END_TEST

START_TEST(wrong_verdicts_before_close_calls) {
    char *html = page("{'kind':'evaluate','metrics':{'missed':2,'false_alarms':1},'images':[" IMAGE(
        "true", "first") "," IMAGE("true", "second") "," IMAGE("false", "third") "]}");
    ck_says(html, "1 more wrong verdicts are not listed");
    ck_assert_uint_eq(times(html, "<figure class=\"wrong\">"), 2);
    ck_assert_uint_eq(times(html, "<bdi>first</bdi>"), 2); /* table and picture */
    ck_assert_uint_eq(times(html, "<bdi>third</bdi>"), 1);
    ck_assert(strstr(html, "second") < strstr(html, "third"));
    ck_assert_uint_eq(times(html, "the dataset no longer exists"), 3);
    free(html);
    html = page("{'kind':'evaluate','metrics':{'missed':0,'false_alarms':0},'images':[" IMAGE("false", "x") "]}");
    ck_says(html, "None: every verdict is correct.");
    free(html);
}
END_TEST

START_TEST(a_good_only_model_says_what_it_promises) {
    char *html =
        page("{'kind':'train','mode':'good_only','good_only':{'images':24,'alpha':0.1173,'more_needed':35},"
             "'metrics':" SAMPLE_METRICS "}");
    ck_says(html, "Model of 24 good images: of 100 good parts at most 11.7 will be rejected");
    ck_says(html, "35 more good images");
    ck_says(html, "good images by models that had not seen them");
    free(html);
    html = page("{'kind':'train','mode':'add_good','version':'v2','good_only':{'images':25,'alpha':0.05,"
                "'more_needed':0}}"); /* without metrics */
    ck_says(html, "Model of 25 good images");
    ck_says_not(html, "more good images");
    ck_says_not(html, "nan");
    free(html);
}
END_TEST

START_TEST(what_is_no_report_is_refused) {
    const struct insp_report_source source = {.subtitle = ""};
    char *html = NULL;
    size_t bytes;
    json_t *report = parsed("{'kind':'predict'}");
    ck_insp_code(insp_report_html(report, &source, &html, &bytes, &error), INSP_E_INTERNAL, error);
    ck_insp_code(insp_report_html(NULL, &source, &html, &bytes, &error), INSP_E_INTERNAL, error);
    ck_assert_ptr_null(html);
    json_decref(report);
    html = page(
        "{'kind':'train','metrics':7,'images':{},'folds':3,'roc':[1],'histogram':[],'epochs':0,'dataset':null}");
    ck_says_not(html, "nan");
    free(html);
}
END_TEST

INSP_TESTS(a_good_only_model_says_what_it_promises, the_three_kinds, wrong_verdicts_before_close_calls,
           what_is_no_report_is_refused);
