/* The colours of heat are ordered by lightness, for every kind of colour vision. */
#include "core/heat/heat_colour.h"
#include "harness.h"

#include <math.h>

static double linear(uint8_t v) {
    double s = v / 255.0;
    return s <= 0.04045 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4);
}

static double lightness(const uint8_t rgb[3]) {
    double y = 0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2]);
    return y > 0.008856 ? 116 * cbrt(y) - 16 : 903.3 * y;
}

START_TEST(test_lightness_rises_evenly) {
    uint8_t colour[256][3];
    insp_heat_colours(colour);
    for (unsigned i = 0; i < 256; i++)
        ck_assert_double_eq_tol(lightness(colour[i]), 2 + 92 * i / 255.0, 0.8);
    for (unsigned i = 8; i < 256; i++)
        ck_assert_double_gt(lightness(colour[i]), lightness(colour[i - 8]));
}
END_TEST

START_TEST(test_hot_is_not_grey) {
    uint8_t colour[256][3];
    insp_heat_colours(colour);
    for (unsigned i = 96; i < 230; i++) /* the colours of the threshold and overlay views */
        ck_assert_int_gt(colour[i][0], colour[i][2] + 40);
}
END_TEST

INSP_TESTS(test_lightness_rises_evenly, test_hot_is_not_grey);
