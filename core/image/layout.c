#include "core/image/layout.h"

#include "core/base/cleanup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = INSP_LAYOUT_SIDE, KINDS = INSP_LAYOUT_KINDS, NUMBERS = INSP_LAYOUT_NUMBERS, CHANNELS = 3, FAR = 4 };

/* Returns 4 times the level of a pixel. */
static int level4(const uint8_t *pixel) {
    return pixel[0] + 2 * pixel[1] + pixel[2];
}

/* --- layout --- */

/* Adds up a piece of a row: red, green, blue, and 4 times the texture. above: the row above, or the row itself. */
static void add_piece(const uint8_t *row, const uint8_t *above, uint32_t from, uint32_t to, uint64_t sum[KINDS]) {
    uint32_t colour[CHANNELS] = {0}, texture = 0; /* of at most 65,500 pixels */
    for (uint32_t x = from; x < to; x++) {
        const uint8_t *p = row + (size_t)x * CHANNELS;
        for (size_t c = 0; c < CHANNELS; c++)
            colour[c] += p[c];
        texture += (unsigned)abs(level4(p) - level4(above + (size_t)x * CHANNELS));
    }
    for (uint32_t x = from ? from : 1; x < to; x++)
        texture += (unsigned)abs(level4(row + (size_t)x * CHANNELS) - level4(row + (size_t)(x - 1) * CHANNELS));
    for (size_t c = 0; c < CHANNELS; c++)
        sum[c] += colour[c];
    sum[CHANNELS] += texture;
}

/* Returns where cell i, 0..SIDE, of a line of n pixels begins. */
static uint32_t begin_of(size_t i, uint32_t n) {
    return (uint32_t)((i * (uint64_t)n + SIDE - 1) / SIDE);
}

void insp_layout_of(const struct insp_image *picture, struct insp_layout *ret) {
    const size_t stride = (size_t)picture->width * CHANNELS;
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) {
        uint32_t left = begin_of(i % SIDE, picture->width), right = begin_of(i % SIDE + 1, picture->width);
        uint32_t top = begin_of(i / SIDE, picture->height), bottom = begin_of(i / SIDE + 1, picture->height);
        uint64_t sum[KINDS] = {0};
        for (uint32_t y = top; y < bottom; y++)
            add_piece(picture->rgb + y * stride, picture->rgb + (y ? y - 1 : 0) * stride, left, right, sum);
        float *number = ret->number + i * KINDS;
        double pixels = fmax((double)(right - left) * (bottom - top), 1);
        for (size_t c = 0; c < CHANNELS; c++)
            number[c] = (float)((double)sum[c] / pixels);
        number[CHANNELS] = (float)(16 * log2(1 + (double)sum[CHANNELS] / 4 / pixels));
    }
}

/* --- sharpness --- */

/* Adds up the squares of second differences in steps of one, of n values. */
static uint64_t second_differences(const int16_t *a, const int16_t *b, const int16_t *c, size_t n) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t d = a[i] - 2 * b[i] + c[i];
        sum += (uint32_t)(d * d); /* below 2^23 */
    }
    return sum;
}

static uint64_t differences(const int16_t *a, const int16_t *b, size_t n) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t d = a[i] - b[i];
        sum += (uint32_t)(d * d);
    }
    return sum;
}

float insp_sharpness_of(const struct insp_image *picture) {
    size_t width = picture->width, height = picture->height;
    uint64_t near = 0, far = 0;
    _cleanup_free_ int16_t *level = calloc(width * height, sizeof *level);
    if (!level)
        return NAN;
    for (size_t i = 0; i < width * height; i++)
        level[i] = (int16_t)level4(picture->rgb + i * CHANNELS);
    for (size_t y = 0; y < height; y++) {
        const int16_t *row = level + y * width;
        if (width > 2)
            near += second_differences(row, row + 1, row + 2, width - 2);
        if (width > FAR)
            far += differences(row, row + FAR, width - FAR);
        if (y >= 2)
            near += second_differences(row, row - width, row - 2 * width, width);
        if (y >= FAR)
            far += differences(row, row - FAR * width, width);
    }
    return far ? (float)((double)near / (double)far) : 0;
}

