#include "core/report/figures.h"

#include "core/base/cleanup.h"
#include "core/report/chart.h"
#include "core/report/html.h"
#include "core/report/lookup.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Writes a cell with "18 of 20", empty if there are no counts. */
static void count_cell(FILE *out, const json_t *rate) {
    double hits = insp_lookup_number(rate, "hits"), of = insp_lookup_number(rate, "of");
    fputs("<td class=\"number\">", out);
    if (isfinite(of))
        fprintf(out, "%.0f of %.0f", hits, of);
    fputs("</td>", out);
}

/* Writes "90.5 to 97.1 %". */
static void interval_text(FILE *out, double low, double high) {
    if (isfinite(low) && isfinite(high))
        fprintf(out, "%.*f to %.*f %%", low > 0, 100 * low, high < 1, 100 * high);
}

/* Writes three cells: the value, the interval as text, the interval as a drawing. */
static void rate_cells(FILE *out, double low, double value, double high) {
    fputs("<td class=\"number\">", out);
    insp_html_percent(out, value);
    fputs("</td><td class=\"number soft\">", out);
    interval_text(out, low, high);
    fputs("</td><td>", out);
    insp_chart_interval(out, low, value, high);
    fputs("</td>", out);
}

static void rate_row(FILE *out, const char *name, const json_t *rate) {
    if (!json_is_object(rate))
        return;
    fputs("<tr><th scope=\"row\">", out);
    insp_html_foreign(out, name);
    fputs("</th>", out);
    count_cell(out, rate);
    rate_cells(out, insp_lookup_number(rate, "low"), insp_lookup_number(rate, "value"),
               insp_lookup_number(rate, "high"));
    fputs("</tr>\n", out);
}

static void plain_row(FILE *out, const char *name, double value, bool percent) {
    if (!isfinite(value))
        return;
    fprintf(out, "<tr><th scope=\"row\">%s</th><td></td><td class=\"number\">", name);
    if (percent)
        insp_html_percent(out, value);
    else
        fprintf(out, "%.4f", value);
    fputs("</td><td></td><td></td></tr>\n", out);
}

static void begin_rates(FILE *out, const char *caption, const char *counted) {
    fprintf(out,
            "<div class=\"panel scroll\"><table><caption>%s</caption><thead><tr><th scope=\"col\"></th><th "
            "scope=\"col\" "
            "class=\"number\">%s</th><th scope=\"col\" class=\"number\">share</th><th scope=\"col\" "
            "class=\"number\">95 %% "
            "interval</th><th scope=\"col\"></th></tr></thead><tbody>\n",
            caption, counted);
}

static void end_table(FILE *out) {
    fputs("</tbody></table></div>\n", out);
}

static void tile(FILE *out, const char *name, const char *colour, double count, const json_t *rate,
                 const char *of) {
    if (!isfinite(count))
        return;
    fprintf(out, "<div><dt>%s</dt><dd class=\"value %s\">%.0f</dd><dd class=\"soft\">of %.0f %s", name, colour,
            count, insp_lookup_number(rate, "of"), of);
    double low = insp_lookup_number(rate, "low"), high = insp_lookup_number(rate, "high");
    if (isfinite(low) && isfinite(high)) { /* the rate counts the right verdicts, the tile the wrong ones */
        fputs(" (95 %: ", out);
        interval_text(out, 1 - high, 1 - low);
        fputs(")", out);
    }
    fputs("</dd></div>\n", out);
}

