#include "daemon/cli_report.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Number below a dotted path, NaN where there is none: number(report, "metrics.recall.value") */
static double number(const json_t *object, const char *path) {
    char key[64];
    while (object && *path) {
        size_t n = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        object = json_object_get(object, key);
        path += n + (path[n] == '.');
    }
    return json_is_number(object) ? json_number_value(object) : (double)NAN;
}

static void print_rate(FILE *out, const char *name, const json_t *rate) {
    double value = number(rate, "value");
    if (isnan(value)) {
        fprintf(out, "  %-20s -\n", name);
        return;
    }
    fprintf(out, "  %-20s %5.1f %%  (95 %%: %.1f to %.1f %%)", name, 100 * value, 100 * number(rate, "low"),
            100 * number(rate, "high"));
    if (!isnan(number(rate, "of")))
        fprintf(out, "  %.0f of %.0f", number(rate, "hits"), number(rate, "of"));
    fputc('\n', out);
}

static void print_share(FILE *out, const char *name, double value) {
    if (!isnan(value))
        fprintf(out, "  %-20s %5.1f %%\n", name, 100 * value);
}

/* Balanced accuracy is the mean of two independent rates; its interval is theirs by the propagation of errors: the
 * half-widths on each side add as squares. */
static void print_balanced(FILE *out, const json_t *metrics) {
    double value = number(metrics, "balanced_accuracy");
    double recall = number(metrics, "recall.value"), specificity = number(metrics, "specificity.value");
    double below =
        hypot(recall - number(metrics, "recall.low"), specificity - number(metrics, "specificity.low")) / 2;
    double above =
        hypot(number(metrics, "recall.high") - recall, number(metrics, "specificity.high") - specificity) / 2;
    if (isnan(value) || isnan(below) || isnan(above))
        print_share(out, "balanced accuracy", value);
    else
        fprintf(out, "  %-20s %5.1f %%  (95 %%: %.1f to %.1f %%)\n", "balanced accuracy", 100 * value,
                100 * fmax(0, value - below), 100 * fmin(1, value + above));
}

static void print_confusion(FILE *out, const json_t *metrics) {
    double found = number(metrics, "confusion.actual_anomaly.predicted_anomaly");
    double missed = number(metrics, "confusion.actual_anomaly.predicted_good");
    double alarms = number(metrics, "confusion.actual_good.predicted_anomaly");
    double passed = number(metrics, "confusion.actual_good.predicted_good");
    if (isnan(found) || isnan(missed) || isnan(alarms) || isnan(passed))
        return;
    fprintf(out, "                       said anomaly    said good\n");
    fprintf(out, "  really an anomaly    %5.0f found     %5.0f missed\n", found, missed);
    fprintf(out, "  really good          %5.0f false     %5.0f passed\n", alarms, passed);
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
    print_rate(out, "alarms that are right", json_object_get(metrics, "precision"));
    if (!isnan(number(metrics, "roc_auc")))
        fprintf(out, "  %-20s %.4f\n", "area under ROC", number(metrics, "roc_auc"));
    for (void *at = json_object_iter(json_object_get(metrics, "by_type")); at;
         at = json_object_iter_next(json_object_get(metrics, "by_type"), at)) {
        char name[80];
        type = json_object_iter_key(at);
        rate = json_object_iter_value(at);
        snprintf(name, sizeof name, "  right for %.60s", type);
        print_rate(out, name, rate);
    }
}

static const char *text(const json_t *object, const char *key) {
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

void cli_report_train(FILE *out, const json_t *report) {
    bool activated = json_is_true(json_object_get(report, "activated"));
    fprintf(out, "\nHeld-out images (never trained on):\n");
    print_metrics(out, json_object_get(report, "metrics"));
    fprintf(out, "\nProduct %s, version %s: %s", text(report, "product"), text(report, "version"),
            activated ? "active now" : "NOT activated");
    if (*text(report, "reason"))
        fprintf(out, " (%s)", text(report, "reason"));
    fputc('\n', out);
    if (!activated)
        fprintf(out, "To use it all the same: inspectd model activate --product %s %s\n", text(report, "product"),
                text(report, "version"));
}

static void print_folds(FILE *out, const json_t *folds) {
    size_t i;
    const json_t *fold;
    fprintf(out, "\n  fold  balanced accuracy   accuracy  anomalies found  good passed  area under ROC\n");
    json_array_foreach(folds, i, fold) {
        const json_t *metrics = json_object_get(fold, "metrics");
        fprintf(out, "  %4.0f  %15.1f %%  %7.1f %%  %13.1f %%  %9.1f %%  %14.4f\n", number(fold, "fold"),
                100 * number(metrics, "balanced_accuracy"), 100 * number(metrics, "accuracy.value"),
                100 * number(metrics, "recall.value"), 100 * number(metrics, "specificity.value"),
                number(metrics, "roc_auc"));
    }
}

static void print_advice(FILE *out, const json_t *advice) {
    const json_t *missed = json_object_get(advice, "missed"), *alarms = json_object_get(advice, "false_alarms");
    if (!advice)
        return;
    fprintf(
        out,
        "\nThreshold %.6g: %.0f of %.0f anomalies missed (95 %%: at most %.1f %%), %.0f of %.0f good parts called "
        "anomalies (95 %%: %.1f to %.1f %%).\n",
        number(advice, "threshold"), number(missed, "hits"), number(missed, "of"), 100 * number(missed, "high"),
        number(alarms, "hits"), number(alarms, "of"), 100 * number(alarms, "low"), 100 * number(alarms, "high"));
    if (!json_is_true(json_object_get(advice, "reachable")))
        fprintf(out, "It does not keep the promise of --max-missed: %s.\n", text(advice, "reason"));
}

void cli_report_cross_validate(FILE *out, const json_t *report) {
    const json_t *mean = json_object_get(report, "mean"), *deviation = json_object_get(report, "std");
    print_folds(out, json_object_get(report, "folds"));
    for (void *at = json_object_iter((json_t *)(uintptr_t)mean); at;
         at = json_object_iter_next((json_t *)(uintptr_t)mean, at)) {
        const char *name = json_object_iter_key(at);
        if (!isnan(number(mean, name)))
            fprintf(out, "  mean %-20s %.4f +- %.4f\n", name, number(mean, name), number(deviation, name));
    }
    fprintf(out, "\nAll folds together, each image scored by the model that had not seen it:\n");
    print_metrics(out, json_object_get(report, "pooled"));
    print_advice(out, json_object_get(report, "threshold_advice"));
}

void cli_report_evaluate(FILE *out, const json_t *report) {
    fprintf(out, "\nProduct %s, version %s:\n", text(report, "product"), text(report, "version"));
    print_metrics(out, json_object_get(report, "metrics"));
}
