#include "core/report/heat_section.h"

#include "core/report/html.h"
#include "core/report/lookup.h"

#include <math.h>
#include <string.h>

static void number_cell(FILE *out, double value) {
    fputs("<td class=\"number\">", out);
    if (isfinite(value))
        fprintf(out, "%.4f", value);
    else
        fputs("-", out);
    fputs("</td>", out);
}

static void row(FILE *out, const json_t *map, const char *taken) {
    const char *name = insp_lookup_text(map, "name");
    fputs("<tr><th scope=\"row\">", out);
    insp_html_text(out, name);
    fputs("</th>", out);
    number_cell(out, insp_lookup_number(map, "pixel_auroc"));
    number_cell(out, insp_lookup_number(map, "separation"));
    fprintf(out, "<td class=\"number\">%.0f of %.0f</td><td>%s</td></tr>\n",
            insp_lookup_number(map, "good_shown.hits"), insp_lookup_number(map, "good_shown.of"),
            strcmp(name, taken) == 0 ? "taken" : "");
}

void insp_report_heat_maps(FILE *out, const json_t *report) {
    const json_t *maps = insp_lookup(report, "heat_maps"), *map;
    const char *taken = insp_lookup_text(maps, "taken");
    size_t i;
    if (!json_is_object(maps))
        return;
    fputs("<h2>Heat maps</h2>\n<div class=\"panel scroll\"><table><caption>Maps of the held-out images"
          "</caption><thead><tr><td></td><th scope=\"col\" class=\"number\">pixel AUROC by masks</th><th "
          "scope=\"col\" class=\"number\">AUROC of the hottest cell</th><th scope=\"col\" "
          "class=\"number\">good parts with heat</th><td></td></tr></thead><tbody>\n",
          out);
    json_array_foreach(insp_lookup(maps, "list"), i, map) row(out, map, taken);
    fputs("</tbody></table></div>\n<p>Of these, ", out);
    insp_html_text(out, insp_lookup_text(maps, "reason"));
    fputs(".</p>\n", out);
}
