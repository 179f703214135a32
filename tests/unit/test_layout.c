#include "core/image/layout.h"

#include "tests/unit/harness.h"

#include <math.h>
#include <string.h>

enum { SIDE = 64 };

static uint8_t pixels[SIDE * SIDE * 3];
static struct insp_image picture = {.width = SIDE, .height = SIDE, .rgb = pixels};

static void paint(uint8_t (*level)(unsigned x, unsigned y)) {
    for (unsigned y = 0; y < SIDE; y++)
        for (unsigned x = 0; x < SIDE; x++)
            memset(pixels + (y * SIDE + x) * 3, level(x, y), 3);
}

static uint8_t step(unsigned x, unsigned y) {
    (void)y;
    return x < SIDE / 2 ? 40 : 200;
}

/* The same edge, over 16 pixels. */
static uint8_t ramp(unsigned x, unsigned y) {
    (void)y;
    return x < 24 ? 40 : x < 40 ? (uint8_t)(40 + (x - 24) * 10) : 200;
}

static uint8_t faint_step(unsigned x, unsigned y) {
    return (uint8_t)(100 + (step(x, y) - 40) / 8);
}

static uint8_t plain(unsigned x, unsigned y) {
    (void)x;
    (void)y;
    return 77;
}

START_TEST(blur_lowers_sharpness_and_contrast_does_not_matter) {
    paint(step);
    float sharp = insp_sharpness_of(&picture);
    ck_assert_float_eq_tol(sharp, 2.0f / 4, 1e-6f); /* two second differences of 160, four differences of 160 */
    paint(faint_step);
    ck_assert_float_eq_tol(insp_sharpness_of(&picture), sharp, 1e-6f);
    paint(ramp);
    ck_assert_float_lt(insp_sharpness_of(&picture), sharp / 20);
    paint(plain);
    ck_assert(insp_sharpness_of(&picture) == 0);
}
END_TEST

START_TEST(layout_says_where_what_is) {
    struct insp_layout layout;
    paint(step);
    insp_layout_of(&picture, &layout);
    for (size_t cell = 0; cell < INSP_LAYOUT_SIDE * INSP_LAYOUT_SIDE; cell++) {
        const float *number = layout.number + cell * INSP_LAYOUT_KINDS;
        size_t column = cell % INSP_LAYOUT_SIDE;
        for (size_t c = 0; c < 3; c++)
            ck_assert(number[c] == (column < INSP_LAYOUT_SIDE / 2 ? 40 : 200));
        /* The edge lies at the left of column 4: one of its 8 pixels a row differs by 160. */
        ck_assert_float_eq_tol(number[3], column == INSP_LAYOUT_SIDE / 2 ? 16 * log2f(21) : 0, 1e-4f);
    }
    struct insp_image odd = picture; /* 63 x 61: cells differ in size */
    odd.width = 63;
    odd.height = 61;
    paint(plain);
    insp_layout_of(&odd, &layout);
    for (size_t i = 0; i < INSP_LAYOUT_NUMBERS; i++)
        ck_assert(layout.number[i] == (i % INSP_LAYOUT_KINDS == 3 ? 0 : 77));
}
END_TEST

/* Layouts that differ in one number by 30 levels up or down. */
static void some(struct insp_layout *layout, size_t count) {
    memset(layout, 0, count * sizeof *layout);
    for (size_t n = 0; n < count; n++)
        layout[n].number[5] = n % 2 ? 130 : 70;
}

START_TEST(distances_are_from_the_others) {
    static struct insp_layout layout[INSP_LAYOUT_PICTURES_MIN];
    struct insp_layout_range range;
    some(layout, INSP_COUNT(layout));
    insp_layout_range_of(layout, INSP_COUNT(layout) - 1, &range);
    ck_assert(!range.known && insp_layout_distance(&range, &layout[0]) == 0);
    insp_layout_range_of(layout, INSP_COUNT(layout), &range);
    ck_assert(range.known);
    ck_assert(range.mean[5] == 100 && range.deviation[4] == INSP_LAYOUT_DEVIATION_MIN);
    ck_assert_float_eq_tol(range.deviation[5], 30 * sqrtf(20.0f / 19), 1.0f / 256);
    /* From the 19 others, whose mean is 30/19 further away, in units of their deviation. */
    const double n = 19, mean = 100 + 30 / n,
                 deviation = sqrt((n * 10000 + n * 900 + 2 * 100 * 30 - n * mean * mean) / (n - 1));
    ck_assert_float_eq_tol(range.largest, (float)((mean - 70) / deviation / sqrt(INSP_LAYOUT_NUMBERS)), 1e-4f);
    struct insp_layout far = layout[0];
    far.number[5] = 100;
    ck_assert(insp_layout_distance(&range, &far) == 0);
    far.number[4] = 16 * INSP_LAYOUT_DEVIATION_MIN;
    ck_assert_float_eq_tol(insp_layout_distance(&range, &far), 1, 1e-6f);
}
END_TEST

INSP_TESTS(blur_lowers_sharpness_and_contrast_does_not_matter, layout_says_where_what_is,
           distances_are_from_the_others);
