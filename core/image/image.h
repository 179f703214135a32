/* core/image/image.h - decode the bytes of a camera to RGB8 pixels, within limits that are checked before any
 * allocation. Any thread, no shared state but the budget; insp_image_decode may wait for it (limits.wait_us). */
#ifndef INSP_IMAGE_IMAGE_H
#define INSP_IMAGE_IMAGE_H

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/image/budget.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum insp_media { INSP_MEDIA_UNKNOWN, INSP_MEDIA_JPEG, INSP_MEDIA_PNG, INSP_MEDIA_RAW };
enum insp_raw_format { INSP_RAW_MONO8, INSP_RAW_RGB8, INSP_RAW_BGR8 };

/* Describes the bytes as their sender declares them; raw_* only for INSP_MEDIA_RAW. */
struct insp_media_type {
    enum insp_media media;
    enum insp_raw_format raw_format;
    uint32_t raw_width, raw_height;
};

/* Limits an encoded image, and sets the options of the decoders. */
struct insp_image_limits {
    size_t bytes;              /* of the encoded image */
    uint32_t width, height;    /* of the posted image, in pixels */
    uint64_t pixels;           /* width * height */
    uint32_t jpeg_stray_bytes; /* stray bytes accepted before each marker in a JPEG's scans; more is damage */
    unsigned png16_bits;       /* bits in use in a 16-bit PNG, 8..16; 0: from sBIT or the values */
    struct insp_image_budget *budget; /* shared by all decodes in flight; borrowed; NULL: no budget */
    bool background;                  /* claims from the background's half of the budget */
    int64_t wait_us;                  /* longest wait for the budget, then INSP_E_QUEUE_FULL; 0: no limit */
    /* Called on the decoding thread while it waits for the budget and every few rows; true ends the decoding
     * with INSP_E_CANCELLED. May be NULL. */
    bool (*cancelled)(void *arg);
    void *cancelled_arg;
    struct insp_image_claim *claim; /* set by insp_image_decode only */
    /* Bytes that are claimed beside the picture's, for what outlives it (insp_image_keep_claim); with them every
     * picture waits for its share. */
    size_t kept_bytes;
};
/* Returns the default limits: 64 MiB, sides of 16384, 64 000 000 pixels, 64 stray bytes, PNG bits from the
 * file, no budget. */
struct insp_image_limits insp_image_limits_default(void);

/* Returns a copy without pointers of this process: no budget, callbacks or claim. Pure. */
struct insp_image_limits insp_image_limits_alone(const struct insp_image_limits *limits);

/* Records how the image was encoded, as far as the pixels no longer show it. */
struct insp_image_source {
    uint8_t bits;         /* bits that carry a sample: 8 for samples of 8 bits or fewer, 8..16 for a 16-bit PNG */
    bool bits_guessed;    /* `bits` is derived from the values: the least of 8, 10, 12, 14 that holds them all */
    bool alpha_ignored;   /* every pixel was fully transparent, so alpha was ignored */
    float transparent;    /* share of pixels that are not opaque, 0..1; their colour is mixed with black */
    uint8_t orientation;  /* EXIF, 1..8; the pixels are upright */
    uint32_t stray_bytes; /* stray bytes skipped in the scans of a JPEG */
};

struct insp_image {
    uint32_t width, height;               /* of pixels */
    uint32_t posted_width, posted_height; /* of the posted image, upright; larger if a JPEG was scaled */
    uint8_t *rgb;                         /* interleaved, width * height * 3 bytes, owned */
    struct insp_image_source source;
    struct insp_image_claim claim; /* its share of the budget, returned by insp_image_free */
};

/* Makes an image of width x height with unset pixels and the posted size set to the same. *ret is the caller's
 * (insp_image_free). The caller has checked the limits. Fails with INSP_E_NOMEM. */
int insp_image_new(uint32_t width, uint32_t height, struct insp_image **ret, struct insp_error *reterr);

void insp_image_free(struct insp_image *image); /* accepts NULL */

/* Moves `bytes`, at most the limits' kept_bytes, from the picture's claim to *ret, to be returned with
 * insp_image_budget_return. */
void insp_image_keep_claim(struct insp_image *image, size_t bytes, struct insp_image_claim *ret);

