#include "daemon/cli/cli_report.h"

#include "core/report/lookup.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static void print_rate(FILE *out, const char *name, const json_t *rate) {
    double value = insp_lookup_number(rate, "value");
    if (isnan(value)) {
        fprintf(out, "  %-20s -\n", name);
        return;
    }
    fprintf(out, "  %-20s %5.1f %%  (95 %%: %.1f to %.1f %%)", name, 100 * value,
            100 * insp_lookup_number(rate, "low"), 100 * insp_lookup_number(rate, "high"));
    if (!isnan(insp_lookup_number(rate, "of")))
        fprintf(out, "  %.0f of %.0f", insp_lookup_number(rate, "hits"), insp_lookup_number(rate, "of"));
    fputc('\n', out);
}

static void print_share(FILE *out, const char *name, double value) {
    if (!isnan(value))
        fprintf(out, "  %-20s %5.1f %%\n", name, 100 * value);
}

/* Prints the balanced accuracy, the mean of two independent rates. Its interval follows from theirs by error
 * propagation: the half-widths on each side add in quadrature. */
static void print_balanced(FILE *out, const json_t *metrics) {
    double value = insp_lookup_number(metrics, "balanced_accuracy");
    double recall = insp_lookup_number(metrics, "recall.value"),
           specificity = insp_lookup_number(metrics, "specificity.value");
    double below = hypot(recall - insp_lookup_number(metrics, "recall.low"),
                         specificity - insp_lookup_number(metrics, "specificity.low")) /
                   2;
    double above = hypot(insp_lookup_number(metrics, "recall.high") - recall,
                         insp_lookup_number(metrics, "specificity.high") - specificity) /
                   2;
    if (isnan(value) || isnan(below) || isnan(above))
        print_share(out, "balanced accuracy", value);
    else
        fprintf(out, "  %-20s %5.1f %%  (95 %%: %.1f to %.1f %%)\n", "balanced accuracy", 100 * value,
                100 * fmax(0, value - below), 100 * fmin(1, value + above));
}

static void print_confusion(FILE *out, const json_t *metrics) {
    double found = insp_lookup_number(metrics, "confusion.actual_anomaly.predicted_anomaly");
    double missed = insp_lookup_number(metrics, "confusion.actual_anomaly.predicted_good");
    double alarms = insp_lookup_number(metrics, "confusion.actual_good.predicted_anomaly");
    double passed = insp_lookup_number(metrics, "confusion.actual_good.predicted_good");
    if (isnan(found) || isnan(missed) || isnan(alarms) || isnan(passed))
        return;
    fprintf(out, "                    verdict anomaly  verdict good\n");
    fprintf(out, "  actual anomaly    %5.0f found      %5.0f missed\n", found, missed);
    fprintf(out, "  actually good     %5.0f false      %5.0f passed\n", alarms, passed);
}

static void print_metrics(FILE *out, const json_t *metrics) {
    const char *type;
    const json_t *rate;
    if (!json_is_object(metrics))
        return;
    print_confusion(out, metrics);
    print_balanced(out, metrics);
    print_rate(out, "accuracy", json_object_get(metrics, "accuracy"));
    print_rate(out, "anomalies found", json_object_get(metrics, "recall"));
    print_rate(out, "good parts passed", json_object_get(metrics, "specificity"));
    print_rate(out, "correct alarms", json_object_get(metrics, "precision"));
    if (!isnan(insp_lookup_number(metrics, "roc_auc")))
        fprintf(out, "  %-20s %.4f\n", "area under ROC", insp_lookup_number(metrics, "roc_auc"));
    for (void *at = json_object_iter(json_object_get(metrics, "by_type")); at;
         at = json_object_iter_next(json_object_get(metrics, "by_type"), at)) {
        char name[80];
        type = json_object_iter_key(at);
        rate = json_object_iter_value(at);
        snprintf(name, sizeof name, "  correct: %.60s", type);
        print_rate(out, name, rate);
    }
}

