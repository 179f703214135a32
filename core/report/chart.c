#include "core/report/chart.h"

#include "core/report/html.h"

#include <math.h>

/* Units of the drawing; the page scales it to the available width. */
enum { WIDTH = 420, HEIGHT = 270, LEFT = 56, RIGHT = 22, TOP = 12, BOTTOM = 40 };
static const double INNER_WIDTH = WIDTH - LEFT - RIGHT, INNER_HEIGHT = HEIGHT - TOP - BOTTOM;

double insp_chart_tick(double span, unsigned wanted) {
    double raw = span / wanted, power = pow(10, floor(log10(raw))), digit = raw / power;
    return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
}

static double place_x(const struct insp_chart *chart, double x) {
    return LEFT + (x - chart->x_low) / (chart->x_high - chart->x_low) * INNER_WIDTH;
}

static double place_y(const struct insp_chart *chart, double y) {
    return TOP + INNER_HEIGHT - (y - chart->y_low) / (chart->y_high - chart->y_low) * INNER_HEIGHT;
}

static void begin(FILE *out, const char *title) {
    fprintf(out, "<figure class=\"chart\"><figcaption>");
    insp_html_text(out, title);
    fprintf(out, "</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    insp_html_text(out, title);
    fputs("\">\n", out);
}

static void tick_text(FILE *out, double value, double tick, bool percent) {
    int digits = tick >= 1 ? 0 : (int)ceil(-log10(tick) - 1e-9);
    if (percent)
        fprintf(out, "%.0f %%", 100 * value);
    else
        fprintf(out, "%.*f", digits, value);
}

static void axes(FILE *out, const struct insp_chart *chart) {
    double x_tick = insp_chart_tick(chart->x_high - chart->x_low, 5);
    double y_tick = insp_chart_tick(chart->y_high - chart->y_low, 5);
    if (!chart->x_percent && x_tick < 1)
        x_tick = 1; /* epochs */
    for (long i = lrint(ceil(chart->y_low / y_tick)); (double)i * y_tick <= chart->y_high + 1e-9; i++) {
        double y = (double)i * y_tick, at = place_y(chart, y);
        fprintf(out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" class=\"end\">", LEFT, at,
                WIDTH - RIGHT, LEFT - 6, at + 4);
        tick_text(out, y, y_tick, chart->y_percent);
        fputs("</text>\n", out);
    }
    for (long i = lrint(ceil(chart->x_low / x_tick)); (double)i * x_tick <= chart->x_high + 1e-9; i++) {
        double x = (double)i * x_tick;
        fprintf(out, "<text x=\"%.1f\" y=\"%d\" class=\"middle\">", place_x(chart, x), HEIGHT - BOTTOM + 16);
        tick_text(out, x, x_tick, chart->x_percent);
        fputs("</text>\n", out);
    }
    fprintf(out, "<path class=\"axis\" d=\"M%d %dV%dH%d\"/>", LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT);
    fprintf(out, "<text x=\"%.1f\" y=\"%d\" class=\"middle name\">", LEFT + INNER_WIDTH / 2, HEIGHT - 6);
    insp_html_text(out, chart->x_name);
    fprintf(out, "</text><text transform=\"translate(12 %.1f) rotate(-90)\" class=\"middle name\">",
            TOP + INNER_HEIGHT / 2);
    insp_html_text(out, chart->y_name);
    fputs("</text>\n", out);
}

static void line(FILE *out, const struct insp_chart *chart, const struct insp_chart_line *line, size_t number) {
    if (!line->count)
        return;
    fputs("<path class=\"line ", out);
    if (line->faint)
        fputs("faint", out);
    else
        fprintf(out, "c%zu", number % INSP_CHART_COLOURS);
    fputs("\" d=\"", out);
    for (size_t i = 0; i < line->count; i++)
        fprintf(out, "%c%.1f %.1f", i ? 'L' : 'M', place_x(chart, line->x[i]), place_y(chart, line->y[i]));
    fputs("\"/>\n", out);
    if (line->count == 1) /* a path of one point would be invisible */
        fprintf(out, "<circle class=\"dot c%zu\" r=\"3\" cx=\"%.1f\" cy=\"%.1f\"/>\n", number % INSP_CHART_COLOURS,
                place_x(chart, line->x[0]), place_y(chart, line->y[0]));
}

static void legend(FILE *out, const struct insp_chart *chart) {
    size_t named = 0;
    for (size_t i = 0; i < chart->count; i++)
        named += chart->line[i].name[0] != '\0';
    if (!named || named > INSP_CHART_LEGEND_MAX)
        return;
    fputs("<p class=\"legend\">", out);
    for (size_t i = 0; i < chart->count; i++) {
        if (!chart->line[i].name[0])
            continue;
        fprintf(out, "<span class=\"c%zu\">", i % INSP_CHART_COLOURS);
        insp_html_text(out, chart->line[i].name);
        fputs("</span> ", out);
    }
    fputs("</p>", out);
}

void insp_chart_lines(FILE *out, const struct insp_chart *chart) {
    begin(out, chart->title);
    axes(out, chart);
    for (size_t i = 0; i < chart->count; i++)
        line(out, chart, &chart->line[i], i);
    if (isfinite(chart->mark_x) && isfinite(chart->mark_y)) {
        double x = place_x(chart, chart->mark_x), y = place_y(chart, chart->mark_y);
        fprintf(out, "<circle class=\"mark\" r=\"5\" cx=\"%.1f\" cy=\"%.1f\"/><text x=\"%.1f\" y=\"%.1f\">", x, y,
                x + 10, y + 16);
        insp_html_text(out, chart->mark_name);
        fputs("</text>", out);
    }
    fputs("</svg>", out);
    legend(out, chart);
    fputs("</figure>\n", out);
}

/* Draws a bar up (sign -1) or down (sign 1) from the middle, with its count at the end. */
static void bar(FILE *out, size_t count, double most, double x, double width, double middle, int sign) {
    if (!count)
        return;
    double room = INNER_HEIGHT / 2 - 16, height = fmax(2, room * sqrt((double)count / most));
    fprintf(out,
            "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>"
            "<text class=\"middle small\" x=\"%.1f\" y=\"%.1f\">%zu</text>\n",
            sign < 0 ? "good" : "anomaly", x, sign < 0 ? middle - height : middle, width, height, x + width / 2,
            sign < 0 ? middle - height - 4 : middle + height + 12, count);
}

void insp_chart_histogram(FILE *out, const char *title, const size_t *up, const size_t *down, size_t bins,
                          double at) {
    double most = 1, width = INNER_WIDTH / (double)bins, middle = TOP + INNER_HEIGHT / 2;
    for (size_t i = 0; i < bins; i++)
        most = fmax(most, (double)(up[i] > down[i] ? up[i] : down[i]));
    begin(out, title);
    for (size_t i = 0; i < bins; i++) {
        double x = LEFT + width * (double)i + 1;
        bar(out, up[i], most, x, width - 2, middle, -1);
        bar(out, down[i], most, x, width - 2, middle, 1);
    }
    fprintf(out, "<path class=\"axis\" d=\"M%d %.1fH%d\"/>\n", LEFT, middle, WIDTH - RIGHT);
    for (int i = 0; i <= 4; i++)
        fprintf(out, "<text x=\"%.1f\" y=\"%d\" class=\"middle\">%.2g</text>\n", LEFT + INNER_WIDTH * i / 4,
                HEIGHT - BOTTOM + 16, i / 4.0);
    fprintf(out,
            "<text x=\"%.1f\" y=\"%d\" class=\"middle name\">probability of an anomaly</text>"
            "<text x=\"%d\" y=\"%.1f\" class=\"end\">good</text><text x=\"%d\" y=\"%.1f\" "
            "class=\"end\">defect</text>\n",
            LEFT + INNER_WIDTH / 2, HEIGHT - 6, LEFT - 6, middle - 8, LEFT - 6, middle + 18);
    if (isfinite(at)) {
        double x = LEFT + INNER_WIDTH * at;
        fprintf(out,
                "<path class=\"limit\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" class=\"%s\">threshold "
                "%.4g</text>\n",
                x, TOP, HEIGHT - BOTTOM, at > 0.7 ? x - 5 : x + 5, TOP + 8, at > 0.7 ? "end" : "start", at);
    }
    fputs("</svg></figure>\n", out);
}

void insp_chart_interval(FILE *out, double low, double value, double high) {
    if (!isfinite(low) || !isfinite(value) || !isfinite(high))
        return;
    fprintf(
        out,
        "<svg class=\"interval\" viewBox=\"0 0 120 12\" aria-hidden=\"true\"><path class=\"grid\" d=\"M1 6H119\"/>"
        "<path class=\"range\" d=\"M%.1f 6H%.1f\"/><circle r=\"4\" cx=\"%.1f\" cy=\"6\"/></svg>",
        5 + 110 * low, 5 + 110 * high, 5 + 110 * value);
}
