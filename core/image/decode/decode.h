/* core/image/decode.h - what the decoders of this folder share; nothing outside it includes this. Any thread. */
#ifndef INSP_IMAGE_DECODE_H
#define INSP_IMAGE_DECODE_H

#include "core/image/image.h"

/* An image of width x height with unset pixels; posted size the same. Limits were checked before. INSP_E_NOMEM. */
int insp_image_new(uint32_t width, uint32_t height, struct insp_image **ret, struct insp_error *reterr);

/* The one check of a header's word: INSP_E_IMAGE for a side of 0, INSP_E_IMAGE_LIMIT beyond width, height or
 * pixels; each names the size found and the size allowed. */
int insp_image_check_size(const char *kind, uint64_t width, uint64_t height,
                          const struct insp_image_limits *limits, struct insp_error *reterr);

/* Claims the budget's share for an image of width x height pixels that takes so many bytes of memory to decode:
 * after insp_image_check_size, before anything is allocated. Blocks while it waits for its turn.
 * INSP_E_QUEUE_FULL, INSP_E_CANCELLED. */
int insp_image_reserve(const struct insp_image_limits *limits, uint64_t width, uint64_t height, uint64_t bytes,
                       struct insp_error *reterr);

/* Asks limits->cancelled; INSP_E_CANCELLED where it answers true. */
int insp_image_check_cancelled(const struct insp_image_limits *limits, struct insp_error *reterr);

/* As insp_image_decode, for one type whose first bytes have been seen to fit. The pixels are as
 * stored: insp_image_decode turns them by source.orientation. */
int insp_jpeg_decode(const void *bytes, size_t count, uint32_t target_side, const struct insp_image_limits *limits,
                     struct insp_image **ret, struct insp_error *reterr);
int insp_png_decode(const void *bytes, size_t count, const struct insp_image_limits *limits,
                    struct insp_image **ret, struct insp_error *reterr);
int insp_raw_decode(const void *bytes, size_t count, const struct insp_media_type *type,
                    const struct insp_image_limits *limits, struct insp_image **ret, struct insp_error *reterr);

/* The EXIF orientation in a TIFF structure, `count` bytes, any of them: 1..8, and 1 where there is none. */
unsigned insp_exif_orientation(const void *tiff, size_t count);
/* Turns and mirrors the pixels from the EXIF orientation source.orientation to upright; swaps the sides, the
 * posted ones too, where that turns by a quarter. INSP_E_NOMEM, the image unchanged. */
int insp_image_make_upright(struct insp_image *image, struct insp_error *reterr);

#endif
