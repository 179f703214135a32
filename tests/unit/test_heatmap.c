/* Scaling of the class activation map. */
#include "core/compute/vgg16.h"
#include "core/heat/heatmap.h"
#include "harness.h"

#include <math.h>

static const struct insp_heat_params FIXED = {.scale = INSP_SCALE_FIXED, .threshold = 0.7f, .low = -1, .high = 3};
static const struct insp_heat_params PER_IMAGE = {.scale = INSP_SCALE_PER_IMAGE, .threshold = 0.7f};

static void ramp(float *cam) {
    for (unsigned i = 0; i < INSP_MAP_FLOATS; i++)
        cam[i] = (float)i / 39 - 2; /* -2 .. 3 */
}

START_TEST(test_fixed) {
    float cam[INSP_MAP_FLOATS], heat[INSP_MAP_FLOATS];
    ramp(cam);
    insp_heat_scale(&FIXED, cam, heat);
    for (unsigned i = 0; i < INSP_MAP_FLOATS; i++)
        ck_assert_float_eq_tol(heat[i], fmaxf(0, (cam[i] + 1) / 4), 1e-6f);
    struct insp_heat_params low = FIXED;
    low.high = 0;
    insp_heat_scale(&low, cam, cam); /* in place */
    ck_assert_float_eq(cam[0], 0);
    ck_assert_float_eq(cam[195], 1);
}
END_TEST

START_TEST(test_per_image) {
    float cam[INSP_MAP_FLOATS], heat[INSP_MAP_FLOATS];
    ramp(cam);
    insp_heat_scale(&PER_IMAGE, cam, heat);
    ck_assert_float_eq(heat[0], 0);
    ck_assert_float_eq(heat[195], 1);
    ck_assert_float_eq_tol(heat[39], 0.2f, 1e-6f);
}
END_TEST

START_TEST(test_flat_is_zero) {
    static const float level[] = {0, 2, -5, 1e30f};
    for (size_t l = 0; l < INSP_COUNT(level); l++) {
        float cam[INSP_MAP_FLOATS], heat[INSP_MAP_FLOATS];
        for (unsigned i = 0; i < INSP_MAP_FLOATS; i++)
            cam[i] = level[l] * (1 + (float)(i % 2) * 1e-7f); /* with the rounding of a long sum */
        for (unsigned both = 0; both < 2; both++) {
            insp_heat_scale(both ? &PER_IMAGE : &FIXED, cam, heat);
            for (unsigned i = 0; i < INSP_MAP_FLOATS; i++)
                ck_assert_float_eq(heat[i], 0);
        }
    }
}
END_TEST

START_TEST(test_strange_values) {
    float cam[INSP_MAP_FLOATS], heat[INSP_MAP_FLOATS];
    ramp(cam);
    cam[0] = NAN;
    cam[1] = INFINITY;
    cam[2] = -INFINITY;
    for (unsigned both = 0; both < 2; both++) {
        insp_heat_scale(both ? &PER_IMAGE : &FIXED, cam, heat);
        ck_assert_float_eq(heat[0], 0);
        ck_assert_float_eq(heat[1], 1);
        ck_assert_float_eq(heat[2], 0);
        ck_assert_float_eq(heat[195], 1);
    }
    for (unsigned i = 0; i < INSP_MAP_FLOATS; i++)
        cam[i] = NAN;
    insp_heat_scale(&PER_IMAGE, cam, heat);
    ck_assert_float_eq(heat[7], 0);
    struct insp_heat_params none = FIXED;
    none.high = none.low;
    ramp(cam);
    insp_heat_scale(&none, cam, heat);
    ck_assert_float_eq(heat[195], 0);
}
END_TEST

START_TEST(test_view_names) {
    enum insp_heat_view view;
    ck_assert(insp_heat_view_parse("overlay", &view) && view == INSP_VIEW_OVERLAY);
    ck_assert(insp_heat_view_parse("threshold", &view) && view == INSP_VIEW_THRESHOLD);
    ck_assert(insp_heat_view_parse("raw", &view) && view == INSP_VIEW_RAW);
    ck_assert(!insp_heat_view_parse("Raw", &view));
    ck_assert(!insp_heat_view_parse("", &view));
}
END_TEST

INSP_TESTS(test_fixed, test_per_image, test_flat_is_zero, test_strange_values, test_view_names);
