/* The JPEG encoder, read back by the decoder. */
#include "image_samples.h"

START_TEST(test_round_trip) {
    struct insp_image *image = sample_image(300, 200);
    struct insp_error error = {0};
    unsigned char *jpeg;
    size_t bytes;
    ck_insp_ok(insp_image_encode_jpeg(image->rgb, 300, 200, 92, &jpeg, &bytes, &error), error);
    struct insp_image *back = sample_decode(jpeg, bytes, 0);
    for (size_t i = 0; i < 300 * 200 * 3; i++)
        ck_assert_int_le(abs(back->rgb[i] - image->rgb[i]), 24);
    insp_image_free(back);
    insp_image_free(image);
    free(jpeg);
}
END_TEST

/* Noise at full quality outgrows the first buffer several times. */
START_TEST(test_large_output) {
    enum { SIDE = 512 };
    uint8_t *noise = malloc(SIDE * SIDE * 3);
    uint32_t state = 1;
    for (size_t i = 0; i < SIDE * SIDE * 3; i++) {
        state = state * 1664525 + 1013904223;
        noise[i] = (uint8_t)(state >> 24);
    }
    struct insp_error error = {0};
    unsigned char *jpeg;
    size_t bytes;
    ck_insp_ok(insp_image_encode_jpeg(noise, SIDE, SIDE, 100, &jpeg, &bytes, &error), error);
    ck_assert_uint_gt(bytes, 256 << 10);
    insp_image_free(sample_decode(jpeg, bytes, 0));
    free(jpeg);
    free(noise);
}
END_TEST

START_TEST(test_impossible_sizes) {
    struct insp_error error = {0};
    unsigned char *jpeg = NULL;
    size_t bytes = 7;
    ck_insp_code(insp_image_encode_jpeg((const uint8_t *)"abc", 65501, 1, 90, &jpeg, &bytes, &error),
                 INSP_E_IMAGE_LIMIT, error);
    ck_insp_code(insp_image_encode_jpeg((const uint8_t *)"abc", 0, 1, 90, &jpeg, &bytes, &error), INSP_E_INTERNAL,
                 error);
    ck_assert_ptr_null(jpeg);
    ck_assert_uint_eq(bytes, 7);
}
END_TEST

INSP_TESTS(test_round_trip, test_large_output, test_impossible_sizes);
