/* The rule that a picture whose content was lost on the way is never trusted, and that products which are dark,
 * flat or grey by nature are. */
#include "core/inspect/suspect.h"

#include "image_samples.h"

#include <math.h>

/* A usual picture of a part: nothing is wrong with it. */
static struct insp_image_stats usual(void) {
    struct insp_image_stats stats = {0};
    stats.value[INSP_STAT_SIDE] = 480;
    stats.value[INSP_STAT_ASPECT] = 4.0f / 3;
    stats.value[INSP_STAT_BITS] = 8;
    stats.value[INSP_STAT_DARK] = 20;
    stats.value[INSP_STAT_BRIGHT] = 220;
    stats.value[INSP_STAT_SPREAD] = 190;
    stats.value[INSP_STAT_MEAN] = 110;
    stats.value[INSP_STAT_SATURATED] = 0.01f;
    stats.value[INSP_STAT_CHROMA] = 20;
    return stats;
}

#define BIT(name) (1u << INSP_SUSPECT_##name)

struct change {
    enum insp_stat stat;
    float value;
    uint32_t reasons;
};

static void check(const struct insp_stat_ranges *ranges, const struct change *change, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct insp_image_stats stats = usual();
        stats.value[change[i].stat] = change[i].value;
        uint32_t reasons = insp_suspect_reasons(&stats, ranges);
        ck_assert_msg(reasons == change[i].reasons, "%s = %g: reasons %x, expected %x",
                      insp_stat_name(change[i].stat), (double)change[i].value, reasons, change[i].reasons);
    }
}

START_TEST(test_without_training_pictures) {
    static const struct change changes[] = {
        {INSP_STAT_BRIGHT, 220, 0},
        {INSP_STAT_BRIGHT, 16, BIT(BLACK)},
        {INSP_STAT_BRIGHT, 17, 0},
        {INSP_STAT_DARK, 250, BIT(WHITE)},
        {INSP_STAT_DARK, 249, 0},
        {INSP_STAT_SPREAD, 8, BIT(FLAT)},
        {INSP_STAT_SPREAD, 9, 0},
        {INSP_STAT_SATURATED, 0.96f, BIT(SATURATED)},
        {INSP_STAT_SATURATED, 0.9f, 0},
        {INSP_STAT_BITS, 12, 0},
        {INSP_STAT_BITS_GUESSED, 1, BIT(BIT_DEPTH)},
        {INSP_STAT_ALPHA_IGNORED, 1, BIT(ALPHA)},
        {INSP_STAT_TRANSPARENT, 0.95f, BIT(ALPHA)},
        {INSP_STAT_TRANSPARENT, 0.5f, 0},
        {INSP_STAT_CHROMA, 0, 0},
        {INSP_STAT_MEAN, 250, 0},
        {INSP_STAT_ASPECT, 20, 0},
        {INSP_STAT_SIDE, 1, 0},
    };
    const struct insp_stat_ranges none = insp_stat_ranges_none();
    check(&none, changes, INSP_COUNT(changes));
}
END_TEST

START_TEST(test_with_training_pictures) {
    static const struct change changes[] = {
        {INSP_STAT_BRIGHT, 221, 0},
        {INSP_STAT_BRIGHT, 105, BIT(RANGE)},
        {INSP_STAT_BRIGHT, 16, BIT(BLACK)},
        {INSP_STAT_SPREAD, 90, BIT(RANGE)},
        {INSP_STAT_SPREAD, 8, BIT(FLAT)},
        {INSP_STAT_MEAN, 60, BIT(RANGE)},
        {INSP_STAT_MEAN, 160, BIT(RANGE)},
        {INSP_STAT_MEAN, 75, 0},
        {INSP_STAT_SATURATED, 0.6f, BIT(SATURATED)},
        {INSP_STAT_SATURATED, 0.4f, 0},
        {INSP_STAT_CHROMA, 1, BIT(COLOUR)},
        {INSP_STAT_CHROMA, 80, BIT(COLOUR)},
        {INSP_STAT_BITS, 12, BIT(BIT_DEPTH)},
        {INSP_STAT_BITS_GUESSED, 1, BIT(BIT_DEPTH)},
        {INSP_STAT_ALPHA_IGNORED, 1, BIT(ALPHA)},
        {INSP_STAT_TRANSPARENT, 0.2f, BIT(ALPHA)},
        {INSP_STAT_ASPECT, 0.75f, BIT(SHAPE)},
        {INSP_STAT_ASPECT, 1.0f, 0},
        {INSP_STAT_SIDE, 100, BIT(SIZE)},
        {INSP_STAT_SIDE, 230, 0},
    };
    struct insp_stat_ranges ranges = insp_stat_ranges_none();
    const struct insp_image_stats stats = usual();
    insp_stat_ranges_add(&ranges, &stats);
    check(&ranges, changes, INSP_COUNT(changes));
}
END_TEST

