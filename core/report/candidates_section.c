#include "core/report/candidates_section.h"

#include "core/report/html.h"
#include "core/report/lookup.h"

#include <string.h>

static void error_cell(FILE *out, const json_t *candidate, const char *hits, const char *of) {
    fprintf(out, "<td class=\"number\">%.0f of %.0f</td>", insp_lookup_number(candidate, hits),
            insp_lookup_number(candidate, of));
}

static void row(FILE *out, const json_t *candidate, const char *taken) {
    const char *name = insp_lookup_text(candidate, "name");
    fputs("<tr><th scope=\"row\">", out);
    insp_html_text(out, name);
    fprintf(out, "</th><td class=\"number\">%.4f</td>", insp_lookup_number(candidate, "auc"));
    error_cell(out, candidate, "promise.missed.hits", "promise.missed.of");
    error_cell(out, candidate, "promise.rejected.hits", "promise.rejected.of");
    fprintf(out, "<td>%s</td></tr>\n", strcmp(name, taken) == 0 ? "taken" : "");
}

void insp_report_candidates(FILE *out, const json_t *report) {
    const json_t *candidates = insp_lookup(report, "candidates"), *candidate;
    const char *taken = insp_lookup_text(candidates, "taken");
    size_t i;
    if (!json_is_object(candidates))
        return;
    fprintf(
        out,
        "<h2>Ways to decide</h2>\n<div class=\"panel scroll\"><table><caption>Compared by scores of %s"
        "</caption><thead><tr><td></td><th scope=\"col\" class=\"number\">area under ROC</th><th scope=\"col\" "
        "class=\"number\">anomalies missed</th><th scope=\"col\" class=\"number\">good parts rejected</th><td>"
        "</td></tr></thead><tbody>\n",
        strcmp(insp_lookup_text(candidates, "from"), "folds") == 0 ? "images that the models had not seen"
                                                                   : "held-out images");
    json_array_foreach(insp_lookup(candidates, "list"), i, candidate) row(out, candidate, taken);
    fputs("</tbody></table></div>\n<p>Of these, ", out);
    insp_html_text(out, insp_lookup_text(candidates, "reason"));
    fputs(". Misses and rejections are those of each one's own threshold.</p>\n", out);
}
