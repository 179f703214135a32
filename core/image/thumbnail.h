/* core/image/thumbnail.h - make a small JPEG of a posted image. Any thread; takes a few milliseconds for a
 * JPEG, up to a second for a PNG of 64 megapixels, plus the wait for the budget. */
#ifndef INSP_IMAGE_THUMBNAIL_H
#define INSP_IMAGE_THUMBNAIL_H

#include "core/image/image.h"

/* Returns the height of a picture `width` pixels wide with the aspect ratio image_width : image_height (all >=
 * 1); at least 1. */
uint32_t insp_thumbnail_height(uint32_t image_width, uint32_t image_height, uint32_t width);

/* Makes a thumbnail: decodes `count` bytes (a JPEG scaled while decoding), resizes to `width` >= 1 pixels, and
 * encodes as JPEG, quality 85. An image that is not wider keeps its size. image_width, image_height: of the
 * posted image, >= 1. *ret_jpeg is the caller's (free). Fails as insp_image_decode, insp_image_resize and
 * insp_image_encode_jpeg do. */
int insp_image_thumbnail(const void *bytes, size_t count, const struct insp_media_type *type, uint32_t image_width,
                         uint32_t image_height, uint32_t width, const struct insp_image_limits *limits,
                         unsigned char **ret_jpeg, size_t *ret_bytes, struct insp_error *reterr);

#endif
