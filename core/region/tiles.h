/* core/region/tiles.h - divide a picture into a grid of overlapping tiles, each of which the network sees at its
 * own size, and stitch their maps into one.
 *
 * Neighbouring tiles share 2 of the 14 cells of a map, a seventh of a tile. A map of all tiles therefore has
 * 12 * columns + 2 columns and 12 * rows + 2 rows, and each tile's cells lie on its cells: stitching resamples
 * nothing. In the overlap the weight of a tile falls linearly towards its edge, so that no seam shows.
 *
 * Pure functions; any thread. */
#ifndef INSP_REGION_TILES_H
#define INSP_REGION_TILES_H

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    INSP_TILES_SIDE_MAX = 16, /* columns, and rows */
    INSP_TILES_MAX = 64,      /* tiles of a grid */
    INSP_TILE_PIXELS = 224,   /* side of the network's input: no tile of a training picture is smaller */
    INSP_TILE_CELLS = 14,     /* side of a tile's map */
    INSP_TILE_STEP = 12,      /* cells from a tile to the next one */
    INSP_TILES_MAP_SIDE_MAX = INSP_TILE_STEP * INSP_TILES_SIDE_MAX + INSP_TILE_CELLS - INSP_TILE_STEP,
    INSP_TILES_MAP_MAX = 9700, /* cells of the map of a grid, the most of all grids */
    INSP_TILES_TEXT_BYTES = 8, /* "16x4" */
};

/* Holds a grid: {0, 0} for none, where the network sees the whole picture, else 2 to INSP_TILES_MAX tiles. */
struct insp_tiles {
    uint8_t columns, rows;
};

/* Holds the size of a map in cells. */
struct insp_map_size {
    uint16_t columns, rows;
};

/* Holds pixels of a picture. */
struct insp_tile_rect {
    uint32_t x, y, width, height;
};

bool insp_tiles_on(struct insp_tiles tiles);      /* false for {0, 0} */
size_t insp_tiles_count(struct insp_tiles tiles); /* 1 for {0, 0} */
bool insp_tiles_equal(struct insp_tiles a, struct insp_tiles b);

/* Makes a grid of columns x rows; 1 x 1 is {0, 0}. Returns false if it is none: a side of 0 or above
 * INSP_TILES_SIDE_MAX, or too many tiles. */
bool insp_tiles_make(unsigned long columns, unsigned long rows, struct insp_tiles *ret);
/* Parses "4x3", or "1x1" for none; returns false for any other text. */
bool insp_tiles_parse(const char *text, struct insp_tiles *ret);
/* Writes such a text and returns it; ret: [INSP_TILES_TEXT_BYTES]. */
const char *insp_tiles_text(struct insp_tiles tiles, char *ret);

/* Reads {"columns", "rows"} of a manifest; null and NULL are {0, 0}. Fails with INSP_E_PARAMETER. */
int insp_tiles_read(const json_t *json, struct insp_tiles *ret, struct insp_error *reterr);
/* Makes such an object, null for {0, 0}: a new reference; NULL without memory. */
json_t *insp_tiles_json(struct insp_tiles tiles);

/* Returns the size of the map of all tiles; 14 x 14 for none. */
struct insp_map_size insp_tiles_map(struct insp_tiles tiles);
size_t insp_map_cells(struct insp_map_size size);

/* Returns the pixels of a tile, 0..count-1, row by row, in a picture of any size of at least 1. Each side of a
 * tile is at least 1. */
struct insp_tile_rect insp_tiles_rect(struct insp_tiles tiles, size_t tile, uint32_t width, uint32_t height);
/* Says whether no tile of such a picture has a side below INSP_TILE_PIXELS. True for none. */
bool insp_tiles_fit(struct insp_tiles tiles, uint32_t width, uint32_t height);

/* Returns the grid of the most columns, and of the most rows, that fits; {0, 0} for none. */
struct insp_tiles insp_tiles_most(uint32_t width, uint32_t height);

/* Adds a tile's map [14,14], weighted, to the map of all tiles, which starts with zeros: once each tile has been
 * added, it is whole. */
void insp_tiles_stitch(struct insp_tiles tiles, size_t tile, const float *map, float *whole);

/* Reduces a map of any size to [14,14], of which each cell is the largest that it covers, if only in part. */
void insp_map_reduce(struct insp_map_size size, const float *map, float *ret);

#endif
