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

static uint8_t clamp(int eighths2) {
    int value = (eighths2 + 8) >> 4;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Five rows around a pixel, and the columns of its neighbours. */
struct window {
    const uint8_t *row[5];
    size_t column[5];
};

static int at(const struct window *w, int y, int x) {
    return w->row[y + 2][w->column[x + 2]];
}

/* Sums of the neighbours at distance 1 and 2 in one direction. */
static int across(const struct window *w, int step) {
    return at(w, 0, -step) + at(w, 0, step);
}
static int along(const struct window *w, int step) {
    return at(w, -step, 0) + at(w, step, 0);
}
static int corners(const struct window *w) {
    return at(w, -1, -1) + at(w, -1, 1) + at(w, 1, -1) + at(w, 1, 1);
}

/* The filters of the paper, times 16. */
static uint8_t green_at_colour(const struct window *w) {
    return clamp(8 * at(w, 0, 0) + 4 * (across(w, 1) + along(w, 1)) - 2 * (across(w, 2) + along(w, 2)));
}
static uint8_t colour_in_row(const struct window *w) { /* at green, the colour's pixels lie left and right */
    return clamp(10 * at(w, 0, 0) + 8 * across(w, 1) - 2 * corners(w) - 2 * across(w, 2) + along(w, 2));
}
static uint8_t colour_in_column(const struct window *w) {
    return clamp(10 * at(w, 0, 0) + 8 * along(w, 1) - 2 * corners(w) - 2 * along(w, 2) + across(w, 2));
}
static uint8_t colour_in_corners(const struct window *w) { /* red at blue, and the reverse */
    return clamp(12 * at(w, 0, 0) + 4 * corners(w) - 3 * (across(w, 2) + along(w, 2)));
}

void insp_bayer_rgb8(enum insp_bayer pattern, const uint8_t *raw, size_t width, size_t height, uint8_t *rgb) {
    /* Place of red in the 2x2 cell; blue lies diagonally opposite. */
    const size_t red_x = pattern == INSP_BAYER_GR || pattern == INSP_BAYER_BG;
    const size_t red_y = pattern == INSP_BAYER_GB || pattern == INSP_BAYER_BG;
    struct window w;
    for (size_t y = 0; y < height; y++) {
        for (int i = 0; i < 5; i++)
            w.row[i] = raw + mirror((ptrdiff_t)y + i - 2, height) * width;
        const bool red_row = (y & 1) == red_y;
        for (size_t x = 0; x < width; x++, rgb += 3) {
            for (int i = 0; i < 5; i++)
                w.column[i] = mirror((ptrdiff_t)x + i - 2, width);
            const bool green = ((x & 1) == red_x) != red_row;
            const int own = red_row ? RED : BLUE, other = red_row ? BLUE : RED; /* own: the colour of this row */
            if (green) {
                rgb[GREEN] = w.row[2][x];
                rgb[own] = colour_in_row(&w);
                rgb[other] = colour_in_column(&w);
            } else {
                rgb[own] = w.row[2][x];
                rgb[GREEN] = green_at_colour(&w);
                rgb[other] = colour_in_corners(&w);
            }
        }
    }
}
