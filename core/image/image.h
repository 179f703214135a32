/* core/image/image.h - bytes from a camera -> RGB8 pixels, within limits that hold before any allocation.
 * All functions: any thread, no shared state, no blocking but the work itself. */
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

/* What the sender says of the bytes; raw_* only for INSP_MEDIA_RAW. */
struct insp_media_type {
    enum insp_media media;
    enum insp_raw_format raw_format;
    uint32_t raw_width, raw_height;
};

/* Bounds on an encoded image, and the choices that a decoder has to be told. */
struct insp_image_limits {
    size_t bytes;              /* of the encoded image */
    uint32_t width, height;    /* of the posted image, in pixels */
    uint64_t pixels;           /* width * height */
    uint32_t jpeg_stray_bytes; /* accepted before each marker of a JPEG's scan; more is damage */
    unsigned png16_bits;       /* of a sample in a 16-bit PNG: 16 or less; 0: by its sBIT chunk or its values */
    struct insp_image_budget *budget; /* shared by all decodes in flight, borrowed; NULL: not counted */
    bool background;                  /* claims from the background's half of the budget */
    int64_t wait_us;                  /* how long to wait for the budget, then INSP_E_QUEUE_FULL; 0: for ever */
    /* Asked by the decoding thread while it waits for the budget, and every few rows; true ends the decoding with
     * INSP_E_CANCELLED. May be NULL. */
    bool (*cancelled)(void *arg);
    void *cancelled_arg;
    struct insp_image_claim *claim; /* insp_image_decode's */
};
struct insp_image_limits
insp_image_limits_default(void); /* 64 MiB, 16384, 16384, 64 000 000; 64 stray bytes; bits by the file */

/* The same without anything that belongs to this process: budget, callbacks, claims. Pure. */
struct insp_image_limits insp_image_limits_alone(const struct insp_image_limits *limits);

/* How the image was encoded: what the pixels alone do not show any more. */
struct insp_image_source {
    uint8_t bits;         /* that carry a sample: 8 or less reads 8; 9..16 in a 16-bit PNG */
    bool bits_guessed;    /* `bits` is the least of 8, 10, 12, 14 and 16 that holds every value: nothing says so */
    bool alpha_ignored;   /* every pixel was fully transparent: the colours are as if each were opaque */
    float transparent;    /* share of pixels that are not opaque, 0..1; their colour is mixed with black */
    uint8_t orientation;  /* EXIF, 1..8; the pixels are upright */
    uint32_t stray_bytes; /* passed over in the scans of a JPEG */
};

struct insp_image {
    uint32_t width, height;               /* of pixels */
    uint32_t posted_width, posted_height; /* of the posted image, upright; larger where JPEG was scaled */
    uint8_t *rgb;                         /* interleaved, width * height * 3 bytes, owned */
    struct insp_image_source source;
    struct insp_image_claim claim; /* its share of the budget, returned when it is freed */
};

void insp_image_free(struct insp_image *image);

/* Reads a Content-Type value: image/jpeg, image/png, image/x-raw;format=mono8|rgb8|bgr8;width=W;height=H
 * (parameters in any order, quoted or not, case-insensitive type). INSP_E_MEDIA_TYPE names what is accepted. */
int insp_media_parse(const char *content_type, struct insp_media_type *ret, struct insp_error *reterr);
const char *insp_media_name(enum insp_media media);      /* "image/jpeg"... */
const char *insp_media_extension(enum insp_media media); /* "jpg", "png", "raw" */

/* By the first bytes; INSP_MEDIA_UNKNOWN for anything else. */
enum insp_media insp_image_sniff(const void *bytes, size_t count);

/* Decodes `count` bytes, borrowed, into an upright picture. A declared type that the bytes contradict is
 * INSP_E_IMAGE and says so; INSP_MEDIA_UNKNOWN means: sniff.
 *
 *   target_side  JPEG may be scaled by 1/2, 1/4, 1/8 while decoding as long as both sides stay at least
 *                2 * target_side; 0: never scale
 *   JPEG         baseline and progressive by Huffman codes, 8 bits; grey, YCbCr, RGB, CMYK and YCCK, any
 *                subsampling. Adobe's marker decides about colours and inverted ink. jpeg_decode.c has the table
 *                of damage. At most 100 scans, 16 * limits->pixels scanned pixels and 256 MiB of coefficients
 *   PNG          1 to 16 bits, grey, colour, palette, interlaced. 16 bits: the upper 8 of the bits in use (as
 *                Pillow where all 16 are). Transparency is mixed with black, unless every pixel is fully
 *                transparent: then alpha is ignored. Every checksum must be right
 *   raw          rows without padding, top first, exactly width * height * (1 or 3) bytes
 *   all          the EXIF orientation of a JPEG or PNG is applied. Gamma, sRGB chunk and profiles are ignored
 *
 * Limits are checked before pixels are allocated. A truncated image is an error, never a half-grey picture. Fails
 * with INSP_E_IMAGE (truncated, corrupt, zero-sized...), INSP_E_IMAGE_LIMIT, INSP_E_NOMEM, INSP_E_CANCELLED,
 * INSP_E_QUEUE_FULL.
 * Sources: libjpeg.txt of libjpeg-turbo; PNG (Third Edition), W3C; Exif 2.32, CIPA DC-008. */
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
