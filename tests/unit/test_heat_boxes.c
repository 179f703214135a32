/* Boxes by hand; tests/parity/test_boxes.py has the flood fill. */
#include "harness.h"
#include "heat_samples.h"

static struct insp_heat_summary summary(const float *map, uint32_t width, uint32_t height) {
    struct insp_heat_summary result;
    struct insp_error error = {0};
    ck_insp_ok(insp_heat_summarise(&SAMPLE_PARAMS, true, map, width, height, &result, &error), error);
    return result;
}

START_TEST(test_one_cell) {
    float map[INSP_MAP_FLOATS];
    sample_map(map, (const unsigned[][2]){{3, 5}}, 1);
    /* 14 pixels a cell, the peak between pixels 76 and 77: hot while 1 - distance / 14 >= 0.7, |distance| <= 4.2,
     * but the vertical factor shares in: at the middle rows 1 - 0.5 / 14. */
    struct insp_heat_summary s = summary(map, 196, 196);
    ck_assert_uint_eq(s.box_count, 1);
    ck_assert_uint_eq(s.box[0].width, s.box[0].height);
    ck_assert_uint_eq(s.box[0].width, 8);
    ck_assert_uint_eq(s.box[0].x, 5 * 14 + 7 - 4);
    ck_assert_uint_eq(s.box[0].y, 3 * 14 + 7 - 4);
    ck_assert_float_eq(s.box[0].max, s.max);
    ck_assert_float_eq_tol(s.max, (27.0f / 28) * (27.0f / 28), 1e-6f);
    ck_assert(s.area > 30 / (196.0f * 196) && s.area < 64 / (196.0f * 196));
}
END_TEST

START_TEST(test_diagonal_cells_are_apart_and_sorted) {
    float map[INSP_MAP_FLOATS];
    sample_map(map, (const unsigned[][2]){{2, 2}, {3, 3}, {9, 9}, {9, 10}, {10, 9}}, 5);
    struct insp_heat_summary s = summary(map, 224, 224); /* between diagonal peaks the heat falls to 1/2 */
    ck_assert_uint_eq(s.box_count, 3);
    ck_assert_uint_gt(s.box[0].width, 16); /* the corner of three cells first, then the upper of two equals */
    ck_assert_uint_lt(s.box[1].y, s.box[2].y);
    /* At the map's own resolution there is nothing between them: they touch at a corner. */
    s = summary(map, 14, 14);
    ck_assert_uint_eq(s.box_count, 2);
    ck_assert_uint_eq(s.box[1].x, 2);
    ck_assert_uint_eq(s.box[1].width, 2);
}
END_TEST

/* A spiral: many runs a row that turn out to be one region late. */
START_TEST(test_spiral_is_one_region) {
    static const char *const rows[14] = {"##############", ".............#", "############.#", "#..........#.#",
                                         "#.########.#.#", "#.#......#.#.#", "#.#.####.#.#.#", "#.#.#....#.#.#",
                                         "#.#.######.#.#", "#.#........#.#", "#.##########.#", "#............#",
                                         "##############", ".............."};
    float map[INSP_MAP_FLOATS];
    for (unsigned i = 0; i < INSP_MAP_FLOATS; i++)
        map[i] = rows[i / 14][i % 14] == '#';
    for (uint32_t side = 14; side < 300; side += 71) {
        struct insp_heat_summary s = summary(map, side, side);
        ck_assert_uint_eq(s.box_count, 1);
        ck_assert_uint_eq(s.box[0].x, 0);
        ck_assert_uint_eq(s.box[0].width, side);
    }
}
END_TEST

START_TEST(test_checkerboard_has_the_most_boxes) {
    float map[INSP_MAP_FLOATS];
    for (unsigned i = 0; i < INSP_MAP_FLOATS; i++)
        map[i] = (float)((i / 14 + i % 14) % 2);
    struct insp_heat_summary s = summary(map, 280, 280);
    ck_assert_uint_eq(s.box_count, INSP_BOXES_MAX);
    ck_assert_uint_eq(INSP_BOXES_MAX, 98);
}
END_TEST

START_TEST(test_extremes) {
    float map[INSP_MAP_FLOATS];
    sample_map(map, NULL, 0);
    struct insp_heat_summary s = summary(map, 64, 48);
    ck_assert_uint_eq(s.box_count, 0);
    ck_assert_float_eq(s.max, 0);
    ck_assert_float_eq(s.area, 0);
    for (unsigned i = 0; i < INSP_MAP_FLOATS; i++)
        map[i] = 2 + (float)i; /* clamped: all hot */
    s = summary(map, 64, 48);
    ck_assert_uint_eq(s.box_count, 1);
    ck_assert_uint_eq(s.box[0].width, 64);
    ck_assert_uint_eq(s.box[0].height, 48);
    ck_assert_float_eq(s.area, 1);
    s = summary(map, 1, 1);
    ck_assert_uint_eq(s.box_count, 1);
    s = summary(map, 16384, 3900);
    ck_assert_uint_eq(s.box[0].height, 3900);
}
END_TEST

START_TEST(test_per_image_has_boxes_for_anomalies_only) {
    float map[INSP_MAP_FLOATS];
    sample_map(map, (const unsigned[][2]){{7, 7}}, 1);
    struct insp_heat_params params = {.scale = INSP_SCALE_PER_IMAGE, .threshold = 0.7f};
    struct insp_heat_summary s;
    ck_assert_int_eq(insp_heat_summarise(&params, false, map, 140, 140, &s, NULL), 0);
    ck_assert_uint_eq(s.box_count, 0);
    ck_assert_float_eq(s.area, 0);
    ck_assert_float_gt(s.max, 0.8f);
    ck_assert_int_eq(insp_heat_summarise(&params, true, map, 140, 140, &s, NULL), 0);
    ck_assert_uint_eq(s.box_count, 1);
}
END_TEST

INSP_TESTS(test_one_cell, test_diagonal_cells_are_apart_and_sorted, test_spiral_is_one_region,
           test_checkerboard_has_the_most_boxes, test_extremes, test_per_image_has_boxes_for_anomalies_only);
