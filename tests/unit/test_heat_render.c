/* The three views, decoded again and compared with the map. */
#include "heat_samples.h"
#include "image_samples.h"

#include <spng.h>

struct picture {
    uint8_t *pixels; /* RGBA */
    uint32_t width, height;
    uint8_t colour_type;
};

static struct picture read_png(const unsigned char *png, size_t bytes) {
    spng_ctx *ctx = spng_ctx_new(0);
    struct spng_ihdr ihdr;
    size_t size;
    ck_assert_int_eq(spng_set_png_buffer(ctx, png, bytes), 0);
    ck_assert_int_eq(spng_get_ihdr(ctx, &ihdr), 0);
    ck_assert_int_eq(spng_decoded_image_size(ctx, SPNG_FMT_RGBA8, &size), 0);
    struct picture picture = {malloc(size), ihdr.width, ihdr.height, ihdr.color_type};
    ck_assert_int_eq(spng_decode_image(ctx, picture.pixels, size, SPNG_FMT_RGBA8, 0), 0);
    spng_ctx_free(ctx);
    return picture;
}

static struct picture render(const struct insp_heat_params *params, bool anomaly, const float *map,
                             enum insp_heat_view view, const struct insp_image *image, uint32_t width,
                             uint32_t height) {
    struct insp_error error = {0};
    unsigned char *png;
    size_t bytes;
    ck_insp_ok(insp_heat_render(params, anomaly, map, view, image, width, height, NULL, &png, &bytes, &error),
               error);
    struct picture picture = read_png(png, bytes);
    ck_assert_uint_eq(picture.width, width);
    ck_assert_uint_eq(picture.height, height);
    free(png);
    return picture;
}

static size_t count_opaque(const struct picture *picture) {
    size_t count = 0;
    for (size_t i = 0; i < (size_t)picture->width * picture->height; i++)
        count += picture->pixels[4 * i + 3] > 0;
    return count;
}

START_TEST(test_threshold_view_shows_the_area) {
    float map[INSP_MAP_FLOATS];
    sample_map(map, (const unsigned[][2]){{3, 5}, {3, 6}, {11, 1}}, 3);
    struct insp_heat_summary summary;
    ck_assert_int_eq(insp_heat_summarise(&SAMPLE_PARAMS, true, map, 201, 133, &summary, NULL), 0);
    struct picture picture = render(&SAMPLE_PARAMS, true, map, INSP_VIEW_THRESHOLD, NULL, 201, 133);
    ck_assert_uint_eq(picture.colour_type, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA);
    ck_assert_uint_eq(count_opaque(&picture), (size_t)((double)summary.area * 201 * 133 + 0.5));
    const struct insp_box *box = &summary.box[0];
    const uint8_t *middle =
        picture.pixels + 4 * ((size_t)(box->y + box->height / 2) * 201 + box->x + box->width / 2);
    ck_assert_uint_gt(middle[3], 0);
    free(picture.pixels);
}
END_TEST

START_TEST(test_nothing_hot_is_transparent) {
    float map[INSP_MAP_FLOATS];
    sample_map(map, (const unsigned[][2]){{3, 5}}, 1);
    struct insp_heat_params params = {.scale = INSP_SCALE_PER_IMAGE, .threshold = 0.7f};
    struct picture picture = render(&params, false, map, INSP_VIEW_THRESHOLD, NULL, 50, 50);
    ck_assert_uint_eq(count_opaque(&picture), 0);
    free(picture.pixels);
    picture = render(&params, true, map, INSP_VIEW_THRESHOLD, NULL, 50, 50);
    ck_assert_uint_gt(count_opaque(&picture), 0);
    free(picture.pixels);
    params.threshold = 1; /* the edge of the range: no division by the room above it */
    map[0] = map[1] = map[14] = map[15] = 1;
    picture = render(&params, true, map, INSP_VIEW_THRESHOLD, NULL, 140, 140);
    ck_assert_uint_gt(count_opaque(&picture), 0);
    free(picture.pixels);
}
END_TEST

START_TEST(test_raw_view) {
    float map[INSP_MAP_FLOATS];
    for (unsigned i = 0; i < INSP_MAP_FLOATS; i++)
        map[i] = (float)(i % 14) / 13;
    struct picture picture = render(&SAMPLE_PARAMS, true, map, INSP_VIEW_RAW, NULL, 280, 3);
    ck_assert_uint_eq(picture.colour_type, SPNG_COLOR_TYPE_TRUECOLOR);
    for (unsigned x = 20; x < 280; x++) { /* red and green rise from left to right */
        for (unsigned c = 0; c < 2; c++)
            ck_assert_uint_ge(picture.pixels[4 * x + c], picture.pixels[4 * (x - 20) + c]);
    }
    ck_assert_uint_lt(picture.pixels[0], 30);
    ck_assert_uint_gt(picture.pixels[4 * 279], 230);
    free(picture.pixels);
}
END_TEST

