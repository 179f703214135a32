/* core/image/resize.c - resize with an antialiased bilinear filter in two passes, equal to Pillow's
 * resize(BILINEAR).
 *
 * Each output sample is a weighted mean of the inputs under a triangle as wide as two output pixels (or two
 * input pixels if the image grows). Weights are fixed-point with 22 fraction bits, and the result of the first
 * pass is rounded to 8 bits, because Pillow does so and the networks were trained on its output. */
#include "core/image/image.h"

#include <math.h>
#include <string.h>

enum { FRACTION_BITS = 32 - 8 - 2 }; /* 8 for the sample, 2 to spare for sign and rounding */

/* Use AVX2 if the processor has it: SSE2 lacks the 32-bit multiplication that both passes consist of. The
 * dynamic linker chooses, before the runtime of a sanitizer is ready for it. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&          \
    !defined(__SANITIZE_THREAD__)
#define FAST_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define FAST_CLONES
#endif

typedef int32_t pixel_t __attribute__((vector_size(16))); /* red, green, blue, unused */

/* Holds the inputs of each output: count[i] of them from first[i] on, weighted by weight[i * stride ...]. */
struct taps {
    uint32_t *first, *count;
    int32_t *weight;
    size_t stride;
    void *memory; /* owned: all three */
};

static void taps_clear(struct taps *taps) {
    free(taps->memory);
}

static void fill_taps(struct taps *taps, uint32_t from, uint32_t to, double *scratch) {
    double ratio = (double)from / to, scale = ratio < 1 ? 1 : ratio;
    for (uint32_t i = 0; i < to; i++) {
        double center = (i + 0.5) * ratio, sum = 0;
        double low = center - scale + 0.5,
               high = center + scale + 0.5; /* truncated below, so this rounds to the nearest */
        uint32_t first = low < 0 ? 0 : (uint32_t)low;
        uint32_t end = high > from ? from : (uint32_t)high, count = end > first ? end - first : 0;
        for (uint32_t x = 0; x < count; x++) {
            double distance = fabs((first + x - center + 0.5) / scale);
            scratch[x] = distance < 1 ? 1 - distance : 0;
            sum += scratch[x];
        }
        for (uint32_t x = 0; x < count; x++) {
            double weight = sum != 0 ? scratch[x] / sum : scratch[x];
            taps->weight[i * taps->stride + x] = (int32_t)(weight * (1 << FRACTION_BITS) + 0.5);
        }
        taps->first[i] = first;
        taps->count[i] = count;
    }
}

static int taps_new(uint32_t from, uint32_t to, struct taps *ret, struct insp_error *reterr) {
    double scale = from > to ? (double)from / to : 1;
    size_t stride = (size_t)ceil(scale) * 2 + 1;
    size_t words = (size_t)to * (2 + stride); /* overflow needs sides that no limit allows */
    _cleanup_free_ double *scratch = malloc(stride * sizeof *scratch);
    uint32_t *memory = words <= SIZE_MAX / sizeof *memory ? malloc(words * sizeof *memory) : NULL;
    if (!scratch || !memory) {
        free(memory);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to resize from %u to %u pixels", from, to);
    }
    *ret = (struct taps){.first = memory,
                         .count = memory + to,
                         .weight = (int32_t *)(memory + 2 * (size_t)to),
                         .stride = stride,
                         .memory = memory};
    fill_taps(ret, from, to, scratch);
    return 0;
}

/* Weights are positive, so no sum is negative. Each weight is rounded on its own, so a sum may slightly exceed
 * 255. */
static inline uint8_t to_byte(int32_t value) {
    return (uint8_t)(value > 255 ? 255 : value);
}

/* Resizes one row. in: the row's pixels, spread to four words each. */
FAST_CLONES static void resize_row(const struct taps *taps, const pixel_t *in, uint32_t width, uint8_t *out) {
    for (uint32_t x = 0; x < width; x++, out += 3) {
        const pixel_t *from = in + taps->first[x];
        const int32_t *weight = taps->weight + x * taps->stride;
        const int32_t half = 1 << (FRACTION_BITS - 1);
        pixel_t sum = {half, half, half, half};
        for (uint32_t i = 0; i < taps->count[x]; i++)
            sum += from[i] * weight[i];
        sum >>= FRACTION_BITS;
        for (unsigned c = 0; c < 3; c++)
            out[c] = to_byte(sum[c]);
    }
}

