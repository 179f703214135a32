/* core/heat/heat_rows.h - upsample a map to a picture of any size, one row at a time, without
 * holding the picture. The boxes and the renderer share this code, so that both cover the same pixels. Pure
 * functions; any thread.
 *
 * The value of pixel (x, y) is torch's interpolate(bilinear, align_corners = false), vertical first, in double:
 *     s(p) = max(0, (p + 0.5) * n / side - 0.5), i = floor(s), f = s - i, j = min(i + 1, n - 1)
 *     row[c] = m[i][c] + f * (m[j][c] - m[i][c]);   value = row[i] + f * (row[j] - row[i])
 * with n cells along the side. Between two columns of the map a row is a straight line, and floating-point
 * arithmetic keeps it monotonic. The hot pixels there are therefore all, none, or one end of the interval, found
 * by bisection; no other pixel is computed. */
#ifndef INSP_HEAT_HEAT_ROWS_H
#define INSP_HEAT_HEAT_ROWS_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/region/tiles.h"

#include <stddef.h>
#include <stdint.h>

enum { INSP_HEAT_COLUMNS_MAX = INSP_TILES_MAP_SIDE_MAX };

struct insp_heat_rows {
    const float *heat; /* [rows,columns] of the map, borrowed */
    struct insp_map_size map;
    uint32_t width, height;
    uint32_t
        start[INSP_HEAT_COLUMNS_MAX + 1]; /* pixels start[c] .. start[c+1]-1 are in interval c, possibly none */
    double *fraction;                     /* [width], owned: f of each x */
};

/* Prepares rows of width x height pixels, both >= 1, of a map of a size that insp_tiles_map gives; borrows heat
 * until insp_heat_rows_clear. Fails with INSP_E_NOMEM. */
int insp_heat_rows_init(const float *heat, struct insp_map_size map, uint32_t width, uint32_t height,
                        struct insp_heat_rows *ret, struct insp_error *reterr);
void insp_heat_rows_clear(struct insp_heat_rows *rows); /* accepts a zeroed one */

/* Computes the values of row y at the columns of the map, and the last one once more. */
void insp_heat_rows_profile(const struct insp_heat_rows *rows, uint32_t y,
                            double ret_profile[INSP_HEAT_COLUMNS_MAX + 1]);

/* Returns the value of pixel x, which must be in interval `column`. */
static inline double insp_heat_rows_value(const struct insp_heat_rows *rows,
                                          const double profile[INSP_HEAT_COLUMNS_MAX + 1], unsigned column,
                                          uint32_t x) {
    return profile[column] + rows->fraction[x] * (profile[column + 1] - profile[column]);
}

struct insp_heat_run {
    uint32_t begin, end; /* hot pixels begin .. end-1 */
    double max;
};

/* Finds the maximal runs of pixels with value >= threshold, from the left; returns their number, at most one
 * for each column. */
size_t insp_heat_rows_runs(const struct insp_heat_rows *rows, const double profile[INSP_HEAT_COLUMNS_MAX + 1],
                           double threshold, struct insp_heat_run ret_run[INSP_HEAT_COLUMNS_MAX]);

/* Returns the larger of `max` and the row's largest value. */
double insp_heat_rows_max(const struct insp_heat_rows *rows, const double profile[INSP_HEAT_COLUMNS_MAX + 1],
                          double max);

#endif
