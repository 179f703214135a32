#include "core/region/look.h"

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