void insp_report_tiles(FILE *out, const json_t *metrics) {
    double missed = insp_lookup_number(metrics, "missed"), alarms = insp_lookup_number(metrics, "false_alarms");
    double balanced = insp_lookup_number(metrics, "balanced_accuracy"),
           area = insp_lookup_number(metrics, "roc_auc");
    fputs("<dl class=\"tiles\">", out);
    tile(out, "Anomalies missed", missed > 0 ? "bad" : "fine", missed, insp_lookup(metrics, "recall"),
         "anomalies");
    tile(out, "False alarms", alarms > 0 ? "bad" : "fine", alarms, insp_lookup(metrics, "specificity"),
         "good parts");
    if (isfinite(balanced)) {
        fputs("<div><dt>Balanced accuracy</dt><dd class=\"value\">", out);
        insp_html_percent(out, balanced);
        fputs("</dd><dd class=\"soft\">mean of anomalies found and good parts passed</dd></div>\n", out);
    }
    if (isfinite(area))
        fprintf(
            out,
            "<div><dt>Area under ROC</dt><dd class=\"value\">%.4f</dd><dd class=\"soft\">1: perfect separation, "
            "0.5: chance</dd></div>\n",
            area);
    fputs("</dl>\n", out);
}

static void confusion_cell(FILE *out, const json_t *metrics, const char *path, bool right, const char *name) {
    double count = insp_lookup_number(metrics, path);
    fprintf(out, "<td class=\"%s\">", right ? "right" : count > 0 ? "wrong" : "none");
    if (isfinite(count))
        fprintf(out, "<b>%.0f</b>", count);
    fprintf(out, "%s</td>", name);
}

void insp_report_confusion(FILE *out, const json_t *metrics) {
    if (!insp_lookup(metrics, "confusion"))
        return;
    fputs("<figure class=\"confusion\"><figcaption>Confusion matrix (positive is an "
          "anomaly)</figcaption><table><thead><tr>"
          "<td></td><th scope=\"col\">verdict anomaly</th><th scope=\"col\">verdict good</th></tr></thead><tbody>"
          "<tr><th scope=\"row\">actual anomaly</th>",
          out);
    confusion_cell(out, metrics, "confusion.actual_anomaly.predicted_anomaly", true, "found");
    confusion_cell(out, metrics, "confusion.actual_anomaly.predicted_good", false, "missed");
    fputs("</tr><tr><th scope=\"row\">actually good</th>", out);
    confusion_cell(out, metrics, "confusion.actual_good.predicted_anomaly", false, "false alarms");
    confusion_cell(out, metrics, "confusion.actual_good.predicted_good", true, "passed");
    fputs("</tr></tbody></table></figure>\n", out);
}

void insp_report_rates(FILE *out, const json_t *metrics) {
    if (!json_is_object(metrics))
        return;
    begin_rates(out, "Rates with Wilson intervals", "images");
    rate_row(out, "Accuracy", insp_lookup(metrics, "accuracy"));
    plain_row(out, "Balanced accuracy", insp_lookup_number(metrics, "balanced_accuracy"), true);
    rate_row(out, "Found (recall)", insp_lookup(metrics, "recall"));
    rate_row(out, "Passed (specificity)", insp_lookup(metrics, "specificity"));
    rate_row(out, "Correct alarms (precision)", insp_lookup(metrics, "precision"));
    plain_row(out, "F1", insp_lookup_number(metrics, "f1"), false);
    plain_row(out, "Area under ROC", insp_lookup_number(metrics, "roc_auc"), false);
    end_table(out);
}

/* Casts away const, because jansson only iterates over non-const objects. */
static json_t *mutable(const json_t *object) {
    return (json_t *)(uintptr_t)object;
}

void insp_report_types(FILE *out, const json_t *metrics) {
    json_t *types = mutable(insp_lookup(metrics, "by_type"));
    const char *name;
    json_t *rate;
    if (!json_object_size(types))
        return;
    begin_rates(out, "Correct verdicts by type (for a defect type: its recall)", "correct");
    json_object_foreach(types, name, rate) {
        rate_row(out, name, rate);
    }
    end_table(out);
}

static void figure_cell(FILE *out, const json_t *object, const char *path, bool percent) {
    double value = insp_lookup_number(object, path);
    fputs("<td class=\"number\">", out);
    if (percent || !isfinite(value))
        insp_html_percent(out, value);
    else
        fprintf(out, "%.4f", value);
    fputs("</td>", out);
}

