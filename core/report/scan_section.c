#include "core/report/scan_section.h"

#include "core/report/html.h"
#include "core/report/lookup.h"

static void doubts(FILE *out, const json_t *scan) {
    const json_t *list = insp_lookup(scan, "doubts"), *text;
    size_t i;
    if (!json_array_size(list))
        return;
    fputs("<p>To check:</p>\n<ul>\n", out);
    json_array_foreach(list, i, text) {
        fputs("<li>", out);
        insp_html_foreign(out, json_string_value(text));
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}

static void folders(FILE *out, const json_t *scan) {
    const json_t *list = insp_lookup(scan, "folders"), *folder;
    size_t i;
    fputs("<div class=\"panel scroll\"><table><thead><tr><th scope=\"col\">folder</th><th scope=\"col\">class</th>"
          "<th scope=\"col\" class=\"number\">images</th></tr></thead><tbody>\n",
          out);
    json_array_foreach(list, i, folder) {
        fputs("<tr><td>", out);
        insp_html_foreign(out, insp_lookup_text(folder, "folder"));
        fputs("</td><td>", out);
        insp_html_foreign(out, insp_lookup_text(folder, "class"));
        fprintf(out, "</td><td class=\"number\">%.0f</td></tr>\n", insp_lookup_number(folder, "images"));
    }
    fputs("</tbody></table></div>\n", out);
}

static void passed_over(FILE *out, const json_t *scan) {
    const json_t *list = insp_lookup(scan, "passed_over"), *entry;
    size_t i;
    if (!json_array_size(list))
        return;
    fputs("<p>Passed over:</p>\n<ul>\n", out);
    json_array_foreach(list, i, entry) {
        const char *example = json_string_value(json_array_get(insp_lookup(entry, "examples"), 0));
        fprintf(out, "<li>%.0f ", insp_lookup_number(entry, "count"));
        insp_html_text(out, insp_lookup_text(entry, "text"));
        fputs(" (", out);
        insp_html_foreign(out, example ? example : "?");
        fputs(")</li>\n", out);
    }
    fputs("</ul>\n", out);
}

void insp_report_scan(FILE *out, const json_t *report) {
    const json_t *scan = insp_lookup(report, "dataset.scan");
    if (!json_is_object(scan))
        return;
    fputs("<h2>How the dataset was read</h2>\n", out);
    doubts(out, scan);
    folders(out, scan);
    passed_over(out, scan);
}
