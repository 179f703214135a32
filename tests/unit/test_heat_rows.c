/* Upsampled rows against the formula, pixel by pixel. */
#include "core/compute/vgg16.h"
#include "core/heat/heat_rows.h"
#include "harness.h"

#include <math.h>

static struct insp_map_size size = {INSP_MAP_SIDE, INSP_MAP_SIDE};

static double way(uint32_t p, uint32_t side, unsigned cells, unsigned *i, unsigned *j) {
    double s = fmax(0, (p + 0.5) * ((double)cells / side) - 0.5);
    *i = (unsigned)s;
    *j = *i < cells - 1 ? *i + 1 : cells - 1;
    return s - *i;
}

static double plain(const float *m, uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
    unsigned x0, x1, y0, y1;
    double fx = way(x, width, size.columns, &x0, &x1), fy = way(y, height, size.rows, &y0, &y1);
    double left = m[y0 * size.columns + x0] + fy * ((double)m[y1 * size.columns + x0] - m[y0 * size.columns + x0]);
    double right =
        m[y0 * size.columns + x1] + fy * ((double)m[y1 * size.columns + x1] - m[y0 * size.columns + x1]);
    return left + fx * (right - left);
}

static void fill(float *map, uint32_t seed) {
    for (unsigned i = 0; i < insp_map_cells(size); i++) {
        seed = seed * 1664525 + 1013904223;
        float v = (float)(seed >> 8) / 16777216.0f;
        map[i] = v < 0.2f ? 0 : v > 0.8f ? 1 : v; /* plateaus at both ends, as clamping makes them */
    }
}

static void check(const float *map, uint32_t width, uint32_t height, double threshold) {
    struct insp_heat_rows rows;
    ck_assert_int_eq(insp_heat_rows_init(map, size, width, height, &rows, NULL), 0);
    for (uint32_t y = 0; y < height; y++) {
        double profile[INSP_HEAT_COLUMNS_MAX + 1], max = -1, run_max = -1;
        struct insp_heat_run run[INSP_HEAT_COLUMNS_MAX];
        insp_heat_rows_profile(&rows, y, profile);
        size_t count = insp_heat_rows_runs(&rows, profile, threshold, run), at = 0;
        for (uint32_t x = 0; x < width; x++) {
            double value = plain(map, x, y, width, height);
            max = fmax(max, value);
            while (at < count && run[at].end <= x) {
                ck_assert(run[at].max == run_max);
                run_max = -1;
                at++;
            }
            bool hot = at < count && x >= run[at].begin;
            ck_assert_msg(hot == (value >= threshold), "%u x %u at (%u, %u): %.17g", width, height, x, y, value);
            if (hot)
                run_max = fmax(run_max, value);
        }
        ck_assert(insp_heat_rows_max(&rows, profile, -1) == max);
        ck_assert(insp_heat_rows_max(&rows, profile, 2) == 2);
    }
    insp_heat_rows_clear(&rows);
}

START_TEST(test_equal_to_the_formula) {
    static const uint32_t sides[][2] = {{1, 1},   {2, 3},     {5, 14},   {14, 14},
                                        {13, 15}, {224, 224}, {97, 301}, {640, 11}};
    float map[INSP_MAP_FLOATS];
    for (size_t i = 0; i < INSP_COUNT(sides); i++) {
        for (uint32_t seed = 0; seed < 8; seed++) {
            static const double threshold[] = {0, 0.3, 0.7, 1};
            fill(map, seed);
            check(map, sides[i][0], sides[i][1], threshold[seed % 4]);
        }
    }
}
END_TEST

START_TEST(test_plateau_at_the_threshold_is_hot) {
    float map[INSP_MAP_FLOATS];
    for (unsigned i = 0; i < INSP_MAP_FLOATS; i++)
        map[i] = 0.7f;
    check(map, 101, 57, 0.7f);
}
END_TEST

START_TEST(test_maps_of_tiles) {
    static const struct insp_tiles grids[] = {{2, 1}, {1, 16}, {16, 4}, {8, 8}};
    static float map[INSP_TILES_MAP_MAX];
    for (uint32_t i = 0; i < INSP_COUNT(grids); i++) {
        size = insp_tiles_map(grids[i]);
        fill(map, i);
        check(map, 301, 97, 0.6);
        check(map, 50, 400, 0.6);
        check(map, 1, 1, 0.6);
    }
    size = (struct insp_map_size){INSP_MAP_SIDE, INSP_MAP_SIDE};
}
END_TEST

INSP_TESTS(test_maps_of_tiles, test_equal_to_the_formula, test_plateau_at_the_threshold_is_hot);
