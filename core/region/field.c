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

void insp_field_map(const struct insp_field *field, float floor, float *map) {
    float least = floor;
    if (!field)
        return;
    for (size_t i = 0; i < MAP_SIDE * MAP_SIDE; i++)
        if (field->map_keep[i])
            least = fminf(least, map[i]);
    for (size_t i = 0; i < MAP_SIDE * MAP_SIDE; i++)
        if (!field->map_keep[i])
            map[i] = least;
}

const uint8_t *insp_field_taps(const struct insp_field *field) {
    return field ? field->tap_keep : NULL;
}
