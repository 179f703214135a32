/* core/region/field.h - say which part of a camera's picture is judged: regions to look at, less the regions to
 * ignore. Ignored pixels get one neutral colour before the network sees the picture, so nothing in them can change
 * an answer; cells of the maps that hold ignored pixels alone carry no heat and no score. The picture is masked,
 * not cropped: heat, boxes and masks of a dataset stay in the coordinates of the posted picture. Immutable after
 * insp_field_set_* has made it; any thread. */
#ifndef INSP_REGION_FIELD_H
#define INSP_REGION_FIELD_H

#include "core/base/sha256.h"
#include "core/image/image.h"
#include "core/region/polygon.h"
#include "core/region/tiles.h"

enum {
    INSP_FIELD_POLYGONS_MAX = 16, /* to look at, and as many to ignore */
    INSP_FIELD_SIDE = 224,        /* of the network's input */
    INSP_FIELD_MAP_SIDE = 14,     /* of a class activation map, and of heat */
    INSP_FIELD_TAP_SIDE = 28,     /* of the good-only model's distances */
    INSP_FIELD_PIXELS = INSP_FIELD_SIDE * INSP_FIELD_SIDE,
    INSP_FIELD_PIXELS_MIN = INSP_FIELD_PIXELS / 200, /* kept pixels of the network's input */
};

struct insp_field {
    size_t look_count, ignore_count; /* look_count 0: look at the whole picture */
    struct insp_polygon look[INSP_FIELD_POLYGONS_MAX], ignore[INSP_FIELD_POLYGONS_MAX];
    char digest[INSP_SHA256_HEX_BYTES]; /* of everything above; names it in caches of this machine */
    /* Derived by insp_field_finish, as the digest: 1 for a kept pixel, or a cell with at least one kept pixel;
     * else 0. */
    uint8_t keep[INSP_FIELD_PIXELS];
    uint8_t map_keep[INSP_FIELD_MAP_SIDE * INSP_FIELD_MAP_SIDE];
    uint8_t tap_keep[INSP_FIELD_TAP_SIDE * INSP_FIELD_TAP_SIDE];
    /* Derived by insp_field_tile for this grid, {0, 0} before: cells as those of tap_keep, but of all tiles, twice
     * as many in each direction as insp_tiles_map says. */
    struct insp_tiles tiles;
    uint8_t tile_keep[4 * INSP_TILES_MAP_MAX];
};

/* Holds the cells of a tile that count: 1, else 0. */
struct insp_field_cells {
    uint8_t map_keep[INSP_FIELD_MAP_SIDE * INSP_FIELD_MAP_SIDE];
    uint8_t tap_keep[INSP_FIELD_TAP_SIDE * INSP_FIELD_TAP_SIDE];
};

/* Checks the polygons of a field that was zeroed before, and derives the masks and the digest. Fails with
 * INSP_E_PARAMETER for a bad polygon, and if fewer than INSP_FIELD_PIXELS_MIN pixels of the network's input are
 * kept: such a field covers nothing. */
int insp_field_finish(struct insp_field *field, struct insp_error *reterr);

/* Writes 1 for each kept pixel of row y of a width x height picture, else 0. field: NULL keeps all; void, so that
 * insp_image_stats can call it. ret_row: [width]. */
void insp_field_row(const void *field, uint32_t width, uint32_t height, uint32_t y, uint8_t *ret_row);

/* Fills the ignored pixels of a picture of any size with the neutral colour. field: NULL does nothing. Fails with
 * INSP_E_IMAGE if the picture is too small to have a kept pixel, INSP_E_NOMEM. */
int insp_field_fill(const struct insp_field *field, struct insp_image *image, struct insp_error *reterr);

/* Sets the ignored cells of a map [14,14] to the lesser of `floor` and the least kept cell. field: NULL does
 * nothing. floor: the value that the model's scale calls heat 0, INFINITY if it has none. */
void insp_field_map(const struct insp_field *field, float floor, float *map);

/* Derives the cells of all tiles, in some milliseconds; does nothing for {0, 0} and for the grid of the call
 * before. Before the field is shared. Fails with INSP_E_PARAMETER if no tile holds a kept pixel. */
int insp_field_tile(struct insp_field *field, struct insp_tiles tiles, struct insp_error *reterr);
/* Copies the cells of a tile; without tiles, those of the field. tiles: {0, 0}, or as the field was tiled. Returns
 * whether any of them counts. */
bool insp_field_cells_of(const struct insp_field *field, struct insp_tiles tiles, size_t tile,
                         struct insp_field_cells *ret);
/* Does to a tile's map what insp_field_map does to that of a whole picture. */
void insp_field_cells_map(const struct insp_field_cells *cells, float floor, float *map);

/* Returns the kept cells of the good-only model's distances, [28,28]; NULL for all, if field is NULL. */
const uint8_t *insp_field_taps(const struct insp_field *field);

#endif
