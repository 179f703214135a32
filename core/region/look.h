/* core/region/look.h - make the network's picture from a decoded one: the one way of training, evaluation, command
 * line and daemon, so that their scores agree bit for bit. Any thread. */
#ifndef INSP_REGION_LOOK_H
#define INSP_REGION_LOOK_H

#include "core/image/stats.h"
#include "core/region/field.h"

/* Fills the pixels that the field ignores, resizes and measures, without the ignored pixels.
 *   image      decoded; its ignored pixels lose their content
 *   field      NULL: the whole picture
 *   ret_stats  NULL: not measured
 *   ret_rgb    RGB8 [height,width,3], the caller's (free)
 * Fails as insp_field_fill and insp_image_resize do. */
int insp_look(struct insp_image *image, const struct insp_field *field, uint32_t width, uint32_t height,
              struct insp_image_stats *ret_stats, uint8_t **ret_rgb, struct insp_error *reterr);

/* Returns the side to decode for (insp_image_decode): 0 with tiles, which are cut from the picture at full size.
 */
uint32_t insp_look_side(struct insp_tiles tiles);

/* Fills as above, measures the whole picture, and makes the network's picture of each tile; without tiles the one
 * of insp_look at 224x224. Tiles without a kept pixel stay black: no model may look at them.
 *   ret_rgb  RGB8 [tiles,224,224,3], the caller's (free); insp_look_bytes
 * Fails as insp_look does. */
int insp_look_tiles(struct insp_image *image, const struct insp_field *field, struct insp_tiles tiles,
                    struct insp_image_stats *ret_stats, uint8_t **ret_rgb, struct insp_error *reterr);
/* Returns the size of *ret_rgb in bytes. */
size_t insp_look_bytes(struct insp_tiles tiles);

#endif