/* The columns of the table of folds. fold: path in a fold's entry; name: key in the report's "mean" and "std". */
static const struct {
    const char *head, *fold, *name;
    bool percent;
} figures[] = {{"balanced", "metrics.balanced_accuracy", "balanced_accuracy", true},
               {"accuracy", "metrics.accuracy.value", "accuracy", true},
               {"found", "metrics.recall.value", "recall", true},
               {"passed", "metrics.specificity.value", "specificity", true},
               {"precision", "metrics.precision.value", "precision", true},
               {"F1", "metrics.f1", "f1", false},
               {"ROC area", "metrics.roc_auc", "roc_auc", false}};

static void total_row(FILE *out, const char *head, const json_t *object) {
    if (!object)
        return;
    fprintf(out, "<tr class=\"total\"><th scope=\"row\">%s</th><td></td>", head);
    for (size_t i = 0; i < INSP_COUNT(figures); i++)
        figure_cell(out, object, figures[i].name, figures[i].percent);
    fputs("</tr>\n", out);
}

void insp_report_folds(FILE *out, const json_t *report) {
    const json_t *folds = insp_lookup(report, "folds"), *fold;
    size_t i;
    if (!json_array_size(folds))
        return;
    fputs("<h2>Folds</h2>\n", out);
    if (json_is_true(insp_lookup(report, "thin")))
        fputs("<p>A defect type has fewer images than there are folds, so not every fold judges it.</p>\n", out);
    fputs("<div class=\"panel scroll\"><table><thead><tr><th scope=\"col\">fold</th><th scope=\"col\" "
          "class=\"number\">images</th>",
          out);
    for (i = 0; i < INSP_COUNT(figures); i++)
        fprintf(out, "<th scope=\"col\" class=\"number\">%s</th>", figures[i].head);
    fputs("</tr></thead><tbody>\n", out);
    json_array_foreach(folds, i, fold) {
        fprintf(out, "<tr><th scope=\"row\">%.0f</th><td class=\"number\">%.0f</td>",
                insp_lookup_number(fold, "fold"), insp_lookup_number(fold, "held_out"));
        for (size_t f = 0; f < INSP_COUNT(figures); f++)
            figure_cell(out, fold, figures[f].fold, figures[f].percent);
        fputs("</tr>\n", out);
    }
    total_row(out, "mean", insp_lookup(report, "mean"));
    total_row(out, "deviation", insp_lookup(report, "std"));
    end_table(out);
}

static void masks_words(FILE *out, const json_t *l) {
    double unusable = insp_lookup_number(l, "unusable_masks"), area = insp_lookup_number(l, "pixel_auroc");
    fprintf(out, "<p>%.0f anomalous images have a mask that marks the defect", insp_lookup_number(l, "images"));
    if (unusable > 0)
        fprintf(out, "; %.0f more masks could not be used (see the log)", unusable);
    fputs(". ", out);
    if (isfinite(area))
        fprintf(out,
                "Pixel AUROC <b>%.4f</b>: how well the heat separates pixels inside defects from pixels outside.",
                area);
    fputs("</p>\n", out);
}

void insp_report_localisation(FILE *out, const json_t *report) {
    const json_t *l = insp_lookup(report, "localisation"), *shown = insp_lookup(report, "good_shown");
    if (!json_is_object(l) && !json_is_object(shown))
        return;
    fputs("<h2>Does the heatmap point at the defect?</h2>\n", out);
    if (json_is_object(l))
        masks_words(out, l);
    begin_rates(out, "Heat, boxes and defects", "hits");
    rate_row(out, "Good parts with any heat", shown);
    rate_row(out, "Boxes that hit a defect", insp_lookup(l, "boxes"));
    rate_row(out, "Defects hit by a box", insp_lookup(l, "defects"));
    end_table(out);
}