/* Writes 1 for each pixel that counts and whose four neighbours count. */
static void erode(const uint8_t *keep, size_t width, size_t height, uint8_t *ret) {
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            size_t at = y * width + x;
            ret[at] = keep[at] && (!x || keep[at - 1]) && (x + 1 == width || keep[at + 1]) &&
                      (!y || keep[at - width]) && (y + 1 == height || keep[at + width]);
        }
}

/* Adds the differences of a line of n pixels, `step` apart. */
static void add_line(const struct insp_image *picture, const uint8_t *keep, size_t first, size_t step, size_t n,
                     uint64_t *near, uint64_t *far) {
    for (size_t i = 0; i < n; i++) {
        size_t at = first + i * step;
        if (!keep[at])
            continue;
        int level = level4(picture->rgb + at * CHANNELS);
        if (i >= 2 && keep[at - step] && keep[at - 2 * step]) {
            int d = level - 2 * level4(picture->rgb + (at - step) * CHANNELS) +
                    level4(picture->rgb + (at - 2 * step) * CHANNELS);
            *near += (uint32_t)(d * d);
        }
        if (i >= FAR && keep[at - FAR * step]) {
            int d = level - level4(picture->rgb + (at - FAR * step) * CHANNELS);
            *far += (uint32_t)(d * d);
        }
    }
}

float insp_sharpness_within(const struct insp_image *picture, const uint8_t *keep) {
    size_t width = picture->width, height = picture->height;
    uint64_t near = 0, far = 0;
    _cleanup_free_ uint8_t *inner = malloc(width * height + 1);
    if (!inner)
        return NAN;
    erode(keep, width, height, inner);
    for (size_t y = 0; y < height; y++)
        add_line(picture, inner, y * width, 1, width, &near, &far);
    for (size_t x = 0; x < width; x++)
        add_line(picture, inner, x, width, height, &near, &far);
    return far ? (float)((double)near / (double)far) : 0;
}

/* --- ranges --- */

static float rounded(double value) {
    return (float)(round(value * 256) / 256);
}

/* Returns mean and deviation of n numbers with these sums. */
static double mean_of(double sum, double squares, double n, double *ret_deviation) {
    double mean = sum / n;
    *ret_deviation = fmax(sqrt(fmax(squares - n * mean * mean, 0) / (n - 1)), (double)INSP_LAYOUT_DEVIATION_MIN);
    return mean;
}

/* Returns the distance of a layout from the n - 1 others. */
static double distance_from_others(const struct insp_layout *layout, const double *sum, const double *squares,
                                   size_t n) {
    double total = 0;
    for (size_t i = 0; i < NUMBERS; i++) {
        double x = (double)layout->number[i], deviation;
        double mean = mean_of(sum[i] - x, squares[i] - x * x, (double)(n - 1), &deviation);
        total += (x - mean) / deviation * ((x - mean) / deviation);
    }
    return sqrt(total / NUMBERS);
}

void insp_layout_range_of(const struct insp_layout *layout, size_t n, struct insp_layout_range *ret) {
    double sum[NUMBERS] = {0}, squares[NUMBERS] = {0}, largest = 0;
    memset(ret, 0, sizeof *ret);
    if (n < INSP_LAYOUT_PICTURES_MIN)
        return;
    for (size_t p = 0; p < n; p++)
        for (size_t i = 0; i < NUMBERS; i++) {
            double x = (double)layout[p].number[i];
            sum[i] += x;
            squares[i] += x * x;
        }
    for (size_t i = 0; i < NUMBERS; i++) {
        double deviation;
        ret->mean[i] = rounded(mean_of(sum[i], squares[i], (double)n, &deviation));
        ret->deviation[i] = rounded(deviation);
    }
    for (size_t p = 0; p < n; p++)
        largest = fmax(largest, distance_from_others(&layout[p], sum, squares, n));
    ret->largest = (float)largest;
    ret->known = true;
}

float insp_layout_distance(const struct insp_layout_range *range, const struct insp_layout *layout) {
    double total = 0;
    for (size_t i = 0; range->known && i < NUMBERS; i++) {
        double z = (double)(layout->number[i] - range->mean[i]) / (double)range->deviation[i];
        total += z * z;
    }
    return (float)sqrt(total / NUMBERS);
}