/* Adds row * weight to sum over all bytes of a row. */
FAST_CLONES static void add_row(int32_t *restrict sum, const uint8_t *restrict row, int32_t weight, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        sum[i] += row[i] * weight;
}

static void spread_row(const uint8_t *rgb, uint32_t width, pixel_t *out) {
    for (uint32_t x = 0; x < width; x++, rgb += 3)
        out[x] = (pixel_t){rgb[0], rgb[1], rgb[2], 0};
}

static int resize_width(const struct insp_image *image, uint32_t width, struct insp_image **ret,
                        struct insp_error *reterr) {
    _cleanup_(taps_clear) struct taps taps = {0};
    int code = taps_new(image->width, width, &taps, reterr);
    if (code)
        return code;
    _cleanup_free_ pixel_t *row = malloc((size_t)image->width * sizeof *row);
    if (!row)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to resize an image %u pixels wide", image->width);
    struct insp_image *result;
    code = insp_image_new(width, image->height, &result, reterr);
    if (code)
        return code;
    for (uint32_t y = 0; y < image->height; y++) {
        spread_row(image->rgb + (size_t)y * image->width * 3, image->width, row);
        resize_row(&taps, row, width, result->rgb + (size_t)y * width * 3);
    }
    *ret = result;
    return 0;
}

static int resize_height(const struct insp_image *image, uint32_t height, struct insp_image **ret,
                         struct insp_error *reterr) {
    _cleanup_(taps_clear) struct taps taps = {0};
    int code = taps_new(image->height, height, &taps, reterr);
    if (code)
        return code;
    size_t bytes = (size_t)image->width * 3;
    _cleanup_free_ int32_t *sum = malloc(bytes * sizeof *sum);
    if (!sum)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to resize an image %u pixels wide", image->width);
    struct insp_image *result;
    code = insp_image_new(image->width, height, &result, reterr);
    if (code)
        return code;
    for (uint32_t y = 0; y < height; y++) {
        for (size_t i = 0; i < bytes; i++)
            sum[i] = 1 << (FRACTION_BITS - 1);
        for (uint32_t i = 0; i < taps.count[y]; i++)
            add_row(sum, image->rgb + (taps.first[y] + i) * bytes, taps.weight[y * taps.stride + i], bytes);
        uint8_t *out = result->rgb + y * bytes;
        for (size_t i = 0; i < bytes; i++)
            out[i] = to_byte(sum[i] >> FRACTION_BITS);
    }
    *ret = result;
    return 0;
}

int insp_image_resize(const struct insp_image *image, uint32_t width, uint32_t height, struct insp_image **ret,
                      struct insp_error *reterr) {
    if (!width || !height || !image->width || !image->height)
        return insp_fail(reterr, INSP_E_INTERNAL, "cannot resize %u x %u to %u x %u pixels", image->width,
                         image->height, width, height);
    _cleanup_(insp_image_freep) struct insp_image *narrow = NULL;
    _cleanup_(insp_image_freep) struct insp_image *result = NULL;
    const struct insp_image *from = image;
    int code = 0;
    if (width != image->width) {
        code = resize_width(image, width, &narrow, reterr);
        from = narrow;
    }
    if (!code && height != image->height) {
        code = resize_height(from, height, &result, reterr);
    } else if (!code && narrow) {
        result = insp_take_ptr(narrow);
    } else if (!code) {
        code = insp_image_new(width, height, &result, reterr);
        if (!code)
            memcpy(result->rgb, image->rgb, (size_t)width * height * 3);
    }
    if (code)
        return code;
    result->posted_width = image->posted_width;
    result->posted_height = image->posted_height;
    *ret = insp_take_ptr(result);
    return 0;
}
