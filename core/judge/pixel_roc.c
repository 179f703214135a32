#include "core/judge/pixel_roc.h"

#include "core/compute/vgg16.h"
#include "core/heat/heat_rows.h"
#include "core/judge/mask.h"

#include <math.h>

int insp_pixel_roc_init(struct insp_pixel_roc *roc, double low, double high, struct insp_error *reterr) {
    uint64_t *block = calloc(2 * INSP_PIXEL_BINS, sizeof *block);
    if (!block)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the scores of pixels");
    double step = (high - low) / INSP_PIXEL_BINS;
    *roc = (struct insp_pixel_roc){low, step > 0 ? step : 1, block, block + INSP_PIXEL_BINS};
    return 0;
}

void insp_pixel_roc_clear(struct insp_pixel_roc *roc) {
    free(roc->outside);
    *roc = (struct insp_pixel_roc){0};
}

static void add_row(struct insp_pixel_roc *roc, const struct insp_heat_rows *rows, const double *profile,
                    const struct insp_image *mask, uint32_t y) {
    for (unsigned c = 0; c < rows->map.columns; c++)
        for (uint32_t x = rows->start[c]; x < rows->start[c + 1]; x++) {
            double place = (insp_heat_rows_value(rows, profile, c, x) - roc->low) / roc->step;
            /* The highest score belongs to the last bin; rounding may put the lowest score just below the first.
             * */
            size_t bin = place > 0 ? (size_t)fmin(place, INSP_PIXEL_BINS - 1) : 0;
            (insp_mask_defect(mask, x, y) ? roc->inside : roc->outside)[bin]++;
        }
}

int insp_pixel_roc_add(struct insp_pixel_roc *roc, const float *map, const struct insp_image *mask,
                       struct insp_error *reterr) {
    struct insp_heat_rows rows;
    int r = insp_heat_rows_init(map, (struct insp_map_size){INSP_MAP_SIDE, INSP_MAP_SIDE}, mask->width,
                                mask->height, &rows, reterr);
    if (r < 0)
        return r;
    for (uint32_t y = 0; y < mask->height; y++) {
        double profile[INSP_HEAT_COLUMNS_MAX + 1];
        insp_heat_rows_profile(&rows, y, profile);
        add_row(roc, &rows, profile, mask, y);
    }
    insp_heat_rows_clear(&rows);
    return 0;
}

/* Mann-Whitney form: the share of (inside, outside) pairs in which the pixel inside scores higher, ties counting
 * half. The sums are long double because products of counts may exceed 2^64. */
void insp_pixel_roc_area(const struct insp_pixel_roc *roc, double *ret_area, double *ret_error_max) {
    long double below = 0, inside = 0, won = 0, tied = 0;
    for (size_t i = 0; i < INSP_PIXEL_BINS; i++) {
        long double in = (long double)roc->inside[i], out = (long double)roc->outside[i];
        won += in * below;
        tied += in * out;
        below += out;
        inside += in;
    }
    long double pairs = inside * below;
    *ret_area = pairs > 0 ? (double)((won + tied / 2) / pairs) : (double)NAN;
    *ret_error_max = pairs > 0 ? (double)(tied / 2 / pairs) : (double)NAN;
}
