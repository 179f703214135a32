#include "core/image/thumbnail.h"

#include "tests/unit/harness.h"

#include <string.h>

static const struct insp_media_type any = {INSP_MEDIA_UNKNOWN};

/* A JPEG whose left half is dark and right half is bright. */
static unsigned char *picture(uint32_t width, uint32_t height, size_t *ret_bytes) {
    uint8_t *rgb = calloc((size_t)width * height, 3);
    for (size_t i = 0; i < (size_t)width * height; i++)
        memset(rgb + 3 * i, i % width < width / 2 ? 20 : 230, 3);
    unsigned char *jpeg;
    struct insp_error err;
    ck_insp_ok(insp_image_encode_jpeg(rgb, width, height, 95, &jpeg, ret_bytes, &err), err);
    free(rgb);
    return jpeg;
}

static struct insp_image *shrink(uint32_t image_width, uint32_t image_height, uint32_t width) {
    const struct insp_image_limits limits = insp_image_limits_default();
    struct insp_image *image = NULL;
    unsigned char *small;
    size_t bytes, small_bytes;
    struct insp_error err;
    unsigned char *posted = picture(image_width, image_height, &bytes);
    ck_insp_ok(insp_image_thumbnail(posted, bytes, &any, image_width, image_height, width, &limits, &small,
                                    &small_bytes, &err),
               err);
    ck_assert_int_eq(insp_image_sniff(small, small_bytes), INSP_MEDIA_JPEG);
    ck_insp_ok(insp_image_decode(small, small_bytes, &any, 0, &limits, &image, &err), err);
    free(small);
    free(posted);
    return image;
}

START_TEST(test_sizes) {
    static const uint32_t cases[][4] = {/* width and height of the image, width asked for, height expected */
                                        {640, 480, 320, 240}, {640, 480, 16, 12},    {641, 479, 100, 75},
                                        {2000, 3, 16, 1},     {3, 2000, 2048, 2000}, {100, 100, 2048, 100},
                                        {1, 1, 16, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint32_t *c = cases[i];
        struct insp_image *image = shrink(c[0], c[1], c[2]);
        ck_assert_uint_eq(image->width, c[2] < c[0] ? c[2] : c[0]); /* never larger than the image */
        ck_assert_uint_eq(image->height, c[3]);
        insp_image_free(image);
    }
}
END_TEST

START_TEST(test_shows_the_image) {
    struct insp_image *image = shrink(1024, 768, 64);
    for (uint32_t y = 0; y < image->height; y++) {
        ck_assert_int_lt(image->rgb[3 * (y * 64 + 8)], 40);
        ck_assert_int_gt(image->rgb[3 * (y * 64 + 56)], 210);
    }
    insp_image_free(image);
}
END_TEST

START_TEST(test_what_is_no_image) {
    const struct insp_image_limits limits = insp_image_limits_default();
    unsigned char *small;
    size_t bytes;
    struct insp_error err;
    ck_insp_code(insp_image_thumbnail("no image", 8, &any, 10, 10, 16, &limits, &small, &bytes, &err),
                 INSP_E_IMAGE, err);
}
END_TEST

INSP_TESTS(test_sizes, test_shows_the_image, test_what_is_no_image);