void insp_report_advice(FILE *out, const json_t *report) {
    const json_t *advice = insp_lookup(report, "threshold_advice");
    double threshold = insp_lookup_number(advice, "threshold");
    if (!isfinite(threshold))
        return;
    /* All digits: the threshold equals the probability of an anomaly, which a rounded-up threshold would miss. */
    fprintf(out, "<h2>Advised threshold: %.9g</h2>\n<p>Requirement: at most ", threshold);
    insp_html_percent(out, insp_lookup_number(advice, "max_missed"));
    fputs(" of the anomalies missed, at the upper end of the interval.", out);
    if (json_is_false(insp_lookup(advice, "reachable"))) {
        fputs(" <b>These images are too few to guarantee that:</b> ", out);
        insp_html_text(out, insp_lookup_text(advice, "reason"));
        fputs(".", out);
    }
    fputs("</p>\n", out);
    begin_rates(out, "With this threshold", "images");
    rate_row(out, "Anomalies missed", insp_lookup(advice, "missed"));
    rate_row(out, "False alarms among good parts", insp_lookup(advice, "false_alarms"));
    end_table(out);
}

static void promised_row(FILE *out, const json_t *promise, const char *name, const char *key) {
    const json_t *error = insp_lookup(promise, key);
    bool kept = json_is_true(insp_lookup(error, "kept"));
    fprintf(out, "<tr><th scope=\"row\">%s</th>", name);
    count_cell(out, error);
    fputs("<td class=\"number\">", out);
    insp_html_percent(out, insp_lookup_number(error, "at_most"));
    fputs("</td><td class=\"number\">", out);
    insp_html_percent(out, insp_lookup_number(error, "allowed"));
    fprintf(out, "</td><td>%s</td></tr>\n", kept ? "kept" : "not kept");
}

/* Writes the processor time of scores out of fold, in units of the training. */
static void promised_cost(FILE *out, const json_t *report) {
    double training = insp_lookup_number(report, "cpu_seconds.training");
    double threshold = insp_lookup_number(report, "cpu_seconds.threshold");
    if (training > 0 && !strcmp(insp_lookup_text(report, "threshold_promise.from"), "folds"))
        fprintf(out,
                "<p class=\"soft\">These scores took %.1f s of processor time, %.2f times the training's own %.1f "
                "s.</p>\n",
                threshold, threshold / training, training);
    if (!strcmp(insp_lookup_text(report, "threshold_promise.from"), "held_out_half"))
        fputs("<p class=\"soft\">Half of the held-out images chose it; the other half judges the version.</p>\n",
              out);
}

void insp_report_promised(FILE *out, const json_t *report) {
    const json_t *promise = insp_lookup(report, "threshold_promise"), *image;
    double threshold = insp_lookup_number(promise, "threshold");
    size_t i;
    if (!isfinite(threshold))
        return;
    fprintf(out,
            "<h2>Threshold for both promises: %.9g</h2>\n<div class=\"panel scroll\"><table><caption>By scores of "
            "images that the model had not seen</caption><thead><tr><td></td><th scope=\"col\" "
            "class=\"number\">images</th><th scope=\"col\" class=\"number\">at most (95 %%)</th><th scope=\"col\" "
            "class=\"number\">asked for</th><td></td></tr></thead><tbody>\n",
            threshold);
    promised_row(out, promise, "Anomalies missed", "missed");
    promised_row(out, promise, "Good parts rejected", "rejected");
    end_table(out);
    promised_cost(out, report);
    if (!*insp_lookup_text(promise, "reason"))
        return;
    fputs("<p>To keep it: ", out);
    insp_html_text(out, insp_lookup_text(promise, "reason"));
    fputs(". Images that prevent it:</p>\n<ul>\n", out);
    json_array_foreach(insp_lookup(promise, "preventing"), i, image) {
        fputs("<li>", out);
        insp_html_foreign(out, insp_lookup_text(image, "path"));
        fprintf(out, " (%.4f)</li>\n", insp_lookup_number(image, "probability"));
    }
    fputs("</ul>\n", out);
}

