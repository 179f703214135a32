/* tests/unit/image_samples.h - make pictures for the tests of core/image and of the code that uses it. */
#ifndef INSP_TESTS_IMAGE_SAMPLES_H
#define INSP_TESTS_IMAGE_SAMPLES_H

#include "core/image/decode/decode.h"
#include "harness.h"

#include <string.h>

/* Smooth ramps with a little texture, which a JPEG keeps within a few levels. */
static inline struct insp_image *sample_image(uint32_t width, uint32_t height) {
    struct insp_image *image = NULL;
    ck_assert_int_eq(insp_image_new(width, height, &image, NULL), 0);
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            uint8_t *p = image->rgb + ((size_t)y * width + x) * 3;
            p[0] = (uint8_t)(40 + 160 * x / width);
            p[1] = (uint8_t)(200 - 160 * y / height);
            p[2] = (uint8_t)(90 + 8 * ((x / 8 + y / 8) % 4));
        }
    }
    return image;
}

static inline struct insp_media_type sample_type(enum insp_media media) {
    return (struct insp_media_type){.media = media};
}

/* Decodes with the default limits and demands success. */
static inline struct insp_image *sample_decode(const void *bytes, size_t count, uint32_t target_side) {
    struct insp_image_limits limits = insp_image_limits_default();
    struct insp_media_type type = sample_type(INSP_MEDIA_UNKNOWN);
    struct insp_image *image = NULL;
    struct insp_error error = {0};
    ck_insp_ok(insp_image_decode(bytes, count, &type, target_side, &limits, &image, &error), error);
    return image;
}

/* Decodes and demands this code and, in the detail, this text. The bytes are copied to an allocation of their
 * exact size, so that the address sanitizer sees a read past their end. */
static inline void sample_refused(const void *bytes, size_t count, const struct insp_image_limits *limits,
                                  int code, const char *text) {
    struct insp_media_type type = sample_type(INSP_MEDIA_UNKNOWN);
    struct insp_image *image = NULL;
    struct insp_error error = {0};
    void *copy = malloc(count ? count : 1);
    memcpy(copy, bytes, count);
    ck_insp_code(insp_image_decode(copy, count, &type, 0, limits, &image, &error), code, error);
    free(copy);
    ck_assert_ptr_null(image);
    ck_assert_int_eq(error.code, code);
    ck_assert_msg(strstr(error.detail, text) != NULL, "\"%s\" is not in: %s", text, error.detail);
}

/* Every cut at a sixteenth, and the loss of the last bytes one by one. */
static inline void sample_refused_when_cut(const unsigned char *bytes, size_t count) {
    struct insp_image_limits limits = insp_image_limits_default();
    for (size_t cut = 1; cut < 16; cut++)
        sample_refused(bytes, count * cut / 16, &limits, INSP_E_IMAGE, "");
    for (size_t lost = 1; lost <= 16; lost++)
        sample_refused(bytes, count - lost, &limits, INSP_E_IMAGE, "truncated");
}

/* The CRC of PNG chunks (ISO 3309), bit by bit. */
static inline uint32_t sample_crc(const unsigned char *bytes, size_t count) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
    }
    return ~crc;
}

static inline void sample_put32(unsigned char *at, uint32_t value) {
    for (unsigned i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* Changes the size in a PNG's IHDR and makes the checksum right again. */
static inline void sample_lie_png(unsigned char *png, uint32_t width, uint32_t height) {
    sample_put32(png + 16, width);
    sample_put32(png + 20, height);
    sample_put32(png + 29, sample_crc(png + 12, 17));
}

#endif
