/* core/image/image.h - bytes from a camera -> RGB8 pixels, within limits that hold before any allocation.
 * All functions: any thread, no shared state, no blocking but the work itself. */
#ifndef INSP_IMAGE_IMAGE_H
#define INSP_IMAGE_IMAGE_H

#include "core/base/cleanup.h"
#include "core/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum insp_media { INSP_MEDIA_UNKNOWN, INSP_MEDIA_JPEG, INSP_MEDIA_PNG, INSP_MEDIA_RAW };
enum insp_raw_format { INSP_RAW_MONO8, INSP_RAW_RGB8, INSP_RAW_BGR8 };

/* What the sender says of the bytes; raw_* only for INSP_MEDIA_RAW. */
struct insp_media_type {
    enum insp_media media;
    enum insp_raw_format raw_format;
    uint32_t raw_width, raw_height;
};

struct insp_image_limits {
    size_t bytes;           /* of the encoded image */
    uint32_t width, height; /* of the posted image, in pixels */
    uint64_t pixels;        /* width * height */
};
struct insp_image_limits insp_image_limits_default(void); /* 64 MiB, 16384, 16384, 64 000 000 */

struct insp_image {
    uint32_t width, height;               /* of pixels */
    uint32_t posted_width, posted_height; /* of the image as posted; larger where JPEG was scaled while decoding */
    uint8_t *rgb;                         /* interleaved, width * height * 3 bytes, owned */
};

void insp_image_free(struct insp_image *image);

/* Reads a Content-Type value: image/jpeg, image/png, image/x-raw;format=mono8|rgb8|bgr8;width=W;height=H
 * (parameters in any order, quoted or not, case-insensitive type). INSP_E_MEDIA_TYPE names what is accepted. */
int insp_media_parse(const char *content_type, struct insp_media_type *ret, struct insp_error *reterr);
const char *insp_media_name(enum insp_media media);      /* "image/jpeg"... */
const char *insp_media_extension(enum insp_media media); /* "jpg", "png", "raw" */

/* By the first bytes; INSP_MEDIA_UNKNOWN for anything else. */
enum insp_media insp_image_sniff(const void *bytes, size_t count);

/* Decodes `count` bytes, borrowed. A declared type that the bytes contradict is INSP_E_IMAGE and says so;
 * INSP_MEDIA_UNKNOWN means: sniff.
 *   target_side  JPEG may be scaled by 1/2, 1/4, 1/8 while decoding as long as both sides stay at least
 *                2 * target_side; 0: never scale
 *   JPEG         baseline and progressive, 8 bits; grey, YCbCr, RGB, CMYK and YCCK (without colour profile). Every
 *                warning of libjpeg-turbo that concerns pixels is an error. At most 100 scans and 256 MiB of
 *                coefficients. The EXIF orientation is ignored: a camera over a line does not turn, and boxes are
 *                in pixels as posted
 *   PNG          1 to 16 bits, grey, colour, palette, interlaced; 16 bits by their upper 8 (as Pillow);
 * transparency over black; gamma and profile ignored; every checksum must be right raw          rows without
 * padding, top first, exactly width * height * (1 or 3) bytes Limits are checked before pixels are allocated. A
 * truncated image is an error, never a half-grey picture. Fails with INSP_E_IMAGE (what is wrong: truncated,
 * corrupt, zero-sized...), INSP_E_IMAGE_LIMIT, INSP_E_NOMEM. Sources: libjpeg.txt of libjpeg-turbo; PNG (Third
 * Edition), W3C. */
int insp_image_decode(const void *bytes, size_t count, const struct insp_media_type *type, uint32_t target_side,
                      const struct insp_image_limits *limits, struct insp_image **ret, struct insp_error *reterr);

/* Antialiased bilinear resize (triangle filter with support scaled by the ratio, rounded to 8 bits between the two
 * passes: what Pillow's resize(BILINEAR) does). INSP_E_NOMEM. */
int insp_image_resize(const struct insp_image *image, uint32_t width, uint32_t height, struct insp_image **ret,
                      struct insp_error *reterr);

/* PNG of 8-bit grey (channels 1), RGB (3) or RGBA (4) pixels, sides >= 1, at the fastest compression level.
 * *ret_png is the caller's (free). INSP_E_NOMEM. */
int insp_image_encode_png(const uint8_t *pixels, uint32_t width, uint32_t height, unsigned channels,
                          unsigned char **ret_png, size_t *ret_bytes, struct insp_error *reterr);

/* JPEG of RGB8 pixels, quality 1..100, chroma at half resolution (thumbnails). *ret_jpeg is the caller's (free).
 * INSP_E_NOMEM; INSP_E_IMAGE_LIMIT for a side above 65500. Sides of at least 1. */
int insp_image_encode_jpeg(const uint8_t *rgb, uint32_t width, uint32_t height, int quality,
                           unsigned char **ret_jpeg, size_t *ret_bytes, struct insp_error *reterr);

DEFINE_CLEANUP(struct insp_image, insp_image_free);
#endif