/* Dark, flat, white, grey, transparent and 12-bit products are inspected if the model was trained on such
 * pictures; a picture without content is still suspect. */
START_TEST(test_products_that_are_so_by_nature) {
    static const struct {
        enum insp_stat stat;
        float trained, lost;
        uint32_t reason;
    } cases[] = {
        {INSP_STAT_BRIGHT, 14, 6, BIT(BLACK)},          {INSP_STAT_SPREAD, 6, 2, BIT(FLAT)},
        {INSP_STAT_DARK, 251, 254, BIT(WHITE)},         {INSP_STAT_SATURATED, 0.97f, 0.99f, BIT(SATURATED)},
        {INSP_STAT_CHROMA, 0, 30, BIT(COLOUR)},         {INSP_STAT_TRANSPARENT, 0.95f, 1.2f, BIT(ALPHA)},
        {INSP_STAT_ALPHA_IGNORED, 1, 0, BIT(ALPHA)},    {INSP_STAT_BITS, 12, 10, BIT(BIT_DEPTH)},
        {INSP_STAT_BITS_GUESSED, 1, 0, BIT(BIT_DEPTH)},
    };
    for (size_t i = 0; i < INSP_COUNT(cases); i++) {
        struct insp_stat_ranges ranges = insp_stat_ranges_none();
        struct insp_image_stats stats = usual();
        stats.value[cases[i].stat] = cases[i].trained;
        insp_stat_ranges_add(&ranges, &stats);
        ck_assert_msg(insp_suspect_reasons(&stats, &ranges) == 0, "case %zu", i);
        stats.value[cases[i].stat] = cases[i].lost;
        ck_assert_msg(insp_suspect_reasons(&stats, &ranges) == cases[i].reason, "case %zu", i);
    }
}
END_TEST

/* From pixels to reasons: pictures of a camera with the lamp off, the cap on or the wrong number of bits. */
START_TEST(test_pictures) {
    const struct insp_stat_ranges none = insp_stat_ranges_none();
    for (int level = 0; level < 256; level += 51) {
        struct insp_image *image = sample_image(200, 150);
        struct insp_image_stats stats;
        insp_image_stats(image, NULL, &stats);
        ck_assert_uint_eq(insp_suspect_reasons(&stats, &none), 0);
        uint32_t noise = 1;
        for (size_t i = 0; i < (size_t)200 * 150 * 3; i++) {
            noise = noise * 1664525 + 1013904223;
            int value = level + (int)(noise >> 30);
            image->rgb[i] = (uint8_t)(value > 255 ? 255 : value);
        }
        insp_image_stats(image, NULL, &stats);
        uint32_t reasons = insp_suspect_reasons(&stats, &none);
        ck_assert(reasons & BIT(FLAT));
        ck_assert(!(reasons & BIT(BLACK)) == (level > 0));
        ck_assert(!(reasons & BIT(WHITE)) == (level < 255));
        insp_image_free(image);
    }
}
END_TEST

