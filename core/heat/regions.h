/* core/heat/regions.h - find 8-connected regions of a picture that arrives as runs, row by row, by union-find,
 * without holding the picture. One thread per object; pure computation. */
#ifndef INSP_HEAT_REGIONS_H
#define INSP_HEAT_REGIONS_H

#include "core/base/error.h"
#include "core/heat/heat_rows.h"

#include <stddef.h>
#include <stdint.h>

struct insp_region {
    uint32_t parent;         /* an older piece of the same region, or itself */
    uint32_t x0, y0, x1, y1; /* first and last column and row */
    uint64_t pixels;
    double max; /* largest `max` of its runs */
};

struct insp_labelled_run {
    uint32_t begin, end, region;
};

struct insp_regions {
    struct insp_region *at; /* owned; the pieces that are their own parent are the regions */
    size_t count, room, limit;
    struct insp_labelled_run *run[2]; /* owned; the row above and the present one, alternating */
    size_t run_count[2], run_room;
};

/* Prepares an empty set. room, runs: initial room for pieces and for the runs of a row; it grows as needed.
 * limit: the largest number of pieces. Fails with INSP_E_NOMEM. */
int insp_regions_init(struct insp_regions *regions, size_t room, size_t runs, size_t limit,
                      struct insp_error *reterr);
void insp_regions_clear(struct insp_regions *regions); /* accepts a zeroed one */

/* Adds the runs of row y, from the left and separate from each other. Rows come from the top without gaps.
 * Fails with INSP_E_NOMEM; INSP_E_IMAGE_LIMIT beyond the limit of pieces. */
int insp_regions_row(struct insp_regions *regions, uint32_t y, const struct insp_heat_run *run, size_t count,
                     struct insp_error *reterr);

/* Moves the regions to the front of `at` and drops the other pieces; returns their number. Add no row
 * afterwards. */
size_t insp_regions_finish(struct insp_regions *regions);

#endif
