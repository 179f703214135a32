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

#endif
