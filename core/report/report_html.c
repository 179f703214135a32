#include "core/report/report_html.h"

#include "core/report/candidates_section.h"
#include "core/report/curves.h"
#include "core/report/figures.h"
#include "core/report/heat_section.h"
#include "core/report/html.h"
#include "core/report/lookup.h"
#include "core/report/picture.h"
#include "core/report/scan_section.h"

#include <math.h>
#include <string.h>

enum { CLOSE_CALLS = 8, EXAMPLES = 8 };

/* Defines insp_report_css: the text of report.css, NUL-terminated. */
__asm__(".section .rodata\n.global insp_report_css\ninsp_report_css:\n.incbin \"" INSP_REPORT_CSS
        "\"\n.byte 0\n.previous\n");
extern const char insp_report_css[];

static const struct kind {
    const char *name, *title, *judged; /* judged: the images that the metrics cover */
    const char *metrics;               /* key of the metrics in the report */
} kinds[] = {
    {"train", "Training", "on images held out from the training", "metrics"},
    {"cross-validate", "Cross-validation", "each image judged by a model that was not trained on it", "pooled"},
    {"evaluate", "Evaluation", "on all images of the dataset", "metrics"},
};

struct page {
    FILE *out;
    const json_t *report;
    const struct insp_report_source *source;
    const struct kind *kind;
    const json_t *metrics;
    size_t wrong_listed, wrong; /* wrong verdicts in "images", and in total */
};

static void head(const struct page *page) {
    FILE *out = page->out;
    fprintf(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        /* Nothing in a report may run or load, whatever the names of files contain. */
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "img-src data:\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>%s of ",
        page->kind->title);
    insp_html_text(out, insp_lookup_text(page->report, "product"));
    fprintf(out, "</title>\n<style>\n%s</style></head>\n<body>\n<header><h1>%s of ", insp_report_css,
            page->kind->title);
    insp_html_foreign(out, insp_lookup_text(page->report, "product"));
    fputs("</h1>\n<p class=\"soft\">", out);
    const char *version = insp_lookup_text(page->report, "version");
    if (*version) {
        fputs("Model version ", out);
        insp_html_foreign(out, version);
        if (json_is_boolean(insp_lookup(page->report, "activated")))
            fputs(json_is_true(insp_lookup(page->report, "activated")) ? ", activated" : ", not activated", out);
        fputs(" · ", out);
    }
    insp_html_text(out, page->source->subtitle);
    fputs("</p></header>\n<main>\n", out);
}

/* Says which share of good parts a good-only model rejects at most. */
static void promise(const struct page *page) {
    FILE *out = page->out;
    double more = insp_lookup_number(page->report, "good_only.more_needed");
    if (!json_is_object(insp_lookup(page->report, "good_only")))
        return;
    fprintf(
        out,
        "<p class=\"lead\">Model of %.0f good images: of 100 good parts at most %.1f will be rejected, with 95 %% "
        "confidence.",
        insp_lookup_number(page->report, "good_only.images"),
        100 * insp_lookup_number(page->report, "good_only.alpha"));
    if (more > 0)
        fprintf(out, " %.0f more good images would keep the promise that was asked for.", more);
    fputs("</p>\n", out);
}

static int summary(const struct page *page, struct insp_error *reterr) {
    FILE *out = page->out;
    bool good_only = !strcmp(insp_lookup_text(page->report, "mode"), "good_only");
    if (!page->metrics)
        return 0;
    fputs("<p class=\"lead\">", out);
    insp_html_text(out, insp_lookup_text(page->metrics, "summary"));
    fprintf(out, " – %s.</p>\n",
            good_only ? "good images by models that had not seen them, defects by the whole model"
                      : page->kind->judged);
    insp_report_tiles(out, page->metrics);
    fputs("<div class=\"columns\"><div class=\"stack\">\n", out);
    insp_report_confusion(out, page->metrics);
    insp_report_types(out, page->metrics);
    insp_report_rates(out, page->metrics);
    fputs("</div><div class=\"stack\">\n", out);
    insp_report_histogram_chart(out, page->report);
    int r = insp_report_roc_chart(out, page->report, page->metrics, reterr);
    fputs("</div></div>\n", out);
    return r;
}

static int figure(const struct page *page, const json_t *image, struct insp_error *reterr) {
    FILE *out = page->out;
    bool wrong = json_is_true(insp_lookup(image, "wrong"));
    bool per_image = !strcmp(insp_lookup_text(page->report, "heatmap.scale"), "per_image");
    bool cold = per_image && !strcmp(insp_lookup_text(image, "verdict"), "good"); /* as it is served */
    double threshold = insp_lookup_number(page->report, "heatmap.threshold");
    fprintf(out, "<figure%s>", wrong ? " class=\"wrong\"" : "");
    int r = insp_report_picture(out, page->source, image, cold || isnan(threshold) ? 2 : (float)threshold, reterr);
    fputs("<figcaption><b>", out);
    insp_html_text(out, insp_lookup_text(image, "verdict"));
    fprintf(out, " %.4f</b><br>actual: ", insp_lookup_number(image, "probability"));
    insp_html_foreign(out, insp_lookup_text(image, "type"));
    fputs("<br>", out);
    insp_html_foreign(out, insp_lookup_text(image, "path"));
    fputs("</figcaption></figure>\n", out);
    return r;
}

