#include "core/train/features/half.h"
#include "harness.h"

#include <math.h>

static uint16_t half(float value) {
    uint16_t h;
    insp_half_from_float(&value, 1, &h);
    return h;
}

START_TEST(known_values) {
    ck_assert_uint_eq(half(0), 0);
    ck_assert_uint_eq(half(-0.0f), 0x8000);
    ck_assert_uint_eq(half(1), 0x3c00);
    ck_assert_uint_eq(half(-2), 0xc000);
    ck_assert_uint_eq(half(65504), 0x7bff);
    ck_assert_uint_eq(half(0x1p-14f), 0x0400);
    ck_assert_uint_eq(half(0x1p-24f), 0x0001);
    ck_assert_uint_eq(half(0.333251953125f), 0x3555);
}
END_TEST

START_TEST(ties_go_to_even) {
    ck_assert_uint_eq(half(1 + 0x1p-11f), 0x3c00);     /* half way from 1 to the next: 1 is even */
    ck_assert_uint_eq(half(1 + 3 * 0x1p-11f), 0x3c02); /* half way from odd to even */
    ck_assert_uint_eq(half(1 + 0x1.1p-11f), 0x3c01);
    ck_assert_uint_eq(half(0x1p-25f), 0); /* half way from 0 to the smallest */
    ck_assert_uint_eq(half(3 * 0x1p-25f), 2);
}
END_TEST

START_TEST(too_large_is_clamped) {
    ck_assert_uint_eq(half(1e6f), 0x7bff);
    ck_assert_uint_eq(half(-INFINITY), 0xfbff);
}
END_TEST

START_TEST(every_finite_half_comes_back) {
    for (uint32_t h = 0; h < 0x10000; h++) {
        if ((h & 0x7c00) == 0x7c00)
            continue;
        uint16_t there = (uint16_t)h;
        float value;
        insp_half_to_float(&there, 1, &value);
        ck_assert_uint_eq(half(value), h);
    }
}
END_TEST

INSP_TESTS(known_values, ties_go_to_even, too_large_is_clamped, every_finite_half_comes_back);
