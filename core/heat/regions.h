/* core/heat/regions.h - 8-connected regions of a picture that comes as runs, row by row, by union-find: no
 * picture is held. One thread per object; pure computation. */
#ifndef INSP_HEAT_REGIONS_H
#define INSP_HEAT_REGIONS_H

#include "core/base/error.h"
#include "core/heat/heat_rows.h"

#include <stddef.h>
#include <stdint.h>

struct insp_region {
    uint32_t parent;         /* an older region that it turned out to be part of, or itself */
    uint32_t x0, y0, x1, y1; /* first and last column and row */
    uint64_t pixels;
    double max; /* largest `max` of its runs */
};

struct insp_labelled_run {
    uint32_t begin, end, region;
};

struct insp_regions {
    struct insp_region *at; /* owned; those that are their own parent are the regions */
    size_t count, room, limit;
    struct insp_labelled_run *run[2]; /* owned; the row above and this one, in turns */
    size_t run_count[2], run_room;
};

/* regions, runs: room to start with (more is taken as needed). limit: more pieces than this are
 * INSP_E_IMAGE_LIMIT. INSP_E_NOMEM. */
int insp_regions_init(struct insp_regions *regions, size_t room, size_t runs, size_t limit,
                      struct insp_error *reterr);
void insp_regions_clear(struct insp_regions *regions); /* zeroed is fine */

/* The runs of row y from the left, apart from each other. Rows come from the top without gaps.
 * INSP_E_NOMEM, INSP_E_IMAGE_LIMIT. */
int insp_regions_row(struct insp_regions *regions, uint32_t y, const struct insp_heat_run *run, size_t count,
                     struct insp_error *reterr);

/* Moves the regions to the front of `at`, the other pieces are dropped; returns how many. No row may follow. */
size_t insp_regions_finish(struct insp_regions *regions);

#endif
