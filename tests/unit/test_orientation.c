/* EXIF orientation. tests/parity/test_decode.py holds all eight against Pillow. */
#include "image_samples.h"

static const unsigned char BIG[] = "MM\0*\0\0\0\x08\0\x02\x01\x00\0\x04\0\0\0\1\0\0\0\x09"
                                   "\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
static const unsigned char LITTLE[] = "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0\0\0\0\0";

START_TEST(test_read) {
    ck_assert_uint_eq(insp_exif_orientation(BIG, sizeof BIG - 1), 6);
    ck_assert_uint_eq(insp_exif_orientation(LITTLE, sizeof LITTLE - 1), 8);
    ck_assert_uint_eq(insp_exif_orientation("", 0), 1);
    ck_assert_uint_eq(insp_exif_orientation("JUNKJUNKJUNK", 12), 1);
}
END_TEST

/* Cut anywhere and changed anywhere: a number from 1 to 8, and no read outside. */
START_TEST(test_damaged) {
    for (size_t count = 0; count < sizeof BIG; count++) {
        unsigned char *copy = malloc(count ? count : 1);
        memcpy(copy, BIG, count);
        ck_assert_uint_ge(insp_exif_orientation(copy, count), 1);
        for (size_t i = 0; i < count; i++) {
            copy[i] ^= 0xff;
            unsigned orientation = insp_exif_orientation(copy, count);
            ck_assert(orientation >= 1 && orientation <= 8);
            copy[i] ^= 0xff;
        }
        free(copy);
    }
    unsigned char changed[sizeof LITTLE];
    memcpy(changed, LITTLE, sizeof changed);
    changed[18] = 9; /* no orientation */
    ck_assert_uint_eq(insp_exif_orientation(changed, sizeof changed - 1), 1);
    memcpy(changed, LITTLE, sizeof changed);
    changed[12] = 4; /* a LONG; Exif requires a SHORT */
    ck_assert_uint_eq(insp_exif_orientation(changed, sizeof changed - 1), 1);
}
END_TEST

/* A 3 x 2 picture with a number in each pixel. */
START_TEST(test_upright) {
    static const struct {
        uint8_t orientation, pixel[6];
    } cases[] = {
        {1, {1, 2, 3, 4, 5, 6}}, {2, {3, 2, 1, 6, 5, 4}}, {3, {6, 5, 4, 3, 2, 1}}, {4, {4, 5, 6, 1, 2, 3}},
        {5, {1, 4, 2, 5, 3, 6}}, {6, {4, 1, 5, 2, 6, 3}}, {7, {6, 3, 5, 2, 4, 1}}, {8, {3, 6, 2, 5, 1, 4}},
        {0, {1, 2, 3, 4, 5, 6}}, {9, {1, 2, 3, 4, 5, 6}},
    };
    for (size_t i = 0; i < INSP_COUNT(cases); i++) {
        struct insp_image *image = NULL;
        struct insp_error error;
        ck_insp_ok(insp_image_new(3, 2, &image, &error), error);
        for (size_t p = 0; p < 6; p++)
            memset(image->rgb + 3 * p, (int)p + 1, 3);
        image->posted_width = 6;
        image->posted_height = 4;
        image->source.orientation = cases[i].orientation;
        ck_insp_ok(insp_image_make_upright(image, &error), error);
        bool turned = cases[i].orientation >= 5 && cases[i].orientation <= 8;
        ck_assert_uint_eq(image->width, turned ? 2 : 3);
        ck_assert_uint_eq(image->height, turned ? 3 : 2);
        ck_assert_uint_eq(image->posted_width, turned ? 4 : 6);
        ck_assert_uint_eq(image->posted_height, turned ? 6 : 4);
        for (size_t p = 0; p < 6; p++)
            ck_assert_uint_eq(image->rgb[3 * p + 1], cases[i].pixel[p]);
        insp_image_free(image);
    }
}
END_TEST

INSP_TESTS(test_read, test_damaged, test_upright);