/* Prints text from outside without control characters, which a terminal would act on. */
static void print_foreign(FILE *out, const char *text) {
    for (; *text; text++)
        fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

static void print_localisation(FILE *out, const json_t *report) {
    const json_t *l = insp_lookup(report, "localisation");
    if (!json_is_object(l))
        return;
    fprintf(out, "\nHeatmaps compared with %.0f masks:\n", insp_lookup_number(l, "images"));
    if (insp_lookup_number(l, "unusable_masks") > 0)
        fprintf(out, "  %.0f more masks could not be used\n", insp_lookup_number(l, "unusable_masks"));
    if (!isnan(insp_lookup_number(l, "pixel_auroc")))
        fprintf(out, "  %-20s %.4f\n", "pixel AUROC", insp_lookup_number(l, "pixel_auroc"));
    print_rate(out, "boxes on a defect", insp_lookup(l, "boxes"));
    print_rate(out, "defects in a box", insp_lookup(l, "defects"));
}

/* Prints how the dataset was read. It comes first, because all figures depend on it. */
static void print_scan(FILE *out, const json_t *report) {
    const json_t *scan = insp_lookup(report, "dataset.scan"), *entry;
    size_t i;
    if (!json_is_object(scan))
        return;
    fprintf(out, "\nImages read:\n");
    json_array_foreach(insp_lookup(scan, "folders"), i, entry) {
        fprintf(out, "  %7.0f  ", insp_lookup_number(entry, "images"));
        print_foreign(out, insp_lookup_text(entry, "folder"));
        fprintf(out, "  (");
        print_foreign(out, insp_lookup_text(entry, "class"));
        fprintf(out, ")\n");
    }
    json_array_foreach(insp_lookup(scan, "passed_over"), i, entry) {
        fprintf(out, "%s  %7.0f  %s (", i ? "" : "Passed over:\n", insp_lookup_number(entry, "count"),
                insp_lookup_text(entry, "text"));
        print_foreign(out, json_string_value(json_array_get(insp_lookup(entry, "examples"), 0)) ?: "?");
        fprintf(out, ")\n");
    }
    json_array_foreach(insp_lookup(scan, "doubts"), i, entry) {
        fprintf(out, "%s  - ", i ? "" : "To check:\n");
        print_foreign(out, json_string_value(entry));
        fputc('\n', out);
    }
}

/* Lists the wrong verdicts. metrics: contains the total of wrong verdicts. */
static void print_wrong(FILE *out, const json_t *report, const json_t *metrics) {
    const json_t *images = insp_lookup(report, "images"), *image;
    double all = insp_lookup_number(metrics, "missed") + insp_lookup_number(metrics, "false_alarms");
    size_t i, shown = 0;
    json_array_foreach(images, i, image) {
        if (!json_is_true(insp_lookup(image, "wrong")))
            continue;
        if (!shown++)
            fprintf(out, "\nWrong verdicts, worst first:\n  probability  actual        image\n");
        fprintf(out, "  %11.4f  ", insp_lookup_number(image, "probability"));
        fprintf(out, "%-12s  ", insp_lookup_text(image, "type"));
        print_foreign(out, insp_lookup_text(image, "path"));
        fputc('\n', out);
    }
    if (all > (double)shown)
        fprintf(out, "  and %.0f more\n", all - (double)shown);
}

/* Prints the parts of a report that concern single images. metrics: key of the metrics in the report. */
static void print_images(FILE *out, const json_t *report, const char *metrics) {
    fputc('\n', out);
    print_rate(out, "good parts with heat", insp_lookup(report, "good_shown"));
    print_localisation(out, report);
    print_wrong(out, report, insp_lookup(report, metrics));
}

/* Prints a line about labelled inspections, if there are any. */
static void print_feedback(FILE *out, const json_t *report) {
    const json_t *feedback = insp_lookup(report, "feedback"), *unseen = insp_lookup(feedback, "unseen");
    double missed = insp_lookup_number(feedback, "missed_before"),
           alarms = insp_lookup_number(feedback, "false_alarms_before");
    if (isnan(missed) || isnan(alarms))
        return;
    fprintf(out,
            "\nAmong %.0f labelled inspections were %.0f misses and %.0f false alarms: %.0f are corrected, %.0f "
            "are newly wrong",
            insp_lookup_number(feedback, "labelled"), missed, alarms, insp_lookup_number(feedback, "now_right"),
            insp_lookup_number(feedback, "newly_wrong"));
    if (!isnan(insp_lookup_number(unseen, "labelled")))
        fprintf(out, " (among the %.0f images not trained on: %.0f of %.0f corrected, %.0f newly wrong)",
                insp_lookup_number(unseen, "labelled"), insp_lookup_number(unseen, "now_right"),
                insp_lookup_number(unseen, "missed_before") + insp_lookup_number(unseen, "false_alarms_before"),
                insp_lookup_number(unseen, "newly_wrong"));
    fputc('\n', out);
}

/* Prints one line of the table of verdicts. */
static void print_served_row(FILE *out, const json_t *served, const char *name, const char *key) {
    const json_t *row = json_object_get(served, key);
    fprintf(out, "  %-18s %7.0f good %7.0f review %7.0f anomaly\n", name, insp_lookup_number(row, "good"),
            insp_lookup_number(row, "review"), insp_lookup_number(row, "anomaly"));
}

static void print_score(FILE *out, const json_t *served, const char *name, const char *key) {
    const json_t *metrics = insp_lookup(insp_lookup(served, "scores"), key);
    double area = insp_lookup_number(metrics, "roc_auc"), found = insp_lookup_number(metrics, "recall.value"),
           passed = insp_lookup_number(metrics, "specificity.value");
    if (!json_is_object(metrics))
        return;
    fprintf(out, "  %-20s", name);
    if (!isnan(area))
        fprintf(out, " area under ROC %.4f,", area);
    if (!isnan(found))
        fprintf(out, " %.1f %% of anomalies found,", 100 * found);
    fprintf(out, " %.1f %% of good parts passed\n", 100 * passed);
}

/* Prints what the daemon would answer by both models. */
static void print_served(FILE *out, const json_t *report) {
    const json_t *served = insp_lookup(report, "served"), *reasons = insp_lookup(served, "reasons");
    bool alone = !strcmp(insp_lookup_text(served, "decided_by"), "good_only");
    if (!json_is_object(served))
        return;
    fprintf(out, "\nVerdicts as the daemon gives them, decided by the %s:\n",
            alone ? "good-only model" : "trained model, doubted by the good-only model");
    print_served_row(out, served, "actual anomalies", "anomalies");
    print_served_row(out, served, "actually good", "good_parts");
    print_rate(out, "anomalies stopped", insp_lookup(served, "stopped"));
    print_rate(out, "good parts passed", insp_lookup(served, "passed"));
    for (void *at = json_object_iter((json_t *)(uintptr_t)reasons); at;
         at = json_object_iter_next((json_t *)(uintptr_t)reasons, at))
        fprintf(out, "  reason %-13s %.0f anomalies, %.0f good parts\n", json_object_iter_key(at),
                insp_lookup_number(json_object_iter_value(at), "anomalies"),
                insp_lookup_number(json_object_iter_value(at), "good_parts"));
    print_score(out, served, "trained model alone", "supervised");
    print_score(out, served, "good-only alone", "good_only");
}

static void print_version(FILE *out, const json_t *report) {
    bool activated = json_is_true(json_object_get(report, "activated"));
    fprintf(out, "\nProduct %s, version %s: %s", insp_lookup_text(report, "product"),
            insp_lookup_text(report, "version"), activated ? "active now" : "NOT activated");
    if (*insp_lookup_text(report, "reason"))
        fprintf(out, " (%s)", insp_lookup_text(report, "reason"));
    fputc('\n', out);
    if (!activated)
        fprintf(out, "To activate it anyway: inspectd model activate --product %s %s\n",
                insp_lookup_text(report, "product"), insp_lookup_text(report, "version"));
}

static void print_good_only(FILE *out, const json_t *report) {
    double more = insp_lookup_number(report, "good_only.more_needed");
    double copies = insp_lookup_number(report, "good_only.copies");
    if (!json_is_object(json_object_get(report, "good_only")))
        return;
    fprintf(out, "\nGood-only model of %.0f good images", insp_lookup_number(report, "good_only.images"));
    if (copies > 0)
        fprintf(out, " (%.0f copies of others left out)", copies);
    fprintf(out, ", each judged by a model that had not seen it:\n");
    fprintf(out, "  of 100 good parts at most %.1f will be rejected, with 95 %% confidence\n",
            100 * insp_lookup_number(report, "good_only.alpha"));
    if (more > 0)
        fprintf(out, "  %.0f more good images are needed to promise %.4g of 100\n", more,
                100 * insp_lookup_number(report, "good_only.max_rejected"));
    fprintf(out, "  threshold %.3f, the typical good part has %.3f\n",
            insp_lookup_number(report, "good_only.threshold"), insp_lookup_number(report, "good_only.median"));
}

/* Prints the report of insp_train_add_good. */
static void print_added(FILE *out, const json_t *report) {
    fprintf(out, "\nVersion %s extended by %.0f good images to %.0f", insp_lookup_text(report, "base"),
            insp_lookup_number(report, "good_only.added"), insp_lookup_number(report, "good_only.images"));
    fprintf(out, " (%.0f were known, %.0f unreadable)\n", insp_lookup_number(report, "good_only.known"),
            insp_lookup_number(report, "good_only.unreadable"));
    fprintf(out, "  threshold %.3f, it was %.3f; of 100 good parts at most %.1f will be rejected\n",
            insp_lookup_number(report, "good_only.threshold"),
            insp_lookup_number(report, "good_only.threshold_before"),
            100 * insp_lookup_number(report, "good_only.alpha"));
    print_version(out, report);
}

static void print_kept(FILE *out, const json_t *promise, const char *key, const char *what) {
    const json_t *error = insp_lookup(promise, key);
    fprintf(out, "  %-20s at most %.1f of 100 (95 %%; asked for: %.4g), here %.0f of %.0f%s\n", what,
            100 * insp_lookup_number(error, "at_most"), 100 * insp_lookup_number(error, "allowed"),
            insp_lookup_number(error, "hits"), insp_lookup_number(error, "of"),
            json_is_true(insp_lookup(error, "kept")) ? "" : ": NOT KEPT");
}

/* Says by which images a threshold was chosen; from: of the report's threshold_promise. */
static const char *images_of(const char *from) {
    if (!strcmp(from, "held_out_half"))
        return "half of the held-out images; the other half judges the version";
    return !strcmp(from, "held_out") ? "the held-out images" : "models that had not seen the image";
}

/* Prints the processor time of scores out of fold, in units of the training. */
static void print_cost(FILE *out, const json_t *report) {
    double training = insp_lookup_number(report, "cpu_seconds.training");
    double threshold = insp_lookup_number(report, "cpu_seconds.threshold");
    if (training > 0 && !strcmp(insp_lookup_text(report, "threshold_promise.from"), "folds"))
        fprintf(out, "  These scores took %.1f s of processor time, %.2f times the training's own %.1f s.\n",
                threshold, threshold / training, training);
}

/* Prints the threshold that was chosen for two promises. chosen: the version has it. */
static void print_promise(FILE *out, const json_t *report, bool chosen) {
    const json_t *promise = insp_lookup(report, "threshold_promise"), *image;
    size_t i;
    if (!json_is_object(promise))
        return;
    fprintf(out, "\n%s %.9g, by scores of %s:\n", chosen ? "Threshold chosen:" : "Threshold for both promises:",
            insp_lookup_number(promise, "threshold"), images_of(insp_lookup_text(promise, "from")));
    print_kept(out, promise, "missed", "anomalies missed");
    print_kept(out, promise, "rejected", "good parts rejected");
    print_cost(out, report);
    if (*insp_lookup_text(promise, "reason"))
        fprintf(out, "  To keep it: %s.\n", insp_lookup_text(promise, "reason"));
    json_array_foreach(insp_lookup(promise, "preventing"), i, image) {
        fprintf(out, "%s  %11.4f  %-12s  ", i ? "" : "Images that prevent it:\n",
                insp_lookup_number(image, "probability"), insp_lookup_text(image, "type"));
        print_foreign(out, insp_lookup_text(image, "path"));
        fputc('\n', out);
    }
}

/* Prints a figure, or "-" if there is none. */
static void print_figure(FILE *out, int width, const json_t *object, const char *path) {
    double value = insp_lookup_number(object, path);
    if (isnan(value))
        fprintf(out, "%*s", width, "-");
    else
        fprintf(out, "%*.4f", width, value);
}

/* Prints the ways to decide that were compared, and why one was taken. */
static void print_candidates(FILE *out, const json_t *report) {
    const json_t *candidates = insp_lookup(report, "candidates"), *candidate;
    size_t i;
    if (!json_is_object(candidates))
        return;
    fprintf(out, "\nWays to decide:\n  %-27s %8s %18s %20s\n", "", "area", "anomalies missed",
            "good parts rejected");
    json_array_foreach(insp_lookup(candidates, "list"), i, candidate) {
        fprintf(out, "  %-27s", insp_lookup_text(candidate, "name"));
        print_figure(out, 9, candidate, "auc");
        fprintf(out, " %9.0f of %5.0f %11.0f of %5.0f\n", insp_lookup_number(candidate, "promise.missed.hits"),
                insp_lookup_number(candidate, "promise.missed.of"),
                insp_lookup_number(candidate, "promise.rejected.hits"),
                insp_lookup_number(candidate, "promise.rejected.of"));
    }
    fprintf(out, "  Of these, %s.\n", insp_lookup_text(candidates, "reason"));
}

/* Prints the maps that were compared, and why one is shown. */
static void print_heat_maps(FILE *out, const json_t *report) {
    const json_t *maps = insp_lookup(report, "heat_maps"), *map;
    size_t i;
    if (!json_is_object(maps))
        return;
    fprintf(out, "\nHeat maps:\n  %-27s %11s %12s %21s\n", "", "pixel AUROC", "hottest cell",
            "good parts with heat");
    json_array_foreach(insp_lookup(maps, "list"), i, map) {
        fprintf(out, "  %-27s", insp_lookup_text(map, "name"));
        print_figure(out, 12, map, "pixel_auroc");
        print_figure(out, 13, map, "separation");
        fprintf(out, " %12.0f of %5.0f\n", insp_lookup_number(map, "good_shown.hits"),
                insp_lookup_number(map, "good_shown.of"));
    }
    fprintf(out, "  Of these, %s.\n", insp_lookup_text(maps, "reason"));
}

void cli_report_train(FILE *out, const json_t *report) {
    if (!strcmp(insp_lookup_text(report, "mode"), "add_good")) {
        print_added(out, report);
        return;
    }
    bool good_only = !strcmp(insp_lookup_text(report, "mode"), "good_only");
    print_scan(out, report);
    fprintf(out, good_only ? "\nGood images by models that had not seen them, and all defects:\n"
                           : "\nHeld-out images (never trained on):\n");
    print_metrics(out, json_object_get(report, "metrics"));
    print_images(out, report, "metrics");
    print_candidates(out, report);
    print_heat_maps(out, report);
    print_promise(out, report, true);
    print_good_only(out, report);
    print_feedback(out, report);
    print_version(out, report);
}

/* Prints a share in percent, or "-" if it is undefined in this fold. */
static void print_cell(FILE *out, int width, const json_t *metrics, const char *path) {
    double value = insp_lookup_number(metrics, path);
    if (isnan(value))
        fprintf(out, "%*s  ", width, "-");
    else
        fprintf(out, "%*.1f %%", width, 100 * value);
}

static void print_folds(FILE *out, const json_t *folds) {
    size_t i;
    const json_t *fold;
    fprintf(out, "\n  fold  balanced accuracy   accuracy  anomalies found  good passed  area under ROC\n");
    json_array_foreach(folds, i, fold) {
        const json_t *metrics = json_object_get(fold, "metrics");
        fprintf(out, "  %4.0f", insp_lookup_number(fold, "fold"));
        print_cell(out, 17, metrics, "balanced_accuracy");
        print_cell(out, 9, metrics, "accuracy.value");
        print_cell(out, 15, metrics, "recall.value");
        print_cell(out, 11, metrics, "specificity.value");
        print_figure(out, 16, metrics, "roc_auc");
        fputc('\n', out);
    }
}

static void print_advice(FILE *out, const json_t *advice) {
    const json_t *missed = json_object_get(advice, "missed"), *alarms = json_object_get(advice, "false_alarms");
    if (!advice)
        return;
    /* All digits: the threshold equals the probability of an anomaly, which a rounded-up threshold would miss. */
    fprintf(out,
            "\nAdvised threshold %.9g: %.0f of %.0f anomalies missed (95 %%: at most %.1f %%), "
            "%.0f false alarms among %.0f good parts (95 %%: %.1f to %.1f %%).\n",
            insp_lookup_number(advice, "threshold"), insp_lookup_number(missed, "hits"),
            insp_lookup_number(missed, "of"), 100 * insp_lookup_number(missed, "high"),
            insp_lookup_number(alarms, "hits"), insp_lookup_number(alarms, "of"),
            100 * insp_lookup_number(alarms, "low"), 100 * insp_lookup_number(alarms, "high"));
    if (!json_is_true(json_object_get(advice, "reachable")))
        fprintf(out, "It does not guarantee --max-missed: %s.\n", insp_lookup_text(advice, "reason"));
}

void cli_report_cross_validate(FILE *out, const json_t *report) {
    const json_t *mean = json_object_get(report, "mean"), *deviation = json_object_get(report, "std");
    print_scan(out, report);
    print_folds(out, json_object_get(report, "folds"));
    for (void *at = json_object_iter((json_t *)(uintptr_t)mean); at;
         at = json_object_iter_next((json_t *)(uintptr_t)mean, at)) {
        const char *name = json_object_iter_key(at);
        double value = insp_lookup_number(mean, name), spread = insp_lookup_number(deviation, name);
        if (isnan(value))
            continue;
        fprintf(out, "  mean %-20s %.4f", name, value);
        if (!isnan(spread)) /* undefined if the figure exists in one fold only */
            fprintf(out, " +- %.4f", spread);
        fputc('\n', out);
    }
    fprintf(out, "\nAll folds together, each image scored by a model that was not trained on it:\n");
    print_metrics(out, json_object_get(report, "pooled"));
    print_images(out, report, "pooled");
    print_candidates(out, report);
    print_served(out, report);
    print_good_only(out, report);
    print_promise(out, report, false);
    print_advice(out, json_object_get(report, "threshold_advice"));
}

void cli_report_evaluate(FILE *out, const json_t *report) {
    print_scan(out, report);
    fprintf(out, "\nProduct %s, version %s:\n", insp_lookup_text(report, "product"),
            insp_lookup_text(report, "version"));
    print_metrics(out, json_object_get(report, "metrics"));
    print_images(out, report, "metrics");
    print_served(out, report);
    print_feedback(out, report);
}
