/* core/image/thumbnail.h - a small JPEG of a posted image. Any thread; the work itself takes a few milliseconds
 * for a JPEG, up to a second for a PNG of 64 megapixels. */
#ifndef INSP_IMAGE_THUMBNAIL_H
#define INSP_IMAGE_THUMBNAIL_H

#include "core/image/image.h"

/* Height of a picture `width` wide with the aspect ratio of image_width x image_height (all >= 1); at least 1. */
uint32_t insp_thumbnail_height(uint32_t image_width, uint32_t image_height, uint32_t width);

/* Decodes `count` bytes (scaled while decoding where it is a JPEG), resizes to `width` >= 1 pixels or leaves an
 * image that is not wider as it is, and encodes as JPEG, quality 85. *ret_jpeg is the caller's (free). Fails as
 * insp_image_decode does. */
int insp_image_thumbnail(const void *bytes, size_t count, const struct insp_media_type *type, uint32_t image_width,
                         uint32_t image_height, uint32_t width, const struct insp_image_limits *limits,
                         unsigned char **ret_jpeg, size_t *ret_bytes, struct insp_error *reterr);

#endif
