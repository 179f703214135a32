/* core/report/chart.h - charts as static SVG inside HTML; colours are the page's (report.css). Pure. */
#ifndef INSP_REPORT_CHART_H
#define INSP_REPORT_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { INSP_CHART_COLOURS = 6, INSP_CHART_LEGEND_MAX = 8 };

struct insp_chart_line {
    char name[32]; /* in the legend; "" for none. Plain text of ours */
    size_t count;
    const double *x, *y; /* [count], finite, borrowed */
    bool faint;          /* dashed and grey: for comparison */
};

struct insp_chart {
    const char *title, *x_name, *y_name; /* plain text of ours */
    double x_low, x_high, y_low, y_high; /* low < high */
    bool x_percent, y_percent;           /* values are 0..1 and shown as % */
    const struct insp_chart_line *line;
    size_t count;
    double mark_x, mark_y; /* a dot; NaN: none */
    const char *mark_name;
};
void insp_chart_lines(FILE *out, const struct insp_chart *chart);

/* Two histograms back to back over 0..1 with one bin width, and a line at `at` (NaN: none). Heights grow with the
 * square root of the counts, so that single images show beside hundreds; the counts stand beside the bars. */
void insp_chart_histogram(FILE *out, const char *title, const size_t *up, const size_t *down, size_t bins,
                          double at);

/* The rate value with its interval low..high on a line from 0 to 1. */
void insp_chart_interval(FILE *out, double low, double value, double high);

/* The distance of round ticks (1, 2 or 5 times a power of ten) so that about `wanted` lie within `span` > 0. */
double insp_chart_tick(double span, unsigned wanted);

#endif
