#include "core/image/bayer.h"
#include "harness.h"

#include <stdlib.h>
#include <string.h>

enum { W = 12, H = 10 };

/* Colour (0 red, 1 green, 2 blue) of a pixel, straight from the names of the patterns. */
static int colour_of(enum insp_bayer pattern, size_t y, size_t x) {
    static const char cell[][5] = {
        [INSP_BAYER_RG] = "RGGB", [INSP_BAYER_GR] = "GRBG", [INSP_BAYER_GB] = "GBRG", [INSP_BAYER_BG] = "BGGR"};
    return (int)(strchr("RGB", cell[pattern][2 * (y & 1) + (x & 1)]) - "RGB");
}

static void mosaic(enum insp_bayer pattern, const uint8_t rgb[H][W][3], uint8_t raw[H][W]) {
    for (size_t y = 0; y < H; y++)
        for (size_t x = 0; x < W; x++)
            raw[y][x] = rgb[y][x][colour_of(pattern, y, x)];
}

START_TEST(one_colour_stays_what_it_is) {
    static const uint8_t colours[][3] = {{0, 0, 0}, {255, 255, 255}, {200, 100, 50}, {255, 0, 0}, {0, 255, 0}};
    for (int pattern = INSP_BAYER_RG; pattern <= INSP_BAYER_BG; pattern++)
        for (size_t i = 0; i < sizeof colours / sizeof *colours; i++) {
            uint8_t rgb[H][W][3], raw[H][W], out[H][W][3];
            for (size_t p = 0; p < (size_t)W * H; p++)
                memcpy((uint8_t *)rgb + 3 * p, colours[i], 3);
            mosaic((enum insp_bayer)pattern, rgb, raw);
            insp_bayer_rgb8((enum insp_bayer)pattern, &raw[0][0], W, H, &out[0][0][0]);
            ck_assert_mem_eq(out, rgb, sizeof rgb);
        }
}
END_TEST

START_TEST(a_grey_ramp_stays_grey_inside) {
    for (int pattern = INSP_BAYER_RG; pattern <= INSP_BAYER_BG; pattern++) {
        uint8_t rgb[H][W][3], raw[H][W], out[H][W][3];
        for (size_t y = 0; y < H; y++)
            for (size_t x = 0; x < W; x++)
                memset(rgb[y][x], (int)(10 + 8 * x + 9 * y), 3);
        mosaic((enum insp_bayer)pattern, rgb, raw);
        insp_bayer_rgb8((enum insp_bayer)pattern, &raw[0][0], W, H, &out[0][0][0]);
        for (size_t y = 2; y < H - 2; y++)
            ck_assert_mem_eq(out[y][2], rgb[y][2], 3 * (W - 4));
    }
}
END_TEST

START_TEST(the_pixel_itself_is_kept) {
    uint8_t raw[H][W], out[H][W][3];
    for (size_t i = 0; i < (size_t)W * H; i++)
        ((uint8_t *)raw)[i] = (uint8_t)(i * 73 + 5);
    for (int pattern = INSP_BAYER_RG; pattern <= INSP_BAYER_BG; pattern++) {
        insp_bayer_rgb8((enum insp_bayer)pattern, &raw[0][0], W, H, &out[0][0][0]);
        for (size_t y = 0; y < H; y++)
            for (size_t x = 0; x < W; x++)
                ck_assert_uint_eq(out[y][x][colour_of((enum insp_bayer)pattern, y, x)], raw[y][x]);
    }
}
END_TEST

START_TEST(small_pictures_are_mirrored_and_read_nothing_outside) {
    for (size_t w = 2; w <= 5; w++)
        for (size_t h = 2; h <= 5; h++) {
            uint8_t *raw = malloc(w * h), *out = malloc(3 * w * h); /* of that size, for the sanitizer */
            memset(raw, 90, w * h);
            insp_bayer_rgb8(INSP_BAYER_GB, raw, w, h, out);
            for (size_t i = 0; i < 3 * w * h; i++)
                ck_assert_uint_eq(out[i], 90);
            free(raw);
            free(out);
        }
}
END_TEST

INSP_TESTS(one_colour_stays_what_it_is, a_grey_ramp_stays_grey_inside, the_pixel_itself_is_kept,
           small_pictures_are_mirrored_and_read_nothing_outside);
