/* core/image/decode/decode.h - share helpers among the decoders. Only core/image includes this header. Any thread.
 */
#ifndef INSP_IMAGE_DECODE_DECODE_H
#define INSP_IMAGE_DECODE_DECODE_H

#include "core/image/image.h"

/* Checks the size that a header states; all decoders use it. The detail names the size found and the size
 * allowed. Fails with
 *   INSP_E_IMAGE        a side of 0
 *   INSP_E_IMAGE_LIMIT  more than limits->width, height or pixels */
int insp_image_check_size(const char *kind, uint64_t width, uint64_t height,
                          const struct insp_image_limits *limits, struct insp_error *reterr);

/* Claims the share of an image of width x height pixels that needs `bytes` of memory to decode. Call it after
 * insp_image_check_size and before any allocation. Blocks until the share is granted. Does nothing without
 * limits->claim. Fails with INSP_E_QUEUE_FULL, INSP_E_CANCELLED. */
int insp_image_reserve(const struct insp_image_limits *limits, uint64_t width, uint64_t height, uint64_t bytes,
                       struct insp_error *reterr);

/* Calls limits->cancelled; fails with INSP_E_CANCELLED if it returns true. */
int insp_image_check_cancelled(const struct insp_image_limits *limits, struct insp_error *reterr);

/* Decode one format, as insp_image_decode does, after its first bytes have matched. The pixels are as stored;
 * insp_image_decode turns them by source.orientation. */
int insp_jpeg_decode(const void *bytes, size_t count, uint32_t target_side, const struct insp_image_limits *limits,
                     struct insp_image **ret, struct insp_error *reterr);
int insp_png_decode(const void *bytes, size_t count, const struct insp_image_limits *limits,
                    struct insp_image **ret, struct insp_error *reterr);
int insp_raw_decode(const void *bytes, size_t count, const struct insp_media_type *type,
                    const struct insp_image_limits *limits, struct insp_image **ret, struct insp_error *reterr);

/* Reads the EXIF orientation, 1..8, from a TIFF structure of `count` untrusted bytes; returns 1 if there is
 * none. */
unsigned insp_exif_orientation(const void *tiff, size_t count);
/* Turns and mirrors the pixels upright by source.orientation. A quarter turn swaps the sides and the posted
 * sides. Fails with INSP_E_NOMEM and leaves the image unchanged. */
int insp_image_make_upright(struct insp_image *image, struct insp_error *reterr);

#endif
