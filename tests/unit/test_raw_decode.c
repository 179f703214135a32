/* Raw pixels: formats, exact length, limits. */
#include "image_samples.h"

static struct insp_media_type raw(enum insp_raw_format format, uint32_t width, uint32_t height) {
    return (struct insp_media_type){
        .media = INSP_MEDIA_RAW, .raw_format = format, .raw_width = width, .raw_height = height};
}

static void check(enum insp_raw_format format, const char *bytes, size_t count, const char *expected) {
    struct insp_image_limits limits = insp_image_limits_default();
    struct insp_media_type type = raw(format, 2, 1);
    struct insp_image *image = NULL;
    struct insp_error error = {0};
    ck_insp_ok(insp_image_decode(bytes, count, &type, 224, &limits, &image, &error), error);
    ck_assert_uint_eq(image->width, 2);
    ck_assert_uint_eq(image->posted_height, 1);
    ck_assert_mem_eq(image->rgb, expected, 6);
    insp_image_free(image);
}

START_TEST(test_formats) {
    check(INSP_RAW_MONO8, "ab", 2, "aaabbb");
    check(INSP_RAW_RGB8, "abcdef", 6, "abcdef");
    check(INSP_RAW_BGR8, "abcdef", 6, "cbafed");
    check(INSP_RAW_MONO8, "\xff\xd8", 2, "\xff\xff\xff\xd8\xd8\xd8"); /* never decoded as a JPEG */
}
END_TEST

START_TEST(test_length_must_be_exact) {
    struct insp_image_limits limits = insp_image_limits_default();
    struct insp_image *image = NULL;
    struct insp_error error = {0};
    static const char bytes[64];
    struct insp_media_type type = raw(INSP_RAW_RGB8, 4, 4);
    for (size_t count = 1; count <= sizeof bytes; count++) {
        int code = insp_image_decode(bytes, count, &type, 0, &limits, &image, &error);
        ck_assert_int_eq(code, count == 48 ? 0 : INSP_E_IMAGE);
        if (!code)
            insp_image_free(image);
    }
    ck_assert_str_eq(error.detail, "a raw image of 4 x 4 pixels with 3 bytes each is not 64 bytes long");
}
END_TEST

START_TEST(test_limits_come_first) {
    struct insp_image_limits limits = insp_image_limits_default();
    struct insp_image *image = NULL;
    struct insp_error error = {0};
    struct insp_media_type type = raw(INSP_RAW_MONO8, 10000, 10000);
    ck_insp_code(insp_image_decode("a", 1, &type, 0, &limits, &image, &error), INSP_E_IMAGE_LIMIT, error);
    type = raw(INSP_RAW_MONO8, 0, 1);
    ck_insp_code(insp_image_decode("a", 1, &type, 0, &limits, &image, &error), INSP_E_IMAGE, error);
    /* 2^31 * 2^31 * 3 does not fit in 64 bits; the division does */
    limits = (struct insp_image_limits){
        .bytes = SIZE_MAX, .width = UINT32_MAX, .height = UINT32_MAX, .pixels = UINT64_MAX};
    type = raw(INSP_RAW_RGB8, UINT32_C(1) << 31, UINT32_C(1) << 31);
    ck_insp_code(insp_image_decode("a", 1, &type, 0, &limits, &image, &error), INSP_E_IMAGE, error);
}
END_TEST

INSP_TESTS(test_formats, test_length_must_be_exact, test_limits_come_first);
