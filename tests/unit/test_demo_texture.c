/* The carpet: deterministic, smooth, never dark, never twice the same. */
#include "core/dataset/demo/demo_texture.h"
#include "harness.h"

#include <math.h>

START_TEST(test_uniform_is_uniform) {
    unsigned bin[10] = {0};
    for (uint64_t i = 0; i < 10000; i++) {
        double v = insp_demo_uniform(7, i, -2, 3);
        ck_assert(v >= -2 && v < 3);
        bin[(unsigned)((v + 2) * 2)]++;
    }
    for (unsigned i = 0; i < 10; i++)
        ck_assert_msg(bin[i] > 850 && bin[i] < 1150, "bin %u has %u of 10000", i, bin[i]);
    ck_assert(insp_demo_hash(1, 2) != insp_demo_hash(2, 1));
}
END_TEST

START_TEST(test_noise_is_smooth_across_cells) {
    for (double x = -3; x < 3; x += 0.001) {
        double here = insp_demo_noise(5, x, 0.3), there = insp_demo_noise(5, x + 0.001, 0.3);
        ck_assert(fabs(here) <= 1);
        ck_assert_double_le(fabs(here - there), 0.0031); /* the steepest smoothstep between -1 and 1 */
    }
}
END_TEST

START_TEST(test_carpet_stays_within_its_look) {
    for (uint64_t key = 0; key < 20; key++) {
        struct insp_demo_carpet carpet = insp_demo_carpet_new(key);
        double sum = 0, square = 0;
        for (unsigned i = 0; i < 4096; i++) {
            double rgb[3];
            insp_demo_carpet_colour(&carpet, (i % 64) / 64.0, (i / 64) / 64.0, rgb);
            sum += rgb[1];
            square += rgb[1] * rgb[1];
            ck_assert(rgb[0] > 20 && rgb[0] < 280);
        }
        double mean = sum / 4096, deviation = sqrt(square / 4096 - mean * mean);
        ck_assert_msg(mean > 100 && mean < 180, "key %u: mean %g", (unsigned)key, mean);
        ck_assert_msg(deviation > 12 && deviation < 45, "key %u: deviation %g", (unsigned)key, deviation);
        ck_assert(fabs(carpet.sine) < 0.06); /* a little askew */
    }
}
END_TEST

INSP_TESTS(test_uniform_is_uniform, test_noise_is_smooth_across_cells, test_carpet_stays_within_its_look);
