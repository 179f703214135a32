#include "core/image/bayer.h"

#include <stdbool.h>

enum { RED, GREEN, BLUE };

/* Mirrors an index at the border, so that its parity, and with it its colour, stays. */
static size_t mirror(ptrdiff_t at, size_t count) {
    ptrdiff_t last = (ptrdiff_t)count - 1;
    if (at < 0)
        at = -at;
    if (at > last)
        at = 2 * last - at;
    return (size_t)(at < 0 ? 0 : at > last ? last : at);
}

static uint8_t clamp(int sixteenths) {
    int value = (sixteenths + 8) >> 4;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* A pixel, and sums of its neighbours at distance 1 and 2 in its row and in its column, and at its corners. */
struct around {
    int own, row1, row2, column1, column2, corners;
};

/* Reads them at a column, whose neighbours lie at left2..right2. */
static inline struct around look(const uint8_t *const row[5], size_t left2, size_t left, size_t x, size_t right,
                                 size_t right2) {
    return (struct around){
        .own = row[2][x],
        .row1 = row[2][left] + row[2][right],
        .row2 = row[2][left2] + row[2][right2],
        .column1 = row[1][x] + row[3][x],
        .column2 = row[0][x] + row[4][x],
        .corners = row[1][left] + row[1][right] + row[3][left] + row[3][right],
    };
}

/* Applies the filters of the paper, times 16.
 *   green     the pixel is green; else it has the colour of its row
 *   red_row   that colour is red; else blue */
static inline void fill(const struct around *a, bool green, bool red_row, uint8_t *rgb) {
    const int same = red_row ? RED : BLUE, other = red_row ? BLUE : RED;
    if (green) {
        rgb[GREEN] = (uint8_t)a->own;
        rgb[same] = clamp(10 * a->own + 8 * a->row1 - 2 * a->corners - 2 * a->row2 + a->column2);
        rgb[other] = clamp(10 * a->own + 8 * a->column1 - 2 * a->corners - 2 * a->column2 + a->row2);
    } else {
        rgb[same] = (uint8_t)a->own;
        rgb[GREEN] = clamp(8 * a->own + 4 * (a->row1 + a->column1) - 2 * (a->row2 + a->column2));
        rgb[other] = clamp(12 * a->own + 4 * a->corners - 3 * (a->row2 + a->column2));
    }
}

static void fill_at_border(const uint8_t *const row[5], size_t x, size_t width, bool green, bool red_row,
                           uint8_t *rgb) {
    const ptrdiff_t at = (ptrdiff_t)x;
    const struct around a =
        look(row, mirror(at - 2, width), mirror(at - 1, width), x, mirror(at + 1, width), mirror(at + 2, width));
    fill(&a, green, red_row, rgb + 3 * x);
}

/* Fills a row. green0: its first pixel is green. */
static void fill_row(const uint8_t *const row[5], size_t width, bool green0, bool red_row, uint8_t *rgb) {
    enum { BORDER = 2 };
    const size_t inside = width > 2 * BORDER ? width - BORDER : 0;
    for (size_t x = 0; x < width; x++)
        if (x < BORDER || x >= inside)
            fill_at_border(row, x, width, green0 != (x & 1), red_row, rgb);
    for (size_t x = BORDER; x + 1 < inside; x += 2) {
        const struct around first = look(row, x - 2, x - 1, x, x + 1, x + 2);
        const struct around second = look(row, x - 1, x, x + 1, x + 2, x + 3);
        fill(&first, green0, red_row, rgb + 3 * x);
        fill(&second, !green0, red_row, rgb + 3 * x + 3);
    }
    if (inside > BORDER && (inside - BORDER) % 2)
        fill_at_border(row, inside - 1, width, green0 != ((inside - 1) & 1), red_row, rgb);
}

void insp_bayer_rgb8(enum insp_bayer pattern, const uint8_t *raw, size_t width, size_t height, uint8_t *rgb) {
    /* Place of red in the 2x2 cell; blue lies diagonally opposite. */
    const size_t red_x = pattern == INSP_BAYER_GR || pattern == INSP_BAYER_BG;
    const size_t red_y = pattern == INSP_BAYER_GB || pattern == INSP_BAYER_BG;
    for (size_t y = 0; y < height; y++) {
        const uint8_t *row[5];
        for (int i = 0; i < 5; i++)
            row[i] = raw + mirror((ptrdiff_t)y + i - 2, height) * width;
        const bool red_row = (y & 1) == red_y;
        fill_row(row, width, red_row == (red_x == 1), red_row, rgb + 3 * width * y);
    }
}