/* Writes up to `most` pictures of one of the report's lists: those with wrong, or those with right verdicts. */
static int gallery(const struct page *page, const char *list, bool wrong, size_t most, struct insp_error *reterr) {
    const json_t *images = insp_lookup(page->report, list), *image;
    size_t i, shown = 0;
    int r = 0;
    fputs("<div class=\"pictures\">\n", page->out);
    json_array_foreach(images, i, image) {
        if (json_is_true(insp_lookup(image, "wrong")) != wrong || !insp_lookup(image, "heat"))
            continue;
        if (shown++ == most || (r = figure(page, image, reterr)) < 0)
            break;
    }
    fputs("</div>\n", page->out);
    return r;
}

static void wrong_table(const struct page *page) {
    const json_t *images = insp_lookup(page->report, "images"), *image;
    FILE *out = page->out;
    size_t i;
    fputs("<div class=\"panel scroll\"><table><caption>Wrong verdicts, worst first</caption><thead><tr><th "
          "scope=\"col\">image</th><th scope=\"col\">actual</th><th scope=\"col\">verdict</th><th scope=\"col\" "
          "class=\"number\">probability</th></tr></thead><tbody>\n",
          out);
    json_array_foreach(images, i, image) {
        if (!json_is_true(insp_lookup(image, "wrong")))
            continue;
        fputs("<tr><td class=\"name\">", out);
        insp_html_foreign(out, insp_lookup_text(image, "path"));
        fputs("</td><td>", out);
        insp_html_foreign(out, insp_lookup_text(image, "type"));
        fputs("</td><td>", out);
        insp_html_text(out, insp_lookup_text(image, "verdict"));
        fprintf(out, "</td><td class=\"number\">%.4f</td></tr>\n", insp_lookup_number(image, "probability"));
    }
    fputs("</tbody></table></div>\n", out);
    if (page->wrong > page->wrong_listed)
        fprintf(out, "<p>%zu more wrong verdicts are not listed.</p>\n", page->wrong - page->wrong_listed);
}

static int images(const struct page *page, struct insp_error *reterr) {
    FILE *out = page->out;
    int r = 0;
    if (!json_array_size(insp_lookup(page->report, "images")))
        return 0;
    fputs("<h2>Wrong verdicts</h2>\n", out);
    if (!page->wrong_listed) {
        fputs("<p>None: every verdict is correct.</p>\n", out);
    } else {
        wrong_table(page);
        fputs("<p class=\"soft\">The worst ones with their heat. Point at a picture to see it without heat.</p>\n",
              out);
        r = gallery(page, "images", true, INSP_REPORT_PICTURES - CLOSE_CALLS - EXAMPLES, reterr);
    }
    if (r == 0) {
        fputs("<h2>Closest calls</h2>\n<p class=\"soft\">Correct verdicts nearest to the threshold.</p>\n", out);
        r = gallery(page, "images", false, CLOSE_CALLS, reterr);
    }
    if (r == 0 && json_array_size(insp_lookup(page->report, "examples"))) {
        fputs("<h2>Anomalies found</h2>\n<p class=\"soft\">The highest probabilities of each type.</p>\n", out);
        r = gallery(page, "examples", false, EXAMPLES, reterr);
    }
    return r;
}

static void count_wrong(struct page *page) {
    const json_t *list = insp_lookup(page->report, "images"), *image;
    double all = insp_lookup_number(page->metrics, "missed") + insp_lookup_number(page->metrics, "false_alarms");
    size_t i;
    json_array_foreach(list, i, image) {
        page->wrong_listed += json_is_true(insp_lookup(image, "wrong"));
    }
    page->wrong = all > 0 ? (size_t)all : 0;
}

static int body(const struct page *page, struct insp_error *reterr) {
    FILE *out = page->out;
    head(page);
    promise(page);
    int r = summary(page, reterr);
    if (r == 0)
        r = images(page, reterr);
    if (r < 0)
        return r;
    insp_report_served(out, page->report);
    insp_report_localisation(out, page->report);
    insp_report_candidates(out, page->report);
    insp_report_heat_maps(out, page->report);
    insp_report_promised(out, page->report);
    insp_report_advice(out, page->report);
    insp_report_folds(out, page->report);
    r = insp_report_curves(out, page->report, reterr);
    if (r < 0)
        return r;
    insp_report_previous(out, page->report);
    insp_report_feedback(out, page->report);
    insp_report_scan(out, page->report);
    insp_report_facts(out, page->report);
    fputs("</main>\n</body></html>\n", out);
    return 0;
}

int insp_report_html(const json_t *report, const struct insp_report_source *source, char **ret_html,
                     size_t *ret_bytes, struct insp_error *reterr) {
    struct page page = {.report = report, .source = source};
    _cleanup_free_ char *html = NULL;
    for (size_t i = 0; i < INSP_COUNT(kinds); i++)
        if (!strcmp(insp_lookup_text(report, "kind"), kinds[i].name))
            page.kind = &kinds[i];
    if (!page.kind)
        return insp_fail(reterr, INSP_E_INTERNAL,
                         "this is not the report of a training, cross-validation or evaluation");
    page.metrics = insp_lookup(report, page.kind->metrics);
    count_wrong(&page);
    size_t bytes;
    page.out = open_memstream(&html, &bytes);
    if (!page.out)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
    int r = body(&page, reterr);
    bool whole = !ferror(page.out);
    if ((fclose(page.out) != 0 || !whole) && r == 0)
        r = insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
    if (r < 0)
        return r;
    *ret_html = insp_take_ptr(html);
    *ret_bytes = bytes;
    return 0;
}
