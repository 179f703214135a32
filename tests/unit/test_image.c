/* Sniffing, limits and the way to the decoders. */
#include "image_samples.h"

START_TEST(test_sniff) {
    ck_assert_int_eq(insp_image_sniff("\xff\xd8\xff\xe0", 4), INSP_MEDIA_JPEG);
    ck_assert_int_eq(insp_image_sniff("\xff\xd8", 2), INSP_MEDIA_UNKNOWN);
    ck_assert_int_eq(insp_image_sniff("\x89PNG\r\n\x1a\n", 8), INSP_MEDIA_PNG);
    ck_assert_int_eq(insp_image_sniff("\x89PNG\r\n\x1a", 7), INSP_MEDIA_UNKNOWN);
    ck_assert_int_eq(insp_image_sniff("GIF89a", 6), INSP_MEDIA_UNKNOWN);
    ck_assert_int_eq(insp_image_sniff("", 0), INSP_MEDIA_UNKNOWN);
}
END_TEST

START_TEST(test_declared_type_must_fit) {
    struct insp_image_limits limits = insp_image_limits_default();
    struct insp_image *sample = sample_image(8, 8), *image = NULL;
    struct insp_error error = {0};
    unsigned char *png;
    size_t bytes;
    ck_insp_ok(insp_image_encode_png(sample->rgb, 8, 8, 3, &png, &bytes, &error), error);

    struct insp_media_type type = sample_type(INSP_MEDIA_JPEG);
    ck_insp_code(insp_image_decode(png, bytes, &type, 0, &limits, &image, &error), INSP_E_IMAGE, error);
    ck_assert_str_eq(error.detail, "declared as image/jpeg, but the bytes are image/png");
    ck_insp_code(insp_image_decode("hello there", 11, &type, 0, &limits, &image, &error), INSP_E_IMAGE, error);
    ck_assert_str_eq(error.detail, "declared as image/jpeg, but the 11 bytes do not start like one");
    type = sample_type(INSP_MEDIA_PNG);
    ck_insp_ok(insp_image_decode(png, bytes, &type, 0, &limits, &image, &error), error);
    ck_assert_mem_eq(image->rgb, sample->rgb, 8 * 8 * 3);
    insp_image_free(image);
    insp_image_free(sample);
    free(png);
}
END_TEST

START_TEST(test_bytes_are_limited) {
    struct insp_image_limits limits = insp_image_limits_default();
    limits.bytes = 10;
    sample_refused("\x89PNG\r\n\x1a\nabc", 11, &limits, INSP_E_IMAGE_LIMIT, "11 bytes; at most 10");
    sample_refused("", 0, &limits, INSP_E_IMAGE, "no bytes");
    sample_refused("nothing", 7, &limits, INSP_E_IMAGE, "neither a JPEG nor a PNG");
}
END_TEST

START_TEST(test_check_size) {
    struct insp_image_limits limits = {.bytes = 1, .width = 100, .height = 50, .pixels = 1000};
    struct insp_error error = {0};
    ck_insp_ok(insp_image_check_size("PNG", 20, 50, &limits, &error), error);
    ck_insp_code(insp_image_check_size("PNG", 101, 1, &limits, &error), INSP_E_IMAGE_LIMIT, error);
    ck_assert_str_eq(error.detail, "the PNG is 101 x 1 pixels; at most 100 x 50 are accepted");
    ck_insp_code(insp_image_check_size("PNG", 1, 51, &limits, &error), INSP_E_IMAGE_LIMIT, error);
    ck_insp_code(insp_image_check_size("PNG", 21, 48, &limits, &error), INSP_E_IMAGE_LIMIT, error);
    ck_assert_str_eq(error.detail, "the PNG is 21 x 48 pixels; at most 1000 pixels are accepted");
    ck_insp_code(insp_image_check_size("PNG", 0, 5, &limits, &error), INSP_E_IMAGE, error);
    limits = (struct insp_image_limits){.width = UINT32_MAX, .height = UINT32_MAX, .pixels = 1000};
    ck_insp_code(insp_image_check_size("raw image", UINT32_MAX, UINT32_MAX, &limits, &error), INSP_E_IMAGE_LIMIT,
                 error);
}
END_TEST

START_TEST(test_absurd_allocation_is_refused) {
    struct insp_image *image = NULL;
    struct insp_error error = {0};
    ck_insp_code(insp_image_new(UINT32_MAX, UINT32_MAX, &image, &error), INSP_E_NOMEM, error);
    insp_image_free(NULL);
}
END_TEST

INSP_TESTS(test_sniff, test_declared_type_must_fit, test_bytes_are_limited, test_check_size,
           test_absurd_allocation_is_refused);