static void served_row(FILE *out, const json_t *served, const char *name, const char *key) {
    static const char *const verdict[] = {"good", "review", "anomaly"};
    fprintf(out, "<tr><th scope=\"row\">%s</th>", name);
    for (size_t i = 0; i < INSP_COUNT(verdict); i++)
        fprintf(out, "<td class=\"number\">%.0f</td>", insp_lookup_number(insp_lookup(served, key), verdict[i]));
    fputs("</tr>\n", out);
}

static void score_row(FILE *out, const json_t *served, const char *name, const char *key) {
    const json_t *metrics = insp_lookup(insp_lookup(served, "scores"), key);
    if (!json_is_object(metrics))
        return;
    fprintf(out, "<tr><th scope=\"row\">%s</th>", name);
    figure_cell(out, metrics, "roc_auc", false);
    figure_cell(out, metrics, "recall.value", true);
    figure_cell(out, metrics, "specificity.value", true);
    fputs("</tr>\n", out);
}

static void served_reasons(FILE *out, const json_t *served) {
    json_t *reasons = mutable(insp_lookup(served, "reasons")), *counts;
    const char *reason;
    json_object_foreach(reasons, reason, counts) {
        fputs("<p>Reason <b>", out);
        insp_html_words(out, reason);
        fprintf(out, "</b>: %.0f anomalies and %.0f good parts.</p>\n", insp_lookup_number(counts, "anomalies"),
                insp_lookup_number(counts, "good_parts"));
    }
}

void insp_report_served(FILE *out, const json_t *report) {
    const json_t *served = insp_lookup(report, "served");
    if (!json_is_object(served))
        return;
    bool alone = !strcmp(insp_lookup_text(served, "decided_by"), "good_only");
    fprintf(out, "<h2>Answers of the daemon</h2>\n<p>%s</p>\n",
            alone
                ? "The good-only model decides."
                : "The trained model decides; where it says good and the picture is beyond 99.9 % of good parts, "
                  "the verdict is review.");
    fputs("<div class=\"panel scroll\"><table><caption>Verdicts</caption><thead><tr><td></td><th scope=\"col\" "
          "class=\"number\">good</th><th scope=\"col\" class=\"number\">review</th><th scope=\"col\" "
          "class=\"number\">anomaly</th></tr></thead><tbody>\n",
          out);
    served_row(out, served, "actual anomalies", "anomalies");
    served_row(out, served, "actually good", "good_parts");
    end_table(out);
    begin_rates(out, "Parts stopped (review or anomaly) and passed", "images");
    rate_row(out, "Anomalies stopped", insp_lookup(served, "stopped"));
    rate_row(out, "Good parts passed", insp_lookup(served, "passed"));
    end_table(out);
    fputs("<div class=\"panel scroll\"><table><caption>Each score by itself</caption><thead><tr><td></td><th "
          "scope=\"col\" class=\"number\">ROC area</th><th scope=\"col\" class=\"number\">found</th><th "
          "scope=\"col\" class=\"number\">passed</th></tr></thead><tbody>\n",
          out);
    score_row(out, served, "Trained model", "supervised");
    score_row(out, served, "Good-only model", "good_only");
    end_table(out);
    served_reasons(out, served);
}

void insp_report_previous(FILE *out, const json_t *report) {
    const char *version = insp_lookup_text(report, "previous.version");
    if (!*version)
        return;
    fputs("<h2>Compared with version ", out);
    insp_html_foreign(out, version);
    fputs("</h2>\n<p>", out);
    insp_html_text(out, insp_lookup_text(report, "reason"));
    fputs("</p>\n", out);
    const json_t *metrics = insp_lookup(report, "previous.metrics");
    if (!json_is_object(metrics))
        return;
    fputs("<p>Results of that version on the same images; it may have been trained on some of them:</p>\n", out);
    insp_report_rates(out, metrics);
}

