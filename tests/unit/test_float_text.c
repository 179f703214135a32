#include "core/base/float_text.h"
#include "tests/unit/harness.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_no_more_digits_than_needed) {
    static const struct {
        float value;
        const char *text;
    } rows[] = {{0.7f, "0.7"},   {0.1f, "0.1"},          {1e-4f, "0.0001"},           {0, "0"},
                {-2.5f, "-2.5"}, {16777216, "16777216"}, {0.33333334f, "0.33333334"}, {FLT_MAX, "3.4028235e+38"}};
    char text[INSP_FLOAT_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        insp_float_text(rows[i].value, text);
        ck_assert_str_eq(text, rows[i].text);
    }
}
END_TEST

START_TEST(test_each_float_reads_back) {
    char text[INSP_FLOAT_BYTES];
    uint32_t bits = 1;
    for (int i = 0; i < 20000; i++) {
        float value;
        bits = bits * 1664525 + 1013904223;
        memcpy(&value, &bits, sizeof value);
        insp_float_text(value, text);
        if (isfinite(value))
            ck_assert(strtof(text, NULL) == value);
        else
            ck_assert_str_eq(text, "");
    }
}
END_TEST

INSP_TESTS(test_no_more_digits_than_needed, test_each_float_reads_back);
