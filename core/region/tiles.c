#include "core/region/tiles.h"

#include <math.h>
#include <stdio.h>

enum { OVERLAP = INSP_TILE_CELLS - INSP_TILE_STEP };

bool insp_tiles_on(struct insp_tiles tiles) {
    return tiles.columns != 0;
}

size_t insp_tiles_count(struct insp_tiles tiles) {
    return insp_tiles_on(tiles) ? (size_t)tiles.columns * tiles.rows : 1;
}

bool insp_tiles_equal(struct insp_tiles a, struct insp_tiles b) {
    return a.columns == b.columns && a.rows == b.rows;
}

bool insp_tiles_make(unsigned long columns, unsigned long rows, struct insp_tiles *ret) {
    if (!columns || !rows || columns > INSP_TILES_SIDE_MAX || rows > INSP_TILES_SIDE_MAX ||
        columns * rows > INSP_TILES_MAX)
        return false;
    *ret = columns * rows == 1 ? (struct insp_tiles){0, 0} : (struct insp_tiles){(uint8_t)columns, (uint8_t)rows};
    return true;
}

/* Reads one or two digits. */
static const char *read_side(const char *text, unsigned long *ret) {
    size_t n = 0;
    for (*ret = 0; n < 2 && text[n] >= '0' && text[n] <= '9'; n++)
        *ret = *ret * 10 + (unsigned long)(text[n] - '0');
    return text + n;
}

bool insp_tiles_parse(const char *text, struct insp_tiles *ret) {
    unsigned long columns, rows;
    const char *at = read_side(text, &columns);
    if (*at != 'x')
        return false;
    at = read_side(at + 1, &rows);
    return !*at && insp_tiles_make(columns, rows, ret);
}

const char *insp_tiles_text(struct insp_tiles tiles, char *ret) {
    snprintf(ret, INSP_TILES_TEXT_BYTES, "%ux%u", insp_tiles_on(tiles) ? tiles.columns : 1U,
             insp_tiles_on(tiles) ? tiles.rows : 1U);
    return ret;
}

int insp_tiles_read(const json_t *json, struct insp_tiles *ret, struct insp_error *reterr) {
    const json_int_t columns = json_integer_value(json_object_get(json, "columns")),
                     rows = json_integer_value(json_object_get(json, "rows"));
    *ret = (struct insp_tiles){0, 0};
    if (!json || json_is_null(json) ||
        (columns > 0 && rows > 0 && insp_tiles_make((unsigned long)columns, (unsigned long)rows, ret)))
        return 0;
    return insp_fail(reterr, INSP_E_PARAMETER,
                     "expected {\"columns\", \"rows\"}, each 1 to %d, of at most %d tiles", INSP_TILES_SIDE_MAX,
                     INSP_TILES_MAX);
}

json_t *insp_tiles_json(struct insp_tiles tiles) {
    return insp_tiles_on(tiles) ? json_pack("{s:i, s:i}", "columns", tiles.columns, "rows", tiles.rows)
                                : json_null();
}

static unsigned cells_of(unsigned count) {
    return INSP_TILE_STEP * count + OVERLAP;
}

struct insp_map_size insp_tiles_map(struct insp_tiles tiles) {
    return insp_tiles_on(tiles)
               ? (struct insp_map_size){(uint16_t)cells_of(tiles.columns), (uint16_t)cells_of(tiles.rows)}
               : (struct insp_map_size){INSP_TILE_CELLS, INSP_TILE_CELLS};
}

size_t insp_map_cells(struct insp_map_size size) {
    return (size_t)size.columns * size.rows;
}

/* Finds the pixels of tile i of `count` along a side. */
static void extent(unsigned count, size_t i, uint32_t side, uint32_t *ret_at, uint32_t *ret_length) {
    const uint64_t cells = cells_of(count), first = INSP_TILE_STEP * i, end = first + INSP_TILE_CELLS;
    uint64_t low = (first * side + cells / 2) / cells, high = (end * side + cells / 2) / cells;
    if (high > side)
        high = side;
    if (high == low) { /* a picture of fewer pixels than tiles */
        low = low ? low - 1 : 0;
        high = low + 1;
    }
    *ret_at = (uint32_t)low;
    *ret_length = (uint32_t)(high - low);
}

