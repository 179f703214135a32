/* core/heat/heat_rows.c - bilinear upsampling, one row at a time. */
#include "core/heat/heat_rows.h"

/* Returns the interval of pixel p of `side` among the map's columns (or rows), and its fraction of the way
 * through it. */
static unsigned locate(uint32_t p, uint32_t side, unsigned cells, double *ret_fraction) {
    double at = (p + 0.5) * ((double)cells / side) - 0.5;
    if (at < 0)
        at = 0;
    unsigned interval = (unsigned)at;
    if (interval > cells - 1)
        interval = cells - 1;
    *ret_fraction = at - interval;
    return interval;
}

int insp_heat_rows_init(const float *heat, struct insp_map_size map, uint32_t width, uint32_t height,
                        struct insp_heat_rows *ret, struct insp_error *reterr) {
    double *fraction = malloc((size_t)width * sizeof *fraction);
    if (!fraction)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a heatmap %u pixels wide", width);
    *ret =
        (struct insp_heat_rows){.heat = heat, .map = map, .width = width, .height = height, .fraction = fraction};
    unsigned interval = 0;
    for (uint32_t x = 0; x < width; x++) {
        unsigned found = locate(x, width, map.columns, &fraction[x]);
        while (interval < found)
            ret->start[++interval] = x;
    }
    while (interval < map.columns)
        ret->start[++interval] = width;
    return 0;
}

void insp_heat_rows_clear(struct insp_heat_rows *rows) {
    free(rows->fraction);
    rows->fraction = NULL;
}

void insp_heat_rows_profile(const struct insp_heat_rows *rows, uint32_t y,
                            double ret_profile[INSP_HEAT_COLUMNS_MAX + 1]) {
    double fraction;
    unsigned upper = locate(y, rows->height, rows->map.rows, &fraction);
    unsigned lower = upper + 1 < rows->map.rows ? upper + 1 : upper;
    const unsigned columns = rows->map.columns;
    const float *a = rows->heat + (size_t)upper * columns, *b = rows->heat + (size_t)lower * columns;
    for (unsigned c = 0; c < columns; c++)
        ret_profile[c] = (double)a[c] + fraction * ((double)b[c] - (double)a[c]);
    ret_profile[columns] = ret_profile[columns - 1];
}

/* Returns the first pixel of begin..end-1 from which on the row is hot (rising) or cold (falling); end if
 * there is none. */
static uint32_t bisect(const struct insp_heat_rows *rows, const double *profile, unsigned column, double threshold,
                       bool rising) {
    uint32_t low = rows->start[column], high = rows->start[column + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool hot = insp_heat_rows_value(rows, profile, column, middle) >= threshold;
        if (hot == rising)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

size_t insp_heat_rows_runs(const struct insp_heat_rows *rows, const double profile[INSP_HEAT_COLUMNS_MAX + 1],
                           double threshold, struct insp_heat_run ret_run[INSP_HEAT_COLUMNS_MAX]) {
    size_t count = 0;
    for (unsigned c = 0; c < rows->map.columns; c++) {
        bool left = profile[c] >= threshold, right = profile[c + 1] >= threshold;
        uint32_t begin = rows->start[c], end = rows->start[c + 1];
        if (!left && !right)
            continue;
        if (!left)
            begin = bisect(rows, profile, c, threshold, true);
        else if (!right)
            end = bisect(rows, profile, c, threshold, false);
        if (begin >= end)
            continue;
        double first = insp_heat_rows_value(rows, profile, c, begin);
        double last = insp_heat_rows_value(rows, profile, c, end - 1);
        double max = first > last ? first : last;
        if (count && ret_run[count - 1].end == begin) {
            struct insp_heat_run *run = &ret_run[count - 1];
            run->end = end;
            run->max = max > run->max ? max : run->max;
        } else {
            ret_run[count++] = (struct insp_heat_run){begin, end, max};
        }
    }
    return count;
}

double insp_heat_rows_max(const struct insp_heat_rows *rows, const double profile[INSP_HEAT_COLUMNS_MAX + 1],
                          double max) {
    for (unsigned c = 0; c < rows->map.columns; c++) {
        uint32_t begin = rows->start[c], end = rows->start[c + 1];
        if (begin == end || (profile[c] <= max && profile[c + 1] <= max))
            continue;
        double first = insp_heat_rows_value(rows, profile, c, begin);
        double last = insp_heat_rows_value(rows, profile, c, end - 1);
        max = first > max ? first : max;
        max = last > max ? last : max;
    }
    return max;
}
