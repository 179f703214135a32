/* core/image/decode/decode.c - the way to the decoder of a type, and the limits that hold for all of them. */
#include "core/image/decode/decode.h"

#include <string.h>

int insp_image_check_size(const char *kind, uint64_t width, uint64_t height,
                          const struct insp_image_limits *limits, struct insp_error *reterr) {
    unsigned long long w = width, h = height;
    if (!width || !height)
        return insp_fail(reterr, INSP_E_IMAGE, "the header of the %s states %llu x %llu pixels: a side of 0", kind,
                         w, h);
    if (width > limits->width || height > limits->height)
        return insp_fail(reterr, INSP_E_IMAGE_LIMIT, "the %s is %llu x %llu pixels; at most %u x %u are accepted",
                         kind, w, h, limits->width, limits->height);
    if (width > limits->pixels / height)
        return insp_fail(reterr, INSP_E_IMAGE_LIMIT,
                         "the %s is %llu x %llu pixels; at most %llu pixels are accepted", kind, w, h,
                         (unsigned long long)limits->pixels);
    return 0;
}

int insp_image_check_cancelled(const struct insp_image_limits *limits, struct insp_error *reterr) {
    if (limits->cancelled && limits->cancelled(limits->cancelled_arg))
        return insp_fail(reterr, INSP_E_CANCELLED, "decoding was cancelled: the picture is no longer wanted");
    return 0;
}

int insp_image_reserve(const struct insp_image_limits *limits, uint64_t width, uint64_t height, uint64_t bytes,
                       struct insp_error *reterr) {
    const struct insp_image_asker asker = {limits->background, limits->wait_us, limits->cancelled,
                                           limits->cancelled_arg};
    uint64_t pixels = width * height;
    if (limits->kept_bytes && pixels <= INSP_BUDGET_SMALL_PIXELS)
        pixels = INSP_BUDGET_SMALL_PIXELS + 1; /* it waits: the number of threads does not bound what is kept */
    return limits->claim ? insp_image_budget_claim(limits->budget, &asker, pixels, bytes + limits->kept_bytes,
                                                   limits->claim, reterr)
                         : 0;
}

enum insp_media insp_image_sniff(const void *bytes, size_t count) {
    static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    static const uint8_t jpeg[3] = {0xff, 0xd8, 0xff}; /* SOI and the start of the next marker */
    if (count >= sizeof png && !memcmp(bytes, png, sizeof png))
        return INSP_MEDIA_PNG;
    if (count >= sizeof jpeg && !memcmp(bytes, jpeg, sizeof jpeg))
        return INSP_MEDIA_JPEG;
    return INSP_MEDIA_UNKNOWN;
}

/* Determines the type from the declared one and the first bytes; raw pixels have no first bytes to check. */
static int settle_media(const void *bytes, size_t count, enum insp_media declared, enum insp_media *ret,
                        struct insp_error *reterr) {
    if (declared == INSP_MEDIA_RAW) {
        *ret = declared;
        return 0;
    }
    enum insp_media found = insp_image_sniff(bytes, count);
    if (found == INSP_MEDIA_UNKNOWN)
        return declared == INSP_MEDIA_UNKNOWN
                   ? insp_fail(reterr, INSP_E_IMAGE, "the %zu bytes start like neither a JPEG nor a PNG", count)
                   : insp_fail(reterr, INSP_E_IMAGE, "declared as %s, but the %zu bytes do not start like one",
                               insp_media_name(declared), count);
    if (declared != INSP_MEDIA_UNKNOWN && declared != found)
        return insp_fail(reterr, INSP_E_IMAGE, "declared as %s, but the bytes are %s", insp_media_name(declared),
                         insp_media_name(found));
    *ret = found;
    return 0;
}

static int decode(const void *bytes, size_t count, const struct insp_media_type *type, uint32_t target_side,
                  const struct insp_image_limits *limits, struct insp_image **ret, struct insp_error *reterr) {
    enum insp_media media = INSP_MEDIA_UNKNOWN;
    int code = settle_media(bytes, count, type->media, &media, reterr);
    if (code)
        return code;
    if (media == INSP_MEDIA_JPEG)
        return insp_jpeg_decode(bytes, count, target_side, limits, ret, reterr);
    if (media == INSP_MEDIA_PNG)
        return insp_png_decode(bytes, count, limits, ret, reterr);
    return insp_raw_decode(bytes, count, type, limits, ret, reterr);
}

int insp_image_decode(const void *bytes, size_t count, const struct insp_media_type *type, uint32_t target_side,
                      const struct insp_image_limits *limits, struct insp_image **ret, struct insp_error *reterr) {
    if (!count)
        return insp_fail(reterr, INSP_E_IMAGE, "the image has no bytes");
    if (count > limits->bytes)
        return insp_fail(reterr, INSP_E_IMAGE_LIMIT, "the image has %zu bytes; at most %zu are accepted", count,
                         limits->bytes);
    struct insp_image_claim claim = {0};
    struct insp_image_limits claiming = *limits;
    claiming.claim = &claim;
    int code = insp_image_check_cancelled(limits, reterr);
    _cleanup_(insp_image_freep) struct insp_image *image = NULL;
    if (!code)
        code = decode(bytes, count, type, target_side, &claiming, &image, reterr);
    if (!code)
        code = insp_image_make_upright(image, reterr);
    if (code) {
        insp_image_budget_return(&claim);
        return code;
    }
    image->claim = claim;
    *ret = insp_take_ptr(image);
    return 0;
}
