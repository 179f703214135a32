#include "core/report/html.h"

#include "tests/unit/report_fixture.h"

#include <math.h>

START_TEST(a_hostile_text_stays_a_text) {
    WRITTEN(text, insp_html_text(out, "<script>&\"'\x1b[2J\n\x7f é"));
    ck_assert_str_eq(text, "&lt;script&gt;&amp;&quot;&#39;\xef\xbf\xbd[2J\xef\xbf\xbd\xef\xbf\xbd é");
    free(text);
    WRITTEN(foreign, insp_html_foreign(out, "</bdi>\xe2\x80\xae"));
    ck_assert_str_eq(foreign, "<bdi>&lt;/bdi&gt;\xe2\x80\xae</bdi>");
    free(foreign);
    WRITTEN(words, insp_html_words(out, "class_weights<"));
    ck_assert_str_eq(words, "class weights&lt;");
    free(words);
}
END_TEST

START_TEST(shares) {
    static const struct {
        double share;
        const char *want;
    } all[] = {{0, "0 %"}, {1, "100 %"}, {0.9734, "97.3 %"}, {0.05, "5.0 %"}, {NAN, "–"}, {INFINITY, "–"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        WRITTEN(text, insp_html_percent(out, all[i].share));
        ck_assert_str_eq(text, all[i].want);
        free(text);
    }
}
END_TEST

INSP_TESTS(a_hostile_text_stays_a_text, shares);