static void feedback_item(FILE *out, const json_t *item) {
    const char *defect = insp_lookup_text(item, "defect");
    fputs("<tr><td class=\"name\">", out);
    insp_html_text(out, insp_lookup_text(item, "id"));
    fputs("</td><td>", out);
    insp_html_foreign(out, *defect ? defect : insp_lookup_text(item, "label"));
    static const char *const when[] = {"before", "now"};
    for (size_t i = 0; i < INSP_COUNT(when); i++) {
        char key[32];
        snprintf(key, sizeof key, "verdict_%s", when[i]);
        fputs("</td><td>", out);
        insp_html_text(out, insp_lookup_text(item, key));
        snprintf(key, sizeof key, "probability_%s", when[i]);
        fprintf(out, " %.4f", insp_lookup_number(item, key));
    }
    fprintf(out, "</td><td>%s</td></tr>\n", json_is_true(insp_lookup(item, "in_training")) ? "trained on" : "");
}

void insp_report_feedback(FILE *out, const json_t *report) {
    const json_t *feedback = insp_lookup(report, "feedback"), *item;
    size_t i;
    if (!(insp_lookup_number(feedback, "labelled") > 0))
        return;
    fprintf(out,
            "<h2>Labelled inspections</h2>\n<p>Among %.0f labelled inspections, earlier models missed %.0f "
            "anomalies and raised %.0f false alarms. This model corrects <b>%.0f</b> of these verdicts, "
            "repeats %.0f of them, and makes %.0f new mistakes.</p>\n",
            insp_lookup_number(feedback, "labelled"), insp_lookup_number(feedback, "missed_before"),
            insp_lookup_number(feedback, "false_alarms_before"), insp_lookup_number(feedback, "now_right"),
            insp_lookup_number(feedback, "still_wrong"), insp_lookup_number(feedback, "newly_wrong"));
    if (!json_array_size(insp_lookup(feedback, "items")))
        return;
    fputs("<div class=\"panel scroll\"><table><thead><tr><th scope=\"col\">inspection</th><th "
          "scope=\"col\">label</th>"
          "<th scope=\"col\">verdict then</th><th scope=\"col\">verdict now</th><th "
          "scope=\"col\"></th></tr></thead><tbody>\n",
          out);
    json_array_foreach(insp_lookup(feedback, "items"), i, item) {
        feedback_item(out, item);
    }
    end_table(out);
}

/* Writes a scalar or a list as a definition; skips objects. */
static void fact(FILE *out, const char *key, const json_t *value) {
    _cleanup_free_ char *text = NULL;
    if (json_is_object(value))
        return;
    fputs("<dt>", out);
    insp_html_words(out, key);
    fputs("</dt><dd>", out);
    if (json_is_string(value)) {
        insp_html_foreign(out, json_string_value(value));
    } else {
        text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
        insp_html_text(out, text ? text : "");
    }
    fputs("</dd>\n", out);
}

static void facts(FILE *out, const char *title, const json_t *object) {
    const char *key;
    json_t *value;
    if (!json_object_size(object))
        return;
    fprintf(out, "<section class=\"panel\"><h3>%s</h3><dl class=\"facts\">\n", title);
    json_object_foreach(mutable(object), key, value) {
        fact(out, key, value);
    }
    fputs("</dl></section>\n", out);
}

static void seconds(FILE *out, const json_t *object) {
    const char *key;
    json_t *value;
    if (!json_object_size(object))
        return;
    fputs("<section class=\"panel\"><h3>Time taken</h3><dl class=\"facts\">\n", out);
    json_object_foreach(mutable(object), key, value) {
        fputs("<dt>", out);
        insp_html_words(out, key);
        fprintf(out, "</dt><dd>%.3g s</dd>\n", json_number_value(value));
    }
    fputs("</dl></section>\n", out);
}

void insp_report_facts(FILE *out, const json_t *report) {
    fputs("<h2>How it was made</h2>\n<div class=\"flow\">\n", out);
    facts(out, "Dataset", insp_lookup(report, "dataset"));
    facts(out, "Images by type", insp_lookup(report, "dataset.counts"));
    facts(out, "Parameters", insp_lookup(report, "params"));
    facts(out, "Heatmap", insp_lookup(report, "heatmap"));
    seconds(out, insp_lookup(report, "seconds"));
    fputs("</div>\n", out);
}
