#include "core/region/polygon.h"

#include <math.h>
#include <string.h>

struct side {
    double ax, ay, bx, by;
};

static struct side side_of(const struct insp_polygon *p, size_t i) {
    size_t next = (i + 1) % p->count;
    return (struct side){(double)p->x[i], (double)p->y[i], (double)p->x[next], (double)p->y[next]};
}

/* Returns a number above 0 if the point lies to the left of the side, below 0 to the right, 0 on its line. The
 * products of two floats are exact in double. */
static double turn(const struct side *s, double x, double y) {
    return (s->bx - s->ax) * (y - s->ay) - (s->by - s->ay) * (x - s->ax);
}

/* Says whether two sides on one line have more than a point in common. */
static bool overlap(const struct side *s, const struct side *t) {
    bool flat = fabs(s->bx - s->ax) >= fabs(s->by - s->ay);
    double a = flat ? s->ax : s->ay, b = flat ? s->bx : s->by, c = flat ? t->ax : t->ay, d = flat ? t->bx : t->by;
    return fmax(fmin(a, b), fmin(c, d)) < fmin(fmax(a, b), fmax(c, d));
}

static bool cross(const struct side *s, const struct side *t) {
    double a = turn(s, t->ax, t->ay), b = turn(s, t->bx, t->by), c = turn(t, s->ax, s->ay),
           d = turn(t, s->bx, s->by);
    if (a == 0 && b == 0)
        return overlap(s, t);
    return ((a < 0 && b > 0) || (a > 0 && b < 0)) && ((c < 0 && d > 0) || (c > 0 && d < 0));
}

static int check_crossing(const struct insp_polygon *p, struct insp_error *reterr) {
    for (size_t i = 0; i < p->count; i++)
        for (size_t j = i + 1; j < p->count; j++) {
            struct side s = side_of(p, i), t = side_of(p, j);
            if (cross(&s, &t))
                return insp_fail(reterr, INSP_E_PARAMETER,
                                 "it crosses itself: the side from point %zu crosses the side from point %zu",
                                 i + 1, j + 1);
        }
    return 0;
}

int insp_polygon_check(const struct insp_polygon *p, struct insp_error *reterr) {
    if (p->count < INSP_POLYGON_POINTS_MIN || p->count > INSP_POLYGON_POINTS_MAX)
        return insp_fail(reterr, INSP_E_PARAMETER, "it has %zu points, expected %d to %d", p->count,
                         INSP_POLYGON_POINTS_MIN, INSP_POLYGON_POINTS_MAX);
    for (size_t i = 0; i < p->count; i++) {
        bool inside = p->x[i] >= 0 && p->x[i] <= 1 && p->y[i] >= 0 && p->y[i] <= 1; /* a NaN is not */
        size_t next = (i + 1) % p->count;
        if (!inside)
            return insp_fail(reterr, INSP_E_PARAMETER, "point %zu is [%g, %g], expected two numbers of 0 to 1",
                             i + 1, (double)p->x[i], (double)p->y[i]);
        if (p->x[i] == p->x[next] && p->y[i] == p->y[next])
            return insp_fail(reterr, INSP_E_PARAMETER, "points %zu and %zu are the same", i + 1, next + 1);
    }
    return check_crossing(p, reterr);
}

/* Returns the first pixel of a row whose centre is at `x` of the picture's width or to the right of it. */
static uint32_t first_pixel(double x, uint32_t width) {
    double at = ceil(x * width - 0.5);
    return at <= 0 ? 0 : at >= width ? width : (uint32_t)at;
}

static void sort(double *value, size_t count) {
    for (size_t i = 1; i < count; i++) {
        double moved = value[i];
        size_t at = i;
        for (; at && value[at - 1] > moved; at--)
            value[at] = value[at - 1];
        value[at] = moved;
    }
}

void insp_polygon_row(const struct insp_polygon *p, uint32_t width, uint32_t height, uint32_t y, uint8_t value,
                      uint8_t *row) {
    double at = (y + 0.5) / height, met[INSP_POLYGON_POINTS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct side s = side_of(p, i);
        if ((s.ay <= at) != (s.by <= at)) /* half open: a point on the row counts for one of its two sides */
            met[n++] = s.ax + (at - s.ay) / (s.by - s.ay) * (s.bx - s.ax);
    }
    sort(met, n);
    for (size_t i = 0; i + 1 < n; i += 2) {
        uint32_t from = first_pixel(met[i], width), to = first_pixel(met[i + 1], width);
        if (from < to)
            memset(row + from, value, to - from);
    }
}
