/* core/region/polygon.h - check polygons and fill the rows of a picture by them. Pure functions; any thread. */
#ifndef INSP_REGION_POLYGON_H
#define INSP_REGION_POLYGON_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INSP_POLYGON_POINTS_MIN = 3, INSP_POLYGON_POINTS_MAX = 64 };

/* Holds a closed polygon; the last point is joined to the first. Coordinates are relative to the upright picture:
 * 0,0 is its upper left corner, 1,1 its lower right one. */
struct insp_polygon {
    size_t count; /* INSP_POLYGON_POINTS_MIN..INSP_POLYGON_POINTS_MAX */
    float x[INSP_POLYGON_POINTS_MAX], y[INSP_POLYGON_POINTS_MAX];
};

/* Checks the number of points, that each coordinate is 0..1, and that no two sides cross or overlap. Sides may
 * touch. Fails with INSP_E_PARAMETER; the detail names the points by their number, from 1. */
int insp_polygon_check(const struct insp_polygon *polygon, struct insp_error *reterr);

/* Sets the pixels of row y of a width x height picture whose centres lie inside the polygon to `value`, and leaves
 * the others. row: [width]. */
void insp_polygon_row(const struct insp_polygon *polygon, uint32_t width, uint32_t height, uint32_t y,
                      uint8_t value, uint8_t *row);

#endif
