/* core/report/chart.h - draws charts as static SVG inside HTML; report.css has the colours. Stream errors show in
 * ferror. One thread per stream. */
#ifndef INSP_REPORT_CHART_H
#define INSP_REPORT_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { INSP_CHART_COLOURS = 6, INSP_CHART_LEGEND_MAX = 8 };

struct insp_chart_line {
    char name[32]; /* shown in the legend if not "" */
    size_t count;
    const double *x, *y; /* [count], finite, borrowed */
    bool faint;          /* dashed and grey, for comparison */
};

struct insp_chart {
    const char *title, *x_name, *y_name; /* text, escaped when it is written; borrowed */
    double x_low, x_high, y_low, y_high; /* low < high */
    bool x_percent, y_percent;           /* values 0..1 are shown as % */
    const struct insp_chart_line *line;  /* [count], borrowed */
    size_t count;
    double mark_x, mark_y; /* position of a labelled dot; NaN: none */
    const char *mark_name;
};
/* Draws lines on common axes. A legend is shown for up to INSP_CHART_LEGEND_MAX named lines. */
void insp_chart_lines(FILE *out, const struct insp_chart *chart);

/* Draws two histograms back to back over 0..1, and a vertical line at `at` (NaN: none). Heights grow with the
 * square root of the counts, so that single images remain visible beside hundreds; the counts are written at the
 * bars.
 *   up, down  [bins] */
void insp_chart_histogram(FILE *out, const char *title, const size_t *up, const size_t *down, size_t bins,
                          double at);

/* Draws a rate with its interval low..high on a line from 0 to 1; nothing if one of the three is not finite. */
void insp_chart_interval(FILE *out, double low, double value, double high);

/* Returns a round distance of ticks (1, 2 or 5 times a power of ten) so that about `wanted` ticks lie within
 * `span` > 0. */
double insp_chart_tick(double span, unsigned wanted);

#endif
