/* Statistics of pictures, by pictures whose numbers are known. */
#include "core/image/stats.h"

#include "image_samples.h"

#include <math.h>

static struct insp_image *filled(uint32_t width, uint32_t height, unsigned red, unsigned green, unsigned blue) {
    struct insp_image *image = NULL;
    ck_assert_int_eq(insp_image_new(width, height, &image, NULL), 0);
    for (size_t i = 0; i < (size_t)width * height; i++) {
        image->rgb[3 * i] = (uint8_t)red;
        image->rgb[3 * i + 1] = (uint8_t)green;
        image->rgb[3 * i + 2] = (uint8_t)blue;
    }
    return image;
}

#define ck_stat(stats, name, expected)                                                                            \
    ck_assert_msg(fabsf((stats).value[INSP_STAT_##name] - (float)(expected)) < 1e-3f, #name " is %g",             \
                  (double)(stats).value[INSP_STAT_##name])

START_TEST(test_one_colour) {
    struct insp_image *image = filled(300, 200, 10, 20, 40);
    struct insp_image_stats stats;
    insp_image_stats(image, NULL, &stats);
    ck_stat(stats, SIDE, 200);
    ck_stat(stats, ASPECT, 1.5);
    ck_stat(stats, BITS, 8);
    ck_stat(stats, DARK, 10);
    ck_stat(stats, BRIGHT, 40);
    ck_stat(stats, SPREAD, 0);
    ck_stat(stats, MEAN, 22.5);
    ck_stat(stats, CHROMA, 30);
    ck_stat(stats, SATURATED, 0);
    insp_image_free(image);
}
END_TEST

/* A tenth of the rows is white, one pixel in a thousand red: too few to count. */
START_TEST(test_tails_and_shares) {
    struct insp_image *image = filled(100, 100, 50, 50, 50);
    memset(image->rgb, 255, (size_t)10 * 100 * 3);
    for (size_t i = 0; i < 10; i++)
        image->rgb[(size_t)(30 * 100 + i) * 3 + 1] = 0;
    struct insp_image_stats stats;
    insp_image_stats(image, NULL, &stats);
    ck_stat(stats, DARK, 50);
    ck_stat(stats, BRIGHT, 255);
    ck_stat(stats, SPREAD, 205);
    ck_stat(stats, SATURATED, 0.1);
    ck_stat(stats, CHROMA, 0.05);
    insp_image_free(image);
}
END_TEST

/* Only some of the pixels are looked at, and they lie everywhere. */
START_TEST(test_large) {
    struct insp_image *image = filled(1031, 977, 100, 100, 100);
    for (uint32_t y = 0; y < 977; y++)
        memset(image->rgb + ((size_t)y * 1031 + 515) * 3, 200, (size_t)516 * 3);
    struct insp_image_stats stats;
    insp_image_stats(image, NULL, &stats);
    ck_stat(stats, SPREAD, 100);
    ck_assert(fabsf(stats.value[INSP_STAT_MEAN] - 150) < 1);
    insp_image_free(image);
    image = filled(1, 1, 254, 0, 0);
    insp_image_stats(image, NULL, &stats);
    ck_stat(stats, SATURATED, 1);
    ck_stat(stats, SPREAD, 0);
    insp_image_free(image);
    image = filled(70001, 1, 7, 7, 7);
    insp_image_stats(image, NULL, &stats);
    ck_stat(stats, MEAN, 7);
    insp_image_free(image);
}
END_TEST

START_TEST(test_ranges) {
    struct insp_stat_ranges ranges = insp_stat_ranges_none();
    struct insp_image_stats stats;
    for (size_t i = 0; i < INSP_STAT_COUNT; i++)
        ck_assert(!insp_stat_known(&ranges, (enum insp_stat)i));
    for (int n = 5; n < 8; n++) {
        for (size_t i = 0; i < INSP_STAT_COUNT; i++)
            stats.value[i] = (float)(n % 3 + (int)i);
        insp_stat_ranges_add(&ranges, &stats);
    }
    ck_assert_uint_eq(ranges.count, 3);
    for (size_t i = 0; i < INSP_STAT_COUNT; i++) {
        ck_assert(insp_stat_known(&ranges, (enum insp_stat)i));
        ck_assert(ranges.low[i] == (float)i && ranges.high[i] == (float)i + 2);
    }
}
END_TEST

INSP_TESTS(test_one_colour, test_tails_and_shares, test_large, test_ranges);
