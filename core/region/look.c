#include "core/region/look.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = INSP_TILE_PIXELS, CHANNELS = 3, BYTES = SIDE * SIDE * CHANNELS };

int insp_look(struct insp_image *image, const struct insp_field *field, uint32_t width, uint32_t height,
              struct insp_image_stats *ret_stats, uint8_t **ret_rgb, struct insp_error *reterr) {
    _cleanup_(insp_image_freep) struct insp_image *small = NULL;
    /* Before the resize, which mixes neighbours: a kept pixel at the edge must not see an ignored one. */
    int r = insp_field_fill(field, image, reterr);
    if (r == 0)
        r = insp_image_resize(image, width, height, &small, reterr);
    if (r == 0 && ret_stats)
        r = insp_image_stats_within(image, small, field ? insp_field_row : NULL, field, ret_stats, reterr);
    if (r == 0)
        *ret_rgb = insp_take_ptr(small->rgb);
    return r;
}

uint32_t insp_look_side(struct insp_tiles tiles) {
    return insp_tiles_on(tiles) ? 0 : SIDE;
}

size_t insp_look_bytes(struct insp_tiles tiles) {
    return insp_tiles_count(tiles) * BYTES;
}

/* Cuts a tile out and resizes it. */
static int cut(const struct insp_image *image, const struct insp_tile_rect *rect, uint8_t *ret_rgb,
               struct insp_error *reterr) {
    _cleanup_(insp_image_freep) struct insp_image *part = NULL, *small = NULL;
    int r = insp_image_new(rect->width, rect->height, &part, reterr);
    for (uint32_t y = 0; r == 0 && y < rect->height; y++)
        memcpy(part->rgb + (size_t)y * rect->width * CHANNELS,
               image->rgb + ((size_t)(rect->y + y) * image->width + rect->x) * CHANNELS,
               (size_t)rect->width * CHANNELS);
    if (r == 0)
        r = insp_image_resize(part, SIDE, SIDE, &small, reterr);
    if (r == 0)
        memcpy(ret_rgb, small->rgb, BYTES);
    return r;
}

int insp_look_tiles(struct insp_image *image, const struct insp_field *field, struct insp_tiles tiles,
                    struct insp_image_stats *ret_stats, uint8_t **ret_rgb, struct insp_error *reterr) {
    _cleanup_free_ uint8_t *whole = NULL, *rgb = NULL;
    struct insp_field_cells cells;
    int r = insp_look(image, field, SIDE, SIDE, ret_stats, &whole, reterr);
    if (r < 0)
        return r;
    if (!insp_tiles_on(tiles)) {
        *ret_rgb = insp_take_ptr(whole);
        return 0;
    }
    rgb = calloc(insp_tiles_count(tiles), BYTES);
    if (!rgb)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu tiles", insp_tiles_count(tiles));
    for (size_t t = 0; t < insp_tiles_count(tiles) && r == 0; t++) {
        const struct insp_tile_rect rect = insp_tiles_rect(tiles, t, image->width, image->height);
        if (!field || insp_field_cells_of(field, tiles, t, &cells))
            r = cut(image, &rect, rgb + t * BYTES, reterr);
    }
    if (r == 0)
        *ret_rgb = insp_take_ptr(rgb);
    return r;
}
