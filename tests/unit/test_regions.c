/* Small pictures by hand; tests/unit/test_heat_boxes.c and tests/parity/test_boxes.py drive it through the boxes.
 */
#include "core/heat/regions.h"

#include "harness.h"

#include <string.h>

/* '.' is nothing; a digit is a pixel, and the run's max is its first digit. */
static size_t label(struct insp_regions *regions, size_t limit, const char *const *rows, size_t count, int want) {
    struct insp_error error = {0};
    ck_insp_ok(insp_regions_init(regions, 1, 1, limit, &error), error);
    for (uint32_t y = 0; y < count; y++) {
        struct insp_heat_run run[32];
        size_t runs = 0;
        for (uint32_t x = 0; rows[y][x];) {
            if (rows[y][x] == '.') {
                x++;
                continue;
            }
            run[runs] = (struct insp_heat_run){.begin = x, .max = rows[y][x] - '0'};
            while (rows[y][x] && rows[y][x] != '.')
                x++;
            run[runs++].end = x;
        }
        int code = insp_regions_row(regions, y, run, runs, &error);
        if (want) {
            if (!code)
                continue;
            ck_assert_int_eq(code, want);
            return 0;
        }
        ck_insp_ok(code, error);
    }
    ck_assert_int_eq(want, 0);
    return insp_regions_finish(regions);
}

START_TEST(corners_join_and_gaps_part) {
    static const char *const rows[] = {"1..1.", ".1..1", "....1", "1...."};
    struct insp_regions regions;
    ck_assert_uint_eq(label(&regions, 100, rows, 4, 0), 3);
    ck_assert_uint_eq(regions.at[0].pixels, 2);
    ck_assert_uint_eq(regions.at[1].pixels, 3);
    ck_assert_uint_eq(regions.at[1].x1, 4);
    ck_assert_uint_eq(regions.at[2].y0, 3);
    insp_regions_clear(&regions);
}
END_TEST

START_TEST(late_joins_keep_extent_and_maximum) {
    static const char *const rows[] = {"1.2.3.4", "1.1.1.1", "1111111", "......."};
    struct insp_regions regions;
    ck_assert_uint_eq(label(&regions, 100, rows, 4, 0), 1);
    ck_assert_uint_eq(regions.at[0].pixels, 15);
    ck_assert_uint_eq(regions.at[0].x0, 0);
    ck_assert_uint_eq(regions.at[0].x1, 6);
    ck_assert_uint_eq(regions.at[0].y1, 2);
    ck_assert_double_eq(regions.at[0].max, 4);
    insp_regions_clear(&regions);
}
END_TEST

START_TEST(a_noise_picture_is_stopped_at_the_limit) {
    static const char *const rows[] = {"1.1.1.1", ".......", "1.1.1.1"};
    struct insp_regions regions;
    label(&regions, 7, rows, 3, INSP_E_IMAGE_LIMIT);
    insp_regions_clear(&regions);
    ck_assert_uint_eq(label(&regions, 8, rows, 3, 0), 8);
    insp_regions_clear(&regions);
}
END_TEST

INSP_TESTS(corners_join_and_gaps_part, late_joins_keep_extent_and_maximum,
           a_noise_picture_is_stopped_at_the_limit);
