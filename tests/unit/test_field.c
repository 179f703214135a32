#include "core/region/field.h"

#include "field_samples.h"
#include "image_samples.h"

#include <math.h>

static const char *const corner =
    "{\"look\": [" SAMPLE_LEFT_HALF "], \"ignore\": [[[0,0],[0.25,0],[0.25,0.25],[0,0.25]]]}";

START_TEST(cells_count_that_have_a_kept_pixel) {
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set = sample_fields(corner);
    const struct insp_field *field = set->general;
    size_t kept = 0;
    for (size_t y = 0; y < 224; y++)
        for (size_t x = 0; x < 224; x++) {
            kept += field->keep[y * 224 + x];
            ck_assert_int_eq(field->keep[y * 224 + x], x < 112 && (x >= 56 || y >= 56));
        }
    ck_assert_uint_eq(kept, 112 * 224 - 56 * 56);
    for (size_t y = 0; y < 14; y++)
        for (size_t x = 0; x < 14; x++) /* 56 pixels are 3.5 cells: the half cell counts */
            ck_assert_int_eq(field->map_keep[y * 14 + x], x < 7 && (x >= 3 || y >= 3));
    for (size_t y = 0; y < 28; y++)
        for (size_t x = 0; x < 28; x++)
            ck_assert_int_eq(field->tap_keep[y * 28 + x], x < 14 && (x >= 7 || y >= 7));
    ck_assert_ptr_eq(insp_field_taps(field), field->tap_keep);
    ck_assert_ptr_null(insp_field_taps(NULL));
}
END_TEST

START_TEST(ignored_pixels_lose_their_content) {
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set = sample_fields(corner);
    _cleanup_(insp_image_freep) struct insp_image *image = sample_image(8, 4), *before = sample_image(8, 4);
    struct insp_error err = {0};
    ck_insp_ok(insp_field_fill(set->general, image, &err), err);
    for (size_t y = 0; y < 4; y++)
        for (size_t x = 0; x < 8; x++) {
            const uint8_t *p = image->rgb + (y * 8 + x) * 3, *was = before->rgb + (y * 8 + x) * 3;
            bool keep = x < 4 && (x >= 2 || y >= 1);
            ck_assert_int_eq(p[0], keep ? was[0] : 124);
            ck_assert_int_eq(p[1], keep ? was[1] : 116);
            ck_assert_int_eq(p[2], keep ? was[2] : 104);
        }
    ck_insp_ok(insp_field_fill(NULL, before, &err), err);
}
END_TEST

START_TEST(a_picture_without_a_kept_pixel_is_refused) {
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set =
        sample_fields("{\"look\": [[[0.3,0.3],[0.45,0.3],[0.45,0.45],[0.3,0.45]]]}");
    _cleanup_(insp_image_freep) struct insp_image *image = sample_image(2, 2);
    struct insp_error err = {0};
    ck_insp_code(insp_field_fill(set->general, image, &err), INSP_E_IMAGE, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "2x2"));
}
END_TEST

START_TEST(ignored_cells_have_no_heat) {
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set =
        sample_fields("{\"look\": [" SAMPLE_LEFT_HALF "]}");
    float map[196], masked[196];
    for (size_t i = 0; i < 196; i++)
        masked[i] = map[i] = (float)(i % 14) - 3 + (float)(i / 14) / 100;
    insp_field_map(NULL, 0, masked);
    ck_assert_mem_eq(masked, map, sizeof map);
    insp_field_map(set->general, INFINITY, masked);
    for (size_t i = 0; i < 196; i++)
        ck_assert_float_eq(masked[i], i % 14 < 7 ? map[i] : -3);
    insp_field_map(set->general, -5, masked);
    ck_assert_float_eq(masked[13], -5);
    ck_assert_float_eq(masked[0], map[0]);
}
END_TEST

START_TEST(tiles_have_the_cells_of_their_part) {
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set = sample_fields(corner);
    const struct insp_tiles tiles = {4, 2};
    struct insp_field_cells cells, right;
    struct insp_error err = {0};
    ck_insp_ok(insp_field_set_tile(set, tiles, &err), err);
    const struct insp_field *field = set->general;
    for (size_t t = 0; t < 8;
         t++) /* 50 columns of cells: the left half ends in the second tile, behind the third begins */
        ck_assert_int_eq(insp_field_cells_of(field, tiles, t, &cells), t % 4 < 3);
    insp_field_cells_of(field, tiles, 1, &cells);
    insp_field_cells_of(field, tiles, 2, &right);
    for (size_t y = 0; y < 28; y++) /* neighbours agree about the cells that they share */
        for (size_t x = 0; x < 4; x++)
            ck_assert_int_eq(cells.tap_keep[y * 28 + 24 + x], right.tap_keep[y * 28 + x]);
    for (size_t y = 0; y < 14; y++)
        for (size_t x = 0; x < 14; x++) {
            const uint8_t *tap = cells.tap_keep + 2 * y * 28 + 2 * x;
            ck_assert_int_eq(cells.map_keep[y * 14 + x], tap[0] | tap[1] | tap[28] | tap[29]);
        }
    float map[196];
    for (size_t i = 0; i < 196; i++)
        map[i] = 1;
    insp_field_cells_map(&right, 0, map);
    ck_assert(map[0] == 1 && map[13] == 0);
    ck_assert(insp_field_cells_of(field, (struct insp_tiles){0, 0}, 0, &cells));
    ck_assert_mem_eq(cells.tap_keep, field->tap_keep, sizeof cells.tap_keep);
}
END_TEST

static void refuse(struct insp_field *field, const char *text) {
    struct insp_error err = {0};
    ck_insp_code(insp_field_finish(field, &err), INSP_E_PARAMETER, err);
    ck_assert_msg(strstr(err.detail, text) != NULL, "%s", err.detail);
}

START_TEST(a_field_that_covers_nothing_is_refused) {
    static struct insp_field field = {.ignore_count = 1, .ignore = {{4, {0, 1, 1, 0}, {0, 0, 1, 1}}}};
    refuse(&field, "the region covers nothing that could be judged: 0.00 %");
    field = (struct insp_field){.look_count = 1, .look = {{3, {0, 0.01F, 0}, {0, 0, 0.01F}}}};
    refuse(&field, "covers nothing");
    field = (struct insp_field){.look_count = 1, .look = {{3, {0, 1, 2}, {0, 0, 1}}}};
    refuse(&field, "look[0]: point 3");
}
END_TEST

INSP_TESTS(tiles_have_the_cells_of_their_part, cells_count_that_have_a_kept_pixel,
           ignored_pixels_lose_their_content, a_picture_without_a_kept_pixel_is_refused,
           ignored_cells_have_no_heat, a_field_that_covers_nothing_is_refused);
