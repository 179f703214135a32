#include "core/report/curves.h"

#include "core/base/cleanup.h"
#include "core/report/chart.h"
#include "core/report/lookup.h"

#include <math.h>

enum { BINS_MAX = 100 };

/* Reads [[x, y, ...], ...] into one block that the caller frees: x at its start, y json_array_size(array) further.
 * Skips points that are not numbers. Returns NULL without memory. */
static double *read_points(const json_t *array, size_t *ret_count) {
    size_t room = json_array_size(array), count = 0;
    double *x = calloc(2 * room + 1, sizeof *x), *y = x + room;
    for (size_t i = 0; x && i < room; i++) {
        const json_t *point = json_array_get(array, i);
        const json_t *at_x = json_array_get(point, 0), *at_y = json_array_get(point, 1);
        if (!json_is_number(at_x) || !json_is_number(at_y))
            continue;
        x[count] = json_number_value(at_x);
        y[count++] = json_number_value(at_y);
    }
    *ret_count = count;
    return x;
}

int insp_report_roc_chart(FILE *out, const json_t *report, const json_t *metrics, struct insp_error *reterr) {
    static const double ends[2] = {0, 1};
    const json_t *roc = insp_lookup(report, "roc");
    size_t room = json_array_size(roc), count;
    _cleanup_free_ double *point = read_points(roc, &count);
    if (!point)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the ROC curve");
    if (count < 2)
        return 0;
    const struct insp_chart_line line[] = {{.count = count, .x = point, .y = point + room},
                                           {.count = 2, .x = ends, .y = ends, .faint = true}};
    char mark[48];
    snprintf(mark, sizeof mark, "threshold %.4g", insp_lookup_number(report, "threshold"));
    insp_chart_lines(out, &(struct insp_chart){.title = "ROC curve",
                                               .x_name = "false alarms among good parts",
                                               .y_name = "anomalies found",
                                               .x_high = 1,
                                               .y_high = 1,
                                               .x_percent = true,
                                               .y_percent = true,
                                               .line = line,
                                               .count = INSP_COUNT(line),
                                               .mark_x = 1 - insp_lookup_number(metrics, "specificity.value"),
                                               .mark_y = insp_lookup_number(metrics, "recall.value"),
                                               .mark_name = mark});
    return 0;
}

/* A figure by epoch, for one or several trainings. */
struct curves {
    size_t count, epochs; /* trainings; epochs of the longest one */
    double *x, *y;        /* [count][epochs] each, owned, one block */
    struct insp_chart_line *line;
    double low, high;
};

static void curves_clear(struct curves *curves) {
    free(curves->x);
    free(curves->line);
}

/* Returns the epochs of fold i or, if the report has no folds, of the training. */
static const json_t *epochs_of(const json_t *report, size_t i) {
    const json_t *folds = insp_lookup(report, "folds");
    return insp_lookup(folds ? json_array_get(folds, i) : report, "epochs");
}

static void read_line(struct curves *curves, const json_t *epochs, size_t i, bool folds, const char *name) {
    struct insp_chart_line *line = &curves->line[i];
    double *x = curves->x + i * curves->epochs, *y = curves->y + i * curves->epochs;
    for (size_t e = 0; e < json_array_size(epochs); e++) {
        double value = insp_lookup_number(json_array_get(epochs, e), name);
        if (!isfinite(value))
            continue;
        x[line->count] = (double)e + 1;
        y[line->count++] = value;
        curves->low = fmin(curves->low, value);
        curves->high = fmax(curves->high, value);
    }
    line->x = x;
    line->y = y;
    if (folds)
        snprintf(line->name, sizeof line->name, "fold %zu", i + 1);
}

static int read_curves(const json_t *report, const char *name, struct curves *ret, struct insp_error *reterr) {
    const json_t *folds = insp_lookup(report, "folds");
    *ret = (struct curves){.count = folds ? json_array_size(folds) : 1, .low = INFINITY, .high = -INFINITY};
    for (size_t i = 0; i < ret->count; i++) {
        size_t epochs = json_array_size(epochs_of(report, i));
        ret->epochs = epochs > ret->epochs ? epochs : ret->epochs;
    }
    ret->x = calloc(ret->count * ret->epochs * 2 + 1, sizeof *ret->x);
    ret->line = calloc(ret->count + 1, sizeof *ret->line);
    if (!ret->x || !ret->line)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the curves of %zu trainings", ret->count);
    ret->y = ret->x + ret->count * ret->epochs;
    for (size_t i = 0; i < ret->count; i++)
        read_line(ret, epochs_of(report, i), i, folds != NULL, name);
    return 0;
}

static int curve_chart(FILE *out, const json_t *report, const char *name, const char *title, bool accuracy,
                       struct insp_error *reterr) {
    _cleanup_(curves_clear) struct curves curves = {0};
    int r = read_curves(report, name, &curves, reterr);
    if (r < 0 || !isfinite(curves.high))
        return r;
    double low = 0, high = curves.high > 0 ? curves.high * 1.05 : 1;
    if (accuracy) { /* start below the worst value, so that the last epochs can be distinguished */
        low = fmin(0.9, floor(curves.low * 10) / 10);
        high = 1;
    }
    insp_chart_lines(out, &(struct insp_chart){.title = title,
                                               .x_name = "epoch",
                                               .y_name = name,
                                               .x_low = curves.epochs > 1 ? 1 : 0.5,
                                               .x_high = curves.epochs > 1 ? (double)curves.epochs : 1.5,
                                               .y_low = low,
                                               .y_high = high,
                                               .y_percent = accuracy,
                                               .line = curves.line,
                                               .count = curves.count,
                                               .mark_x = (double)NAN});
    return 0;
}

int insp_report_curves(FILE *out, const json_t *report, struct insp_error *reterr) {
    if (!json_array_size(epochs_of(report, 0)))
        return 0;
    fputs("<h2>Training</h2>\n<div class=\"columns\">\n", out);
    int r = curve_chart(out, report, "loss", "Loss by epoch", false, reterr);
    if (r == 0)
        r = curve_chart(out, report, "accuracy", "Accuracy on the training images by epoch", true, reterr);
    fputs("</div>\n", out);
    return r;
}

static size_t read_bins(const json_t *array, size_t *ret) {
    size_t count = json_array_size(array);
    for (size_t i = 0; i < count && i < BINS_MAX; i++) {
        json_int_t value = json_integer_value(json_array_get(array, i));
        ret[i] = value > 0 ? (size_t)value : 0;
    }
    return count;
}

void insp_report_histogram_chart(FILE *out, const json_t *report) {
    size_t good[BINS_MAX], anomaly[BINS_MAX];
    size_t bins = read_bins(insp_lookup(report, "histogram.good"), good);
    if (!bins || bins > BINS_MAX || read_bins(insp_lookup(report, "histogram.anomaly"), anomaly) != bins)
        return;
    insp_chart_histogram(out, "Images by probability", good, anomaly, bins,
                         insp_lookup_number(report, "threshold"));
}