/* Parses a Content-Type value: image/jpeg, image/png, or image/x-raw;format=mono8|rgb8|bgr8;width=W;height=H
 * (type and parameter names in any case, parameters in any order, quoted or not). content_type may be NULL.
 * Fails with INSP_E_MEDIA_TYPE; the detail lists the accepted types. */
int insp_media_parse(const char *content_type, struct insp_media_type *ret, struct insp_error *reterr);
const char *insp_media_name(enum insp_media media);      /* "image/jpeg"... */
const char *insp_media_extension(enum insp_media media); /* "jpg", "png", "raw" */

/* Recognises JPEG and PNG by their first bytes; returns INSP_MEDIA_UNKNOWN for anything else. */
enum insp_media insp_image_sniff(const void *bytes, size_t count);

/* Decodes `count` bytes, borrowed, into an upright picture. *ret is the caller's (insp_image_free).
 *
 *   type         INSP_MEDIA_UNKNOWN: recognise the type. A declared type that the bytes contradict is an error
 *   target_side  scale a JPEG by 1/2, 1/4 or 1/8 while decoding, as long as both sides stay at least 2 *
 *                target_side; 0: never scale
 *   JPEG         baseline and progressive with Huffman codes, 8 bits; grey, YCbCr, RGB, CMYK and YCCK, any
 *                subsampling. Adobe's marker decides about colours and inverted ink. jpeg_decode.c has the
 *                table of damage. At most 100 scans, 16 * limits->pixels scanned pixels and 256 MiB of
 *                coefficients
 *   PNG          1 to 16 bits, grey, colour, palette, interlaced. Of 16 bits, the upper 8 of the bits in use
 *                (as Pillow does if all 16 are). Transparency is mixed with black; if every pixel is fully
 *                transparent alpha is ignored. Every checksum must be right
 *   raw          rows without padding, top first, exactly width * height * (1 or 3) bytes
 *   all          the EXIF orientation of a JPEG or PNG is applied. Gamma, sRGB chunk and colour profiles are
 *                ignored
 *
 * Limits are checked before pixels are allocated. A truncated image is an error, never a half-grey picture.
 * Fails with
 *   INSP_E_IMAGE        truncated, corrupt, a side of 0, not of the declared type, an unsupported kind
 *   INSP_E_IMAGE_LIMIT  beyond a limit
 *   INSP_E_QUEUE_FULL   the budget had no room within wait_us
 *   INSP_E_CANCELLED    limits->cancelled returned true
 *   INSP_E_NOMEM
 *
 * Sources: libjpeg.txt of libjpeg-turbo; PNG (Third Edition), W3C; Exif 2.32, CIPA DC-008. */
int insp_image_decode(const void *bytes, size_t count, const struct insp_media_type *type, uint32_t target_side,
                      const struct insp_image_limits *limits, struct insp_image **ret, struct insp_error *reterr);

/* Resizes with an antialiased bilinear filter: a triangle whose support is scaled by the ratio, rounded to 8
 * bits between the two passes, as Pillow's resize(BILINEAR) does. *ret is the caller's; it keeps the posted
 * size. Fails with INSP_E_NOMEM; INSP_E_INTERNAL for a side of 0. */
int insp_image_resize(const struct insp_image *image, uint32_t width, uint32_t height, struct insp_image **ret,
                      struct insp_error *reterr);

/* Encodes 8-bit grey (channels 1), RGB (3) or RGBA (4) pixels as PNG, at the fastest compression level. Sides
 * of at least 1. *ret_png is the caller's (free). Fails with INSP_E_NOMEM, INSP_E_INTERNAL. */
int insp_image_encode_png(const uint8_t *pixels, uint32_t width, uint32_t height, unsigned channels,
                          unsigned char **ret_png, size_t *ret_bytes, struct insp_error *reterr);

/* Encodes RGB8 pixels as JPEG, quality 1..100, chroma at half resolution. Sides of at least 1. *ret_jpeg is
 * the caller's (free). Fails with INSP_E_NOMEM, INSP_E_INTERNAL; INSP_E_IMAGE_LIMIT for a side above 65500. */
int insp_image_encode_jpeg(const uint8_t *rgb, uint32_t width, uint32_t height, int quality,
                           unsigned char **ret_jpeg, size_t *ret_bytes, struct insp_error *reterr);

DEFINE_CLEANUP(struct insp_image, insp_image_free);
#endif
