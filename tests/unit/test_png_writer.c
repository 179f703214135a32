/* The PNG writer, read back by the decoder. */
#include "core/image/png_writer.h"
#include "image_samples.h"

START_TEST(test_round_trip) {
    static const uint32_t sides[][2] = {{1, 1}, {3, 200}, {257, 2}, {64, 64}};
    for (size_t i = 0; i < INSP_COUNT(sides); i++) {
        uint32_t w = sides[i][0], h = sides[i][1];
        struct insp_image *image = sample_image(w, h);
        struct insp_error error = {0};
        unsigned char *png;
        size_t bytes;
        ck_insp_ok(insp_image_encode_png(image->rgb, w, h, 3, &png, &bytes, &error), error);
        struct insp_image *back = sample_decode(png, bytes, 0);
        ck_assert_mem_eq(back->rgb, image->rgb, (size_t)w * h * 3);
        insp_image_free(back);
        insp_image_free(image);
        free(png);
    }
}
END_TEST

START_TEST(test_grey_and_alpha) {
    struct insp_error error = {0};
    unsigned char *png;
    size_t bytes;
    ck_insp_ok(insp_image_encode_png((const uint8_t *)"\x00\xff", 2, 1, 1, &png, &bytes, &error), error);
    struct insp_image *back = sample_decode(png, bytes, 0);
    ck_assert_mem_eq(back->rgb, "\0\0\0\xff\xff\xff", 6);
    insp_image_free(back);
    free(png);
    ck_insp_ok(insp_image_encode_png((const uint8_t *)"abc\xff"
                                                      "abc\0",
                                     2, 1, 4, &png, &bytes, &error),
               error);
    ck_assert_int_eq(png[25], 6); /* colour type: truecolour with alpha */
    back = sample_decode(png, bytes, 0);
    ck_assert_mem_eq(back->rgb, "abc\0\0\0", 6);
    insp_image_free(back);
    free(png);
}
END_TEST

START_TEST(test_row_count_is_kept) {
    struct insp_png_writer *writer;
    struct insp_error error = {0};
    unsigned char *png;
    size_t bytes;
    ck_insp_ok(insp_png_writer_new(1, 2, 3, INSP_PNG_DRAWING, &writer, &error), error);
    ck_insp_ok(insp_png_writer_row(writer, (const uint8_t *)"abc", &error), error);
    ck_insp_code(insp_png_writer_finish(writer, &png, &bytes, &error), INSP_E_INTERNAL, error);
    ck_insp_ok(insp_png_writer_row(writer, (const uint8_t *)"def", &error), error);
    ck_insp_code(insp_png_writer_row(writer, (const uint8_t *)"ghi", &error), INSP_E_INTERNAL, error);
    ck_insp_ok(insp_png_writer_finish(writer, &png, &bytes, &error), error);
    insp_png_writer_free(writer);
    struct insp_image *back = sample_decode(png, bytes, 0);
    ck_assert_mem_eq(back->rgb, "abcdef", 6);
    insp_image_free(back);
    free(png);
    insp_png_writer_free(NULL);
}
END_TEST

START_TEST(test_given_up_half_way) {
    struct insp_png_writer *writer;
    ck_assert_int_eq(insp_png_writer_new(4, 4, 3, INSP_PNG_PHOTO, &writer, NULL), 0);
    ck_assert_int_eq(insp_png_writer_row(writer, (const uint8_t *)"0123456789ab", NULL), 0);
    insp_png_writer_free(writer); /* the leak checker checks the rest */
}
END_TEST

INSP_TESTS(test_round_trip, test_grey_and_alpha, test_row_count_is_kept, test_given_up_half_way);
