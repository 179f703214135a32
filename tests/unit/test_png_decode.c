/* PNG: colour types and depths, damage, lying headers. tests/parity/test_decode.py goes through every combination.
 */
#include "image_samples.h"

#include <spng.h>

struct encoded {
    unsigned char *bytes;
    size_t count;
};

/* A 2 x 2 PNG of the given type from its samples. */
static struct encoded encode(uint8_t colour_type, uint8_t depth, const void *samples, size_t count) {
    spng_ctx *ctx = spng_ctx_new(SPNG_CTX_ENCODER);
    struct spng_ihdr ihdr = {.width = 2, .height = 2, .bit_depth = depth, .color_type = colour_type};
    struct spng_plte palette = {.n_entries = 2, .entries = {{.red = 10, .green = 20, .blue = 30}, {.red = 200}}};
    struct spng_trns alpha = {.n_type3_entries = 1, .type3_alpha = {128}};
    struct encoded out = {0};
    int error = 0;
    spng_set_option(ctx, SPNG_ENCODE_TO_BUFFER, 1);
    spng_set_ihdr(ctx, &ihdr);
    if (colour_type == SPNG_COLOR_TYPE_INDEXED) {
        spng_set_plte(ctx, &palette);
        spng_set_trns(ctx, &alpha);
    }
    ck_assert_int_eq(spng_encode_image(ctx, samples, count, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE), 0);
    out.bytes = spng_get_png_buffer(ctx, &out.count, &error);
    ck_assert_ptr_nonnull(out.bytes);
    spng_ctx_free(ctx);
    return out;
}

static void check(uint8_t colour_type, uint8_t depth, const void *samples, size_t count,
                  const uint8_t expected[12]) {
    struct encoded png = encode(colour_type, depth, samples, count);
    struct insp_image *image = sample_decode(png.bytes, png.count, 224);
    ck_assert_uint_eq(image->width, 2);
    ck_assert_uint_eq(image->posted_height, 2);
    ck_assert_mem_eq(image->rgb, expected, 12);
    insp_image_free(image);
    free(png.bytes);
}

START_TEST(test_types) {
    check(SPNG_COLOR_TYPE_GRAYSCALE, 1, (uint8_t[]){0x40, 0x80}, 2,
          (uint8_t[]){0, 0, 0, 255, 255, 255, 255, 255, 255, 0, 0, 0});
    check(SPNG_COLOR_TYPE_GRAYSCALE, 16, (uint16_t[]){0x12ff, 0xfe80, 0, 0xffff}, 8,
          (uint8_t[]){0x12, 0x12, 0x12, 0xfe, 0xfe, 0xfe, 0, 0, 0, 255, 255, 255});
    check(SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 8, (uint8_t[]){200, 255, 200, 0, 200, 128, 100, 51}, 8,
          (uint8_t[]){200, 200, 200, 0, 0, 0, 100, 100, 100, 20, 20, 20});
    check(SPNG_COLOR_TYPE_INDEXED, 8, (uint8_t[]){0, 1, 1, 0}, 4,
          (uint8_t[]){5, 10, 15, 200, 0, 0, 200, 0, 0, 5, 10, 15});
}
END_TEST

static struct encoded sample_png(void) {
    struct encoded png = {0};
    struct insp_image *image = sample_image(61, 47);
    struct insp_error error = {0};
    ck_insp_ok(insp_image_encode_png(image->rgb, 61, 47, 3, &png.bytes, &png.count, &error), error);
    insp_image_free(image);
    return png;
}

START_TEST(test_truncated) {
    struct encoded png = sample_png();
    sample_refused_when_cut(png.bytes, png.count);
    free(png.bytes);
}
END_TEST

START_TEST(test_every_damaged_byte_is_noticed) {
    struct insp_image_limits limits = insp_image_limits_default();
    struct encoded png = sample_png();
    for (size_t i = 0; i < png.count; i++) {
        png.bytes[i] ^= 0x10;
        struct insp_media_type type = sample_type(INSP_MEDIA_PNG);
        struct insp_image *image = NULL;
        int code = insp_image_decode(png.bytes, png.count, &type, 0, &limits, &image, NULL);
        bool size = i >= 16 && i < 24; /* a size beyond the limits is refused before its checksum is reached */
        ck_assert_msg(code == INSP_E_IMAGE || (size && code == INSP_E_IMAGE_LIMIT), "byte %zu: got %d", i, code);
        png.bytes[i] ^= 0x10;
    }
    insp_image_free(sample_decode(png.bytes, png.count, 0));
    free(png.bytes);
}
END_TEST

START_TEST(test_lying_headers) {
    struct insp_image_limits limits = insp_image_limits_default();
    struct encoded png = sample_png();
    sample_lie_png(png.bytes, 10000, 10000);
    sample_refused(png.bytes, png.count, &limits, INSP_E_IMAGE_LIMIT, "10000 x 10000 pixels; at most 64000000");
    sample_lie_png(png.bytes, 61, 16385);
    sample_refused(png.bytes, png.count, &limits, INSP_E_IMAGE_LIMIT, "at most 16384 x 16384");
    sample_lie_png(png.bytes, 0, 47);
    sample_refused(png.bytes, png.count, &limits, INSP_E_IMAGE, "side of 0");
    sample_lie_png(png.bytes, 61, UINT32_MAX);
    sample_refused(png.bytes, png.count, &limits, INSP_E_IMAGE, "beyond 2^31");
    sample_lie_png(png.bytes, 61, 48); /* one row more than there is */
    sample_refused(png.bytes, png.count, &limits, INSP_E_IMAGE, "truncated");
    sample_lie_png(png.bytes, 8000, 8000);
    sample_refused(png.bytes, png.count, &limits, INSP_E_IMAGE, "");
    free(png.bytes);
}
END_TEST

