#include "core/region/field.h"

#include "core/base/cleanup.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 3, MAP_SIDE = INSP_FIELD_MAP_SIDE, TAP_SIDE = INSP_FIELD_TAP_SIDE };

/* ImageNet's mean colour: the trunk answers it with little, whatever its weights. */
static const uint8_t neutral[CHANNELS] = {124, 116, 104};

void insp_field_row(const void *arg, uint32_t width, uint32_t height, uint32_t y, uint8_t *ret_row) {
    const struct insp_field *field = arg;
    memset(ret_row, !field || !field->look_count, width);
    for (size_t i = 0; field && i < field->look_count; i++)
        insp_polygon_row(&field->look[i], width, height, y, 1, ret_row);
    for (size_t i = 0; field && i < field->ignore_count; i++)
        insp_polygon_row(&field->ignore[i], width, height, y, 0, ret_row);
}

/* A cell counts if it has a kept pixel: a defect at the edge of the field must not get lost with its cell. */
static void derive_cells(const uint8_t *keep, size_t side, uint8_t *ret_cell) {
    size_t pixels = INSP_FIELD_SIDE / side;
    memset(ret_cell, 0, side * side);
    for (size_t y = 0; y < INSP_FIELD_SIDE; y++)
        for (size_t x = 0; x < INSP_FIELD_SIDE; x++)
            ret_cell[y / pixels * side + x / pixels] |= keep[y * INSP_FIELD_SIDE + x];
}

static int check(const struct insp_polygon *polygon, size_t count, const char *what, struct insp_error *reterr) {
    for (size_t i = 0; i < count; i++) {
        int r = insp_polygon_check(&polygon[i], reterr);
        if (r < 0) {
            insp_error_prefix(reterr, "%s[%zu]", what, i);
            return r;
        }
    }
    return 0;
}

int insp_field_finish(struct insp_field *field, struct insp_error *reterr) {
    size_t kept = 0;
    int r = check(field->look, field->look_count, "look", reterr);
    if (r == 0)
        r = check(field->ignore, field->ignore_count, "ignore", reterr);
    if (r < 0)
        return r;
    for (uint32_t y = 0; y < INSP_FIELD_SIDE; y++)
        insp_field_row(field, INSP_FIELD_SIDE, INSP_FIELD_SIDE, y, field->keep + (size_t)y * INSP_FIELD_SIDE);
    for (size_t i = 0; i < INSP_FIELD_PIXELS; i++)
        kept += field->keep[i];
    if (kept < INSP_FIELD_PIXELS_MIN)
        return insp_fail(
            reterr, INSP_E_PARAMETER,
            "the region covers nothing that could be judged: %.2f %% of the picture are left, at least "
            "0.5 %% are needed",
            100.0 * (double)kept / INSP_FIELD_PIXELS);
    derive_cells(field->keep, MAP_SIDE, field->map_keep);
    derive_cells(field->keep, TAP_SIDE, field->tap_keep);
    insp_sha256_hex(field, offsetof(struct insp_field, digest), field->digest);
    return 0;
}

int insp_field_fill(const struct insp_field *field, struct insp_image *image, struct insp_error *reterr) {
    size_t kept = 0;
    if (!field)
        return 0;
    _cleanup_free_ uint8_t *keep = malloc((size_t)image->width + 1);
    if (!keep)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a row of a picture");
    for (uint32_t y = 0; y < image->height; y++) {
        uint8_t *row = image->rgb + (size_t)y * image->width * CHANNELS;
        insp_field_row(field, image->width, image->height, y, keep);
        for (size_t x = 0; x < image->width; x++) {
            kept += keep[x];
            for (size_t c = 0; c < CHANNELS; c++)
                row[x * CHANNELS + c] = keep[x] ? row[x * CHANNELS + c] : neutral[c];
        }
    }
    return kept ? 0
                : insp_fail(reterr, INSP_E_IMAGE,
                            "the picture of %ux%u pixels has none inside the product's region",
                            image->posted_width, image->posted_height);
}

/* Sets the cells that do not count to the lesser of `floor` and the least one that does. */
static void hide(const uint8_t *keep, float floor, float *map) {
    float least = floor;
    for (size_t i = 0; i < MAP_SIDE * MAP_SIDE; i++)
        if (keep[i])
            least = fminf(least, map[i]);
    for (size_t i = 0; i < MAP_SIDE * MAP_SIDE; i++)
        if (!keep[i])
            map[i] = least;
}

void insp_field_map(const struct insp_field *field, float floor, float *map) {
    if (field)
        hide(field->map_keep, floor, map);
}

const uint8_t *insp_field_taps(const struct insp_field *field) {
    return field ? field->tap_keep : NULL;
}

/* --- tiles --- */

/* A cell of a tile has 8x8 of the pixels that the network sees. */
enum { TAP_PIXELS = INSP_FIELD_SIDE / TAP_SIDE };

int insp_field_tile(struct insp_field *field, struct insp_tiles tiles, struct insp_error *reterr) {
    uint8_t row[2 * INSP_TILES_MAP_SIDE_MAX * TAP_PIXELS];
    const struct insp_map_size map = insp_tiles_map(tiles);
    const size_t columns = 2 * (size_t)map.columns, rows = 2 * (size_t)map.rows;
    const uint32_t width = (uint32_t)columns * TAP_PIXELS, height = (uint32_t)rows * TAP_PIXELS;
    bool any = false;
    if (!insp_tiles_on(tiles) || insp_tiles_equal(tiles, field->tiles))
        return 0;
    memset(field->tile_keep, 0, sizeof field->tile_keep);
    for (uint32_t y = 0; y < height; y++) {
        uint8_t *cell = field->tile_keep + y / TAP_PIXELS * columns;
        insp_field_row(field, width, height, y, row);
        for (uint32_t x = 0; x < width; x++) {
            cell[x / TAP_PIXELS] |= row[x];
            any |= row[x];
        }
    }
    field->tiles = tiles;
    return any ? 0 : insp_fail(reterr, INSP_E_PARAMETER, "no tile has a pixel inside the region");
}

bool insp_field_cells_of(const struct insp_field *field, struct insp_tiles tiles, size_t tile,
                         struct insp_field_cells *ret) {
    uint8_t any = 0;
    if (!insp_tiles_on(tiles)) {
        memcpy(ret->map_keep, field->map_keep, sizeof ret->map_keep);
        memcpy(ret->tap_keep, field->tap_keep, sizeof ret->tap_keep);
        return true;
    }
    const size_t columns = 2 * (size_t)insp_tiles_map(tiles).columns, step = 2 * (size_t)INSP_TILE_STEP;
    const uint8_t *corner = field->tile_keep + tile / tiles.columns * step * columns + tile % tiles.columns * step;
    memset(ret->map_keep, 0, sizeof ret->map_keep);
    for (size_t y = 0; y < TAP_SIDE; y++)
        for (size_t x = 0; x < TAP_SIDE; x++) {
            const uint8_t keep = corner[y * columns + x];
            ret->tap_keep[y * TAP_SIDE + x] = keep;
            ret->map_keep[y / 2 * MAP_SIDE + x / 2] |= keep;
            any |= keep;
        }
    return any;
}

void insp_field_cells_map(const struct insp_field_cells *cells, float floor, float *map) {
    hide(cells->map_keep, floor, map);
}
