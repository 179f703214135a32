/* Properties of the resize that need no reference. tests/parity/test_resize.py compares it with Pillow. */
#include "image_samples.h"

static struct insp_image *resized(const struct insp_image *image, uint32_t width, uint32_t height) {
    struct insp_image *result = NULL;
    struct insp_error error = {0};
    ck_insp_ok(insp_image_resize(image, width, height, &result, &error), error);
    ck_assert_uint_eq(result->width, width);
    ck_assert_uint_eq(result->height, height);
    ck_assert_uint_eq(result->posted_width, image->posted_width);
    return result;
}

START_TEST(test_same_size_is_a_copy) {
    struct insp_image *image = sample_image(33, 21);
    image->posted_width = 66;
    struct insp_image *result = resized(image, 33, 21);
    ck_assert_ptr_ne(result->rgb, image->rgb);
    ck_assert_mem_eq(result->rgb, image->rgb, 33 * 21 * 3);
    insp_image_free(result);
    insp_image_free(image);
}
END_TEST

START_TEST(test_one_side_only) {
    struct insp_image *image = sample_image(40, 30);
    struct insp_image *narrow = resized(image, 20, 30), *both = resized(narrow, 20, 15),
                      *direct = resized(image, 20, 15);
    ck_assert_mem_eq(both->rgb, direct->rgb, 20 * 15 * 3); /* the passes are width first, rounded between */
    insp_image_free(narrow);
    insp_image_free(both);
    insp_image_free(direct);
    insp_image_free(image);
}
END_TEST

/* A constant image stays constant, also at sizes whose rounded weights do not sum to 1. */
START_TEST(test_constant_stays_constant) {
    static const uint32_t sides[][2] = {{1, 1}, {1, 500}, {16384, 1}, {16383, 7}, {999, 224}, {3, 1000}};
    for (size_t i = 0; i < INSP_COUNT(sides); i++) {
        struct insp_image *image = sample_image(sides[i][0], 2);
        memset(image->rgb, 255, (size_t)sides[i][0] * 2 * 3);
        struct insp_image *result = resized(image, sides[i][1], 2);
        for (size_t at = 0; at < (size_t)sides[i][1] * 2 * 3; at++)
            ck_assert_uint_eq(result->rgb[at], 255);
        insp_image_free(result);
        insp_image_free(image);
    }
}
END_TEST

/* By hand: 4 pixels to 2. Centres at 1 and 3, triangle of half-width 2: weights 1, 3, 3, 1 of 8, cut at the edge.
 */
START_TEST(test_halving_by_hand) {
    struct insp_image *image = sample_image(4, 1);
    memcpy(image->rgb, "\0\0\0\x60\x60\x60\0\0\0\0\0\0", 12);
    struct insp_image *result = resized(image, 2, 1);
    ck_assert_uint_eq(result->rgb[0], 41); /* 96 * 3 / 7 = 41.1 */
    ck_assert_uint_eq(result->rgb[3], 14); /* 96 * 1 / 7 = 13.7 */
    insp_image_free(result);
    insp_image_free(image);
}
END_TEST

START_TEST(test_no_side_of_zero) {
    struct insp_image *image = sample_image(4, 4), *result = NULL;
    struct insp_error error = {0};
    ck_insp_code(insp_image_resize(image, 0, 4, &result, &error), INSP_E_INTERNAL, error);
    ck_assert_ptr_null(result);
    insp_image_free(image);
}
END_TEST

INSP_TESTS(test_same_size_is_a_copy, test_one_side_only, test_constant_stays_constant, test_halving_by_hand,
           test_no_side_of_zero);
