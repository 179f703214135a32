#include "core/base/cleanup.h"
#include "core/region/tiles.h"

#include "harness.h"

#include <string.h>

static struct insp_error err;

START_TEST(grids_are_read_and_written) {
    static const char *const good[] = {"4x3", "16x4", "8x8", "1x2", "16x1"};
    static const char *const bad[] = {"",     "4",    "4x",   "x3",    "0x3",  "3x0",   "17x1", "9x8",  "16x5",
                                      "4 x3", "-1x2", "4x3 ", "4x3x2", "+4x3", "100x1", "4X3",  "4x256"};
    struct insp_tiles tiles, back;
    char text[INSP_TILES_TEXT_BYTES];
    for (size_t i = 0; i < INSP_COUNT(good); i++) {
        ck_assert(insp_tiles_parse(good[i], &tiles));
        ck_assert_str_eq(insp_tiles_text(tiles, text), good[i]);
        json_t *json = insp_tiles_json(tiles);
        ck_insp_ok(insp_tiles_read(json, &back, &err), err);
        ck_assert(insp_tiles_equal(tiles, back) && insp_tiles_on(back));
        json_decref(json);
    }
    for (size_t i = 0; i < INSP_COUNT(bad); i++)
        ck_assert_msg(!insp_tiles_parse(bad[i], &tiles), "%s", bad[i]);
    ck_assert(insp_tiles_parse("1x1", &tiles) && !insp_tiles_on(tiles) && insp_tiles_count(tiles) == 1);
    ck_assert_str_eq(insp_tiles_text(tiles, text), "1x1");
    ck_assert(json_is_null(insp_tiles_json(tiles)));
    json_t *odd = json_pack("{s:i, s:f}", "columns", 2, "rows", 1.5);
    ck_insp_code(insp_tiles_read(odd, &tiles, &err), INSP_E_PARAMETER, err);
    json_decref(odd);
}
END_TEST

/* Tiles cover each pixel, overlap their neighbours, and end with the picture. */
START_TEST(tiles_cover_the_picture) {
    static const uint32_t sizes[][2] = {{4096, 3072}, {4095, 3071}, {640, 480}, {1, 1}, {3, 200}, {16384, 16384}};
    static const struct insp_tiles grids[] = {{2, 1}, {4, 3}, {8, 6}, {16, 4}, {1, 16}};
    for (size_t s = 0; s < INSP_COUNT(sizes); s++)
        for (size_t g = 0; g < INSP_COUNT(grids); g++) {
            const uint32_t width = sizes[s][0], height = sizes[s][1];
            for (size_t t = 0; t < insp_tiles_count(grids[g]); t++) {
                const struct insp_tile_rect r = insp_tiles_rect(grids[g], t, width, height);
                ck_assert(r.width >= 1 && r.height >= 1 && r.x + r.width <= width && r.y + r.height <= height);
                if (t % grids[g].columns == 0)
                    ck_assert_uint_eq(r.x, 0);
                else
                    ck_assert_uint_le(r.x, insp_tiles_rect(grids[g], t - 1, width, height).x +
                                               insp_tiles_rect(grids[g], t - 1, width, height).width);
                if (t % grids[g].columns == grids[g].columns - 1U)
                    ck_assert_uint_eq(r.x + r.width, width);
            }
            const struct insp_tile_rect last =
                insp_tiles_rect(grids[g], insp_tiles_count(grids[g]) - 1, width, height);
            ck_assert_uint_eq(last.y + last.height, height);
        }
    const struct insp_tile_rect second = insp_tiles_rect((struct insp_tiles){8, 6}, 1, 4096, 3072);
    ck_assert(second.x == 502 && second.width == 585 && second.y == 0 && second.height == 581);
}
END_TEST

START_TEST(a_grid_fits_that_needs_no_upsampling) {
    ck_assert(insp_tiles_fit((struct insp_tiles){0, 0}, 8, 8));
    ck_assert(insp_tiles_fit((struct insp_tiles){8, 6}, 4096, 3072));
    ck_assert(!insp_tiles_fit((struct insp_tiles){8, 6}, 640, 480));
    for (uint32_t width = 1; width < 5000; width += 37)
        for (uint32_t height = 1; height < 5000; height += 411) {
            struct insp_tiles most = insp_tiles_most(width, height);
            ck_assert(insp_tiles_fit(most, width, height));
        }
    struct insp_tiles most = insp_tiles_most(640, 480);
    ck_assert(most.columns == 3 && most.rows == 2);
    most = insp_tiles_most(60000, 60000);
    ck_assert(most.columns == 8 && most.rows == 8);
    ck_assert(!insp_tiles_on(insp_tiles_most(100, 100)));
}
END_TEST

/* A ramp that all tiles see has no seam; the heat of one tile alone fades towards its edge. */
START_TEST(stitching_leaves_no_seam) {
    const struct insp_tiles tiles = {3, 2};
    float map[196], whole[38 * 26] = {0};
    for (size_t t = 0; t < 6; t++) {
        for (size_t y = 0; y < 14; y++) /* a ramp over the whole picture */
            for (size_t x = 0; x < 14; x++)
                map[y * 14 + x] = (float)(t % 3 * 12 + x) + 100 * (float)(t / 3 * 12 + y);
        insp_tiles_stitch(tiles, t, map, whole);
    }
    for (size_t i = 0; i < 38 * 26; i++)
        ck_assert_float_eq_tol(whole[i], (float)(i % 38) + 100 * (float)(i / 38), 1e-3F);
    memset(whole, 0, sizeof whole);
    for (size_t i = 0; i < 196; i++)
        map[i] = 1;
    insp_tiles_stitch(tiles, 1, map, whole);
    const float expected[] = {0, 0.25F, 0.75F, 1};
    for (size_t i = 0; i < 4; i++)
        ck_assert_float_eq_tol(whole[11 + i], expected[i], 1e-6F);
    ck_assert_float_eq_tol(whole[26], 0, 1e-6F);
    ck_assert_float_eq_tol(whole[25], 0.25F, 1e-6F);
}
END_TEST

START_TEST(reducing_keeps_the_hottest_cell) {
    static float map[INSP_TILES_MAP_MAX], small[196];
    const struct insp_map_size size = insp_tiles_map((struct insp_tiles){16, 4});
    ck_assert(size.columns == 194 && size.rows == 50 && insp_map_cells(size) == INSP_TILES_MAP_MAX);
    for (size_t i = 0; i < insp_map_cells(size); i += 97) {
        size_t hot = 0;
        map[i] = 2;
        insp_map_reduce(size, map, small);
        for (size_t cell = 0; cell < 196; cell++)
            hot += small[cell] == 2;
        ck_assert(hot >= 1 && hot <= 4);
        map[i] = 0;
    }
    for (size_t i = 0; i < 196; i++)
        map[i] = (float)i;
    insp_map_reduce((struct insp_map_size){14, 14}, map, small);
    ck_assert_mem_eq(small, map, sizeof small);
}
END_TEST

INSP_TESTS(grids_are_read_and_written, tiles_cover_the_picture, a_grid_fits_that_needs_no_upsampling,
           stitching_leaves_no_seam, reducing_keeps_the_hottest_cell);