START_TEST(test_names) {
    for (unsigned i = 0; i < INSP_SUSPECT_COUNT; i++)
        ck_assert_uint_gt(strlen(insp_suspect_name((enum insp_suspect_reason)i)), 3);
    ck_assert_str_eq(insp_suspect_name(INSP_SUSPECT_BIT_DEPTH), "bit_depth");
    ck_assert_int_le(INSP_SUSPECT_COUNT, 31);
    ck_assert(insp_suspect_verdict(INSP_VERDICT_GOOD, 0) == INSP_VERDICT_GOOD);
    ck_assert(insp_suspect_verdict(INSP_VERDICT_GOOD, 1) == INSP_VERDICT_REVIEW);
    ck_assert(insp_suspect_verdict(INSP_VERDICT_ANOMALY, 1) == INSP_VERDICT_ANOMALY);
}
END_TEST

/* The limits of focus and layout come from the training pictures alone. */
START_TEST(test_focus_and_layout) {
    struct insp_stat_ranges ranges = insp_stat_ranges_none();
    struct insp_image_stats stats = usual();
    static struct insp_layout layout[INSP_LAYOUT_PICTURES_MIN];
    stats.laid_out = true;
    stats.value[INSP_STAT_SHARP] = 0.2f;
    ck_assert_uint_eq(insp_suspect_reasons(&stats, &ranges), 0);
    insp_stat_ranges_add(&ranges, &stats);
    for (size_t i = 0; i < INSP_LAYOUT_PICTURES_MIN; i++)
        layout[i] = stats.layout;
    insp_layout_range_of(layout, INSP_LAYOUT_PICTURES_MIN, &ranges.layout);
    ck_assert_uint_eq(insp_suspect_reasons(&stats, &ranges), 0);
    stats.value[INSP_STAT_SHARP] = 0.1f;
    ck_assert_uint_eq(insp_suspect_reasons(&stats, &ranges), 0);
    stats.value[INSP_STAT_SHARP] = 0.099f;
    ck_assert_uint_eq(insp_suspect_reasons(&stats, &ranges), BIT(OUT_OF_FOCUS));
    stats.value[INSP_STAT_SHARP] = 5; /* noise is no reason by itself */
    ck_assert_uint_eq(insp_suspect_reasons(&stats, &ranges), 0);
    for (size_t i = 0; i < INSP_LAYOUT_NUMBERS; i++)
        stats.layout.number[i] += 2 * INSP_LAYOUT_DEVIATION_MIN;
    ck_assert_uint_eq(insp_suspect_reasons(&stats, &ranges), 0); /* pictures all alike: at the smallest limit */
    stats.layout.number[7] += 1;
    ck_assert_uint_eq(insp_suspect_reasons(&stats, &ranges), BIT(UNLIKE_PRODUCT));
    ranges.layout.largest = 1.4f; /* they differ: 1.5 times of that counts */
    ck_assert_uint_eq(insp_suspect_reasons(&stats, &ranges), 0);
    stats.value[INSP_STAT_BRIGHT] = 3; /* a black picture has one reason */
    stats.value[INSP_STAT_SHARP] = 0;
    ranges.layout.largest = 0;
    ck_assert_uint_eq(insp_suspect_reasons(&stats, &ranges), BIT(BLACK));
    stats = usual(); /* not measured */
    stats.value[INSP_STAT_SHARP] = NAN;
    ck_assert_uint_eq(insp_suspect_reasons(&stats, &ranges), 0);
}
END_TEST

START_TEST(test_a_picture_smaller_than_its_tiles_need_is_suspect) {
    struct insp_image_stats stats = usual(); /* 640x480 */
    ck_assert_uint_eq(insp_suspect_tiles((struct insp_tiles){0, 0}, &stats), 0);
    ck_assert_uint_eq(insp_suspect_tiles((struct insp_tiles){2, 2}, &stats), 0);
    ck_assert_uint_eq(insp_suspect_tiles((struct insp_tiles){2, 3}, &stats), BIT(SIZE));
    stats.value[INSP_STAT_ASPECT] = 3.0f / 4;
    ck_assert_uint_eq(insp_suspect_tiles((struct insp_tiles){3, 2}, &stats), BIT(SIZE));
}
END_TEST

INSP_TESTS(test_a_picture_smaller_than_its_tiles_need_is_suspect, test_focus_and_layout,
           test_without_training_pictures, test_with_training_pictures, test_products_that_are_so_by_nature,
           test_pictures, test_names);
