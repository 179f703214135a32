/* core/image/png_decode.c - PNG (ISO/IEC 15948) by libspng: all colour types, 1 to 16 bits, interlaced or not. */
#include "core/image/decode.h"

#include <string.h>

#include <spng.h>

/* Bounds for what a text or profile chunk may unpack to; picture data is not counted in it. */
enum { CHUNK_BYTES_MAX = 8 << 20 };

static void free_context(spng_ctx **ctx) {
    spng_ctx_free(*ctx);
}

static int fail_spng(struct insp_error *reterr, int error) {
    switch (error) {
    case SPNG_EMEM:
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to decode the PNG");
    case SPNG_IO_EOF:
    case SPNG_EIDAT_TOO_SHORT:
        return insp_fail(reterr, INSP_E_IMAGE, "the PNG is truncated: %s", spng_strerror(error));
    case SPNG_EWIDTH:
    case SPNG_EHEIGHT:
        return insp_fail(reterr, INSP_E_IMAGE, "the PNG's header gives a side of 0 or beyond 2^31 pixels");
    case SPNG_ECHUNK_CRC:
        return insp_fail(reterr, INSP_E_IMAGE, "the PNG is corrupt: a chunk's checksum is wrong");
    case SPNG_ECHUNK_LIMITS:
        return insp_fail(reterr, INSP_E_IMAGE_LIMIT, "the PNG's text or profile needs more than %d MiB",
                         CHUNK_BYTES_MAX >> 20);
    default:
        return insp_fail(reterr, INSP_E_IMAGE, "the PNG is corrupt: %s", spng_strerror(error));
    }
}

/* RGBA to RGB over black, in place: the write position never passes the read position. */
static void blend_over_black(uint8_t *pixels, size_t count) {
    const uint8_t *in = pixels;
    uint8_t *out = pixels;
    for (size_t i = 0; i < count; i++, in += 4, out += 3) {
        unsigned alpha = in[3];
        for (unsigned c = 0; c < 3; c++) {
            unsigned product = in[c] * alpha + 128; /* round(v * alpha / 255) */
            out[c] = (uint8_t)((product + (product >> 8)) >> 8);
        }
    }
}

/* libspng stops at the name of the end chunk; whether that chunk is whole, or there at all, is seen by walking the
 * chunks: length, name, data, checksum. */
static bool ends_with_iend(const uint8_t *bytes, size_t count) {
    static const uint8_t iend[12] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
    size_t at = 8;
    while (count - at >= sizeof iend) {
        if (!memcmp(bytes + at, iend, sizeof iend))
            return true;
        size_t length = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 | (size_t)bytes[at + 2] << 8 |
                        (size_t)bytes[at + 3];
        if (length > count - at - sizeof iend)
            return false;
        at += sizeof iend + length;
    }
    return false;
}

static int decode_pixels(spng_ctx *ctx, struct insp_image *image, bool alpha, struct insp_error *reterr) {
    size_t pixels = (size_t)image->width * image->height;
    if (alpha) {
        uint8_t *wider = realloc(image->rgb, pixels * 4);
        if (!wider)
            return insp_fail(reterr, INSP_E_NOMEM, "no memory for a PNG of %u x %u pixels", image->width,
                             image->height);
        image->rgb = wider;
    }
    int error = spng_decode_image(ctx, image->rgb, pixels * (alpha ? 4 : 3),
                                  alpha ? SPNG_FMT_RGBA8 : SPNG_FMT_RGB8, alpha ? SPNG_DECODE_TRNS : 0);
    /* On to IEND: the file must be whole, and what follows the picture must have its checksums right too. */
    if (!error)
        error = spng_decode_chunks(ctx);
    if (error)
        return fail_spng(reterr, error);
    if (alpha) {
        blend_over_black(image->rgb, pixels);
        uint8_t *narrower = realloc(image->rgb, pixels * 3);
        if (narrower)
            image->rgb = narrower;
    }
    return 0;
}

int insp_png_decode(const void *bytes, size_t count, const struct insp_image_limits *limits,
                    struct insp_image **ret, struct insp_error *reterr) {
    _cleanup_(free_context) spng_ctx *ctx = spng_ctx_new(0);
    if (!ctx)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to decode the PNG");
    int error = spng_set_crc_action(ctx, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
    if (!error)
        error = spng_set_chunk_limits(ctx, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX);
    if (!error)
        error = spng_set_png_buffer(ctx, bytes, count);
    struct spng_ihdr ihdr;
    if (!error)
        error = spng_get_ihdr(ctx, &ihdr);
    if (error)
        return fail_spng(reterr, error);
    int code = insp_image_check_size("PNG", ihdr.width, ihdr.height, limits, reterr);
    if (code)
        return code;

    if (!ends_with_iend(bytes, count))
        return insp_fail(reterr, INSP_E_IMAGE, "the PNG is truncated: its %zu bytes do not reach its end", count);

    struct spng_trns transparency;
    bool alpha =
        ihdr.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA || ihdr.color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA;
    if (!alpha) {
        error = spng_get_trns(ctx, &transparency);
        if (error && error != SPNG_ECHUNKAVAIL)
            return fail_spng(reterr, error);
        alpha = !error;
    }
    _cleanup_(insp_image_freep) struct insp_image *image = NULL;
    code = insp_image_new(ihdr.width, ihdr.height, &image, reterr);
    if (!code)
        code = decode_pixels(ctx, image, alpha, reterr);
    if (code)
        return code;
    *ret = insp_take_ptr(image);
    return 0;
}