START_TEST(test_overlay_changes_only_heat_and_boxes) {
    enum { W = 300, H = 200 };
    float map[INSP_MAP_FLOATS];
    sample_map(map, (const unsigned[][2]){{0, 0}, {6, 7}, {6, 8}}, 3);
    struct insp_image *image = sample_image(W, H);
    struct insp_heat_summary summary;
    ck_assert_int_eq(insp_heat_summarise(&SAMPLE_PARAMS, true, map, W, H, &summary, NULL), 0);
    ck_assert_uint_eq(summary.box_count, 2);
    struct picture picture = render(&SAMPLE_PARAMS, true, map, INSP_VIEW_OVERLAY, image, W, H);
    size_t changed = 0, white = 0;
    for (uint32_t y = 0; y < H; y++) {
        for (uint32_t x = 0; x < W; x++) {
            const uint8_t *got = picture.pixels + 4 * ((size_t)y * W + x),
                          *was = image->rgb + 3 * ((size_t)y * W + x);
            bool near = false;
            for (size_t i = 0; i < summary.box_count; i++) {
                const struct insp_box *b = &summary.box[i];
                near |= x + 4 > b->x && x < b->x + b->width + 4 && y + 4 > b->y && y < b->y + b->height + 4;
            }
            ck_assert_msg(near || !memcmp(got, was, 3), "(%u, %u) changed", x, y);
            changed += memcmp(got, was, 3) != 0;
            white += got[0] == 255 && got[1] == 255 && got[2] == 255;
        }
    }
    ck_assert_uint_gt(changed, white);
    const struct insp_box *big = &summary.box[0]; /* the frame of 2 pixels lies around the box */
    ck_assert_uint_ge(white, 2 * 2 * (big->width + big->height));
    ck_assert_uint_eq(picture.pixels[0], 255); /* and at the image's edge within it */
    free(picture.pixels);
    insp_image_free(image);
}
END_TEST

START_TEST(test_overlay_fits_any_image) {
    float map[INSP_MAP_FLOATS];
    sample_map(map, NULL, 0);
    struct insp_image *image = sample_image(64, 64), *large = NULL;
    struct insp_error error = {0};
    ck_insp_ok(insp_image_resize(image, 90, 33, &large, &error), error);
    struct picture picture = render(&SAMPLE_PARAMS, false, map, INSP_VIEW_OVERLAY, image, 90, 33);
    for (size_t i = 0; i < 90 * 33; i++)
        ck_assert_mem_eq(picture.pixels + 4 * i, large->rgb + 3 * i, 3);
    free(picture.pixels);
    insp_image_free(image);
    insp_image_free(large);
    unsigned char *png;
    size_t bytes;
    ck_insp_code(
        insp_heat_render(&SAMPLE_PARAMS, true, map, INSP_VIEW_OVERLAY, NULL, 9, 9, NULL, &png, &bytes, &error),
        INSP_E_INTERNAL, error);
}
END_TEST

static bool count_down(void *arg) {
    return (*(int *)arg)-- == 0;
}

START_TEST(test_nobody_waits_any_more) {
    float map[INSP_MAP_FLOATS];
    sample_map(map, NULL, 0);
    struct insp_image *image = sample_image(40, 60);
    struct insp_error error = {0};
    for (enum insp_heat_view view = INSP_VIEW_THRESHOLD; view <= INSP_VIEW_RAW; view++) {
        int left;
        struct insp_image_limits limits = {.cancelled = count_down, .cancelled_arg = &left};
        unsigned char *png = NULL;
        size_t bytes;
        for (int row = 0; row < 60; row += 29) {
            left = row;
            ck_insp_code(
                insp_heat_render(&SAMPLE_PARAMS, true, map, view, image, 40, 60, &limits, &png, &bytes, &error),
                INSP_E_CANCELLED, error);
            ck_assert_int_eq(left, -1); /* asked once for each row, and never again */
            ck_assert_ptr_null(png);
        }
        left = 60;
        ck_insp_ok(insp_heat_render(&SAMPLE_PARAMS, true, map, view, image, 40, 60, &limits, &png, &bytes, &error),
                   error);
        free(png);
    }
    insp_image_free(image);
}
END_TEST

/* Every size from 1: frames wider than the picture, boxes at every edge. */
START_TEST(test_small_pictures) {
    float map[INSP_MAP_FLOATS];
    for (unsigned i = 0; i < INSP_MAP_FLOATS; i++)
        map[i] = i % 3 == 0;
    for (uint32_t side = 1; side < 24; side++) {
        struct insp_image *image = sample_image(side, 24 - side);
        for (enum insp_heat_view view = INSP_VIEW_THRESHOLD; view <= INSP_VIEW_RAW; view++) {
            struct picture picture = render(&SAMPLE_PARAMS, true, map, view, image, side, 24 - side);
            free(picture.pixels);
        }
        insp_image_free(image);
    }
}
END_TEST

INSP_TESTS(test_threshold_view_shows_the_area, test_nothing_hot_is_transparent, test_raw_view,
           test_overlay_changes_only_heat_and_boxes, test_overlay_fits_any_image, test_nobody_waits_any_more,
           test_small_pictures);