/* BGRX frames are often saved as RGBA with 0 in place of X. */
START_TEST(test_alpha_of_zero_everywhere_is_ignored) {
    const uint8_t clear[16] = {10, 20, 30, 0, 40, 50, 60, 0, 70, 80, 90, 0, 100, 110, 120, 0};
    struct encoded png = encode(SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 8, clear, sizeof clear);
    struct insp_image *image = sample_decode(png.bytes, png.count, 0);
    ck_assert(image->source.alpha_ignored);
    ck_assert(image->source.transparent == 0);
    for (size_t i = 0; i < 12; i++)
        ck_assert_uint_eq(image->rgb[i], clear[i / 3 * 4 + i % 3]);
    insp_image_free(image);
    free(png.bytes);
    const uint8_t one[16] = {10, 20, 30, 0, 40, 50, 60, 0, 70, 80, 90, 255, 100, 110, 120, 0};
    png = encode(SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 8, one, sizeof one);
    image = sample_decode(png.bytes, png.count, 0);
    ck_assert(!image->source.alpha_ignored);
    ck_assert(image->source.transparent == 0.75f);
    ck_assert_mem_eq(image->rgb, ((uint8_t[]){0, 0, 0, 0, 0, 0, 70, 80, 90, 0, 0, 0}), 12);
    insp_image_free(image);
    free(png.bytes);
}
END_TEST

START_TEST(test_bits_in_use) {
    static const struct {
        uint16_t sample[4];
        unsigned declared, bits;
        bool guessed;
        uint8_t value[4];
    } cases[] = {
        {{0, 1023, 512, 4}, 0, 10, true, {0, 255, 128, 1}},
        {{0, 4095, 16, 2048}, 0, 12, true, {0, 255, 1, 128}},
        {{0, 1023, 512, 16}, 12, 12, false, {0, 63, 32, 1}},
        {{0, 255, 7, 100}, 0, 8, true, {0, 255, 7, 100}},
        {{0, 16384, 7, 100}, 0, 16, false, {0, 64, 0, 0}},
        {{0, 4095 << 4, 16 << 4, 2048 << 4}, 12, 16, false, {0, 255, 1, 128}}, /* in the upper end */
        {{0, 0, 0, 0}, 0, 16, false, {0, 0, 0, 0}},
    };
    for (size_t i = 0; i < INSP_COUNT(cases); i++) {
        struct encoded png = encode(SPNG_COLOR_TYPE_GRAYSCALE, 16, cases[i].sample, 8);
        struct insp_image_limits limits = insp_image_limits_default();
        limits.png16_bits = cases[i].declared;
        struct insp_media_type type = sample_type(INSP_MEDIA_PNG);
        struct insp_image *image = NULL;
        struct insp_error error;
        ck_insp_ok(insp_image_decode(png.bytes, png.count, &type, 0, &limits, &image, &error), error);
        ck_assert_uint_eq(image->source.bits, cases[i].bits);
        ck_assert(image->source.bits_guessed == cases[i].guessed);
        for (size_t x = 0; x < 4; x++)
            ck_assert_uint_eq(image->rgb[3 * x], cases[i].value[x]);
        insp_image_free(image);
        free(png.bytes);
    }
    struct insp_image_limits limits = insp_image_limits_default();
    limits.png16_bits = 10;
    struct encoded png = encode(SPNG_COLOR_TYPE_GRAYSCALE, 16, cases[1].sample, 8);
    sample_refused(png.bytes, png.count, &limits, INSP_E_IMAGE, "decode.png16_bits");
    free(png.bytes);
}
END_TEST

static bool count_down(void *arg) {
    int *left = arg;
    return --*left < 0;
}

/* Ends at each question, once a row, until it is asked no more. */
START_TEST(test_cancelled) {
    struct encoded png = sample_png();
    int asked = 0;
    for (int code = INSP_E_CANCELLED; code; asked++) {
        int left = asked;
        struct insp_image_limits limits = insp_image_limits_default();
        limits.cancelled = count_down;
        limits.cancelled_arg = &left;
        struct insp_media_type type = sample_type(INSP_MEDIA_PNG);
        struct insp_image *image = NULL;
        struct insp_error error = {0};
        code = insp_image_decode(png.bytes, png.count, &type, 0, &limits, &image, &error);
        ck_assert(code == 0 || code == INSP_E_CANCELLED);
        insp_image_free(image);
    }
    ck_assert_int_ge(asked, 47);
    free(png.bytes);
}
END_TEST

INSP_TESTS(test_types, test_truncated, test_every_damaged_byte_is_noticed, test_lying_headers,
           test_alpha_of_zero_everywhere_is_ignored, test_bits_in_use, test_cancelled);