struct insp_tile_rect insp_tiles_rect(struct insp_tiles tiles, size_t tile, uint32_t width, uint32_t height) {
    struct insp_tile_rect rect = {0, 0, width, height};
    if (!insp_tiles_on(tiles))
        return rect;
    extent(tiles.columns, tile % tiles.columns, width, &rect.x, &rect.width);
    extent(tiles.rows, tile / tiles.columns, height, &rect.y, &rect.height);
    return rect;
}

bool insp_tiles_fit(struct insp_tiles tiles, uint32_t width, uint32_t height) {
    for (size_t t = 0; insp_tiles_on(tiles) && t < insp_tiles_count(tiles); t++) {
        const struct insp_tile_rect rect = insp_tiles_rect(tiles, t, width, height);
        if (rect.width < INSP_TILE_PIXELS || rect.height < INSP_TILE_PIXELS)
            return false;
    }
    return true;
}

/* A tile may be a pixel smaller than its share. */
static unsigned most_along(uint32_t side) {
    unsigned count = 1;
    while (count < INSP_TILES_SIDE_MAX &&
           (uint64_t)side * INSP_TILE_CELLS >= (uint64_t)(INSP_TILE_PIXELS + 1) * cells_of(count + 1))
        count++;
    return count;
}

struct insp_tiles insp_tiles_most(uint32_t width, uint32_t height) {
    unsigned long columns = most_along(width), rows = most_along(height);
    struct insp_tiles most = {0, 0};
    while (columns * rows > INSP_TILES_MAX)
        *(columns > rows ? &columns : &rows) -= 1;
    if (width >= INSP_TILE_PIXELS && height >= INSP_TILE_PIXELS)
        insp_tiles_make(columns, rows, &most);
    return most;
}

/* Returns the weight of a tile at cell 0..13 along a side: it falls towards a neighbour, and the weights of both
 * add up to 1. */
static float weight_of(unsigned count, size_t i, size_t cell) {
    if (i > 0 && cell < OVERLAP)
        return ((float)cell + 0.5F) / OVERLAP;
    if (i + 1 < count && cell >= INSP_TILE_STEP)
        return ((float)(INSP_TILE_CELLS - cell) - 0.5F) / OVERLAP;
    return 1;
}

void insp_tiles_stitch(struct insp_tiles tiles, size_t tile, const float *map, float *whole) {
    const size_t column = tile % tiles.columns, row = tile / tiles.columns, width = insp_tiles_map(tiles).columns;
    float *corner = whole + row * INSP_TILE_STEP * width + column * INSP_TILE_STEP;
    for (size_t y = 0; y < INSP_TILE_CELLS; y++)
        for (size_t x = 0; x < INSP_TILE_CELLS; x++)
            corner[y * width + x] +=
                weight_of(tiles.columns, column, x) * weight_of(tiles.rows, row, y) * map[y * INSP_TILE_CELLS + x];
}

void insp_map_reduce(struct insp_map_size size, const float *map, float *ret) {
    enum { SIDE = INSP_TILE_CELLS };
    for (size_t cell = 0; cell < (size_t)SIDE * SIDE; cell++) {
        const size_t row = cell / SIDE, column = cell % SIDE;
        const size_t y_end = ((row + 1) * size.rows + SIDE - 1) / SIDE,
                     x_end = ((column + 1) * size.columns + SIDE - 1) / SIDE;
        float largest = -INFINITY;
        for (size_t y = row * size.rows / SIDE; y < y_end; y++)
            for (size_t x = column * size.columns / SIDE; x < x_end; x++)
                largest = fmaxf(largest, map[y * size.columns + x]);
        ret[cell] = largest;
    }
}
