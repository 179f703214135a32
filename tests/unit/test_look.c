#include "core/region/look.h"

#include "core/inspect/suspect.h"
#include "field_samples.h"
#include "image_samples.h"

enum { SIDE = 224, BYTES = SIDE * SIDE * 3 };

static struct insp_error err;

static uint8_t *look(struct insp_image *image, const struct insp_field *field, struct insp_image_stats *stats) {
    uint8_t *rgb = NULL;
    ck_insp_ok(insp_look(image, field, SIDE, SIDE, stats, &rgb, &err), err);
    insp_image_free(image);
    return rgb;
}

/* Paints a bright square of `side` pixels. */
static struct insp_image *with_defect(uint32_t width, uint32_t height, uint32_t left, uint32_t top,
                                      uint32_t side) {
    struct insp_image *image = sample_image(width, height);
    for (uint32_t y = top; y < top + side; y++)
        memset(image->rgb + ((size_t)y * width + left) * 3, 255, (size_t)side * 3);
    return image;
}

static void demand_same(const struct insp_image_stats *a, const struct insp_image_stats *b) {
    for (size_t i = 0; i < INSP_STAT_COUNT; i++)
        ck_assert_msg(a->value[i] == b->value[i], "%s", insp_stat_name((enum insp_stat)i));
    for (size_t i = 0; i < INSP_LAYOUT_NUMBERS; i++)
        ck_assert_float_eq(a->layout.number[i], b->layout.number[i]);
}

/* Also right beside the edge, where a resize mixes pixels, and for pictures smaller and larger than the network's.
 */
START_TEST(a_defect_that_is_ignored_changes_nothing) {
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set =
        sample_fields("{\"ignore\": [" SAMPLE_RIGHT_HALF "]}");
    static const uint32_t sizes[][2] = {{100, 60}, {224, 224}, {331, 517}, {1000, 300}};
    for (size_t i = 0; i < 4; i++) {
        uint32_t width = sizes[i][0], height = sizes[i][1], edge = (width + 1) / 2;
        struct insp_image_stats clean, bad, found;
        _cleanup_free_ uint8_t *a = look(sample_image(width, height), set->general, &clean);
        _cleanup_free_ uint8_t *b = look(with_defect(width, height, edge, 20, 20), set->general, &bad);
        _cleanup_free_ uint8_t *c = look(with_defect(width, height, edge - 21, 20, 20), set->general, &found);
        ck_assert_mem_eq(a, b, BYTES);
        demand_same(&clean, &bad);
        ck_assert_int_ne(memcmp(a, c, BYTES), 0);
        ck_assert_float_gt(found.value[INSP_STAT_SATURATED], clean.value[INSP_STAT_SATURATED]);
    }
}
END_TEST

START_TEST(without_a_field_it_resizes_and_measures) {
    struct insp_image_stats stats, expected;
    _cleanup_(insp_image_freep) struct insp_image *image = sample_image(300, 200), *small = NULL;
    _cleanup_free_ uint8_t *rgb = look(sample_image(300, 200), NULL, &stats);
    ck_insp_ok(insp_image_resize(image, SIDE, SIDE, &small, &err), err);
    insp_image_stats(image, small, &expected);
    ck_assert_mem_eq(rgb, small->rgb, BYTES);
    demand_same(&stats, &expected);
}
END_TEST

/* The colour that replaces ignored pixels must not pass for a picture. */
START_TEST(a_black_picture_is_black_inside_a_thin_region) {
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set =
        sample_fields("{\"look\": [[[0.1,0.1],[0.9,0.1],[0.9,0.12],[0.1,0.12]]]}");
    const struct insp_stat_ranges none = insp_stat_ranges_none();
    struct insp_image_stats stats;
    struct insp_image *black = sample_image(640, 480);
    memset(black->rgb, 0, (size_t)640 * 480 * 3);
    _cleanup_free_ uint8_t *rgb = look(black, set->general, &stats);
    ck_assert_float_eq(stats.value[INSP_STAT_BRIGHT], 0);
    ck_assert_float_eq(stats.value[INSP_STAT_SHARP], 0);
    ck_assert(insp_suspect_reasons(&stats, &none) != 0);
}
END_TEST

static uint8_t *look_tiles(struct insp_image *image, const struct insp_field *field, struct insp_tiles tiles) {
    uint8_t *rgb = NULL;
    ck_insp_ok(insp_look_tiles(image, field, tiles, NULL, &rgb, &err), err);
    insp_image_free(image);
    return rgb;
}

static bool changed(const uint8_t *a, const uint8_t *b, size_t tile) {
    return memcmp(a + tile * BYTES, b + tile * BYTES, BYTES) != 0;
}

/* A spot is seen by the tiles that it lies in, by two in their overlap; what the region ignores is seen by none.
 */
START_TEST(each_tile_shows_its_part_at_full_size) {
    const struct insp_tiles tiles = {2, 1};
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *set =
        sample_fields("{\"ignore\": [" SAMPLE_RIGHT_HALF "]}");
    ck_insp_ok(insp_field_set_tile(set, tiles, &err), err);
    _cleanup_free_ uint8_t *clean = look_tiles(sample_image(1000, 300), NULL, tiles);
    _cleanup_free_ uint8_t *left = look_tiles(with_defect(1000, 300, 100, 20, 2), NULL, tiles);
    _cleanup_free_ uint8_t *both = look_tiles(with_defect(1000, 300, 499, 20, 2), NULL, tiles);
    _cleanup_free_ uint8_t *masked = look_tiles(sample_image(1000, 300), set->general, tiles);
    _cleanup_free_ uint8_t *ignored = look_tiles(with_defect(1000, 300, 520, 20, 20), set->general, tiles);
    ck_assert(changed(clean, left, 0) && !changed(clean, left, 1));
    ck_assert(changed(clean, both, 0) && changed(clean, both, 1));
    ck_assert(!changed(masked, ignored, 0) && !changed(masked, ignored, 1));
    _cleanup_free_ uint8_t *none = look_tiles(sample_image(1000, 300), NULL, (struct insp_tiles){0, 0});
    _cleanup_free_ uint8_t *plain = look(sample_image(1000, 300), NULL, NULL);
    ck_assert_mem_eq(none, plain, BYTES);
    _cleanup_free_ uint8_t *tiny = look_tiles(sample_image(3, 2), NULL, (struct insp_tiles){16, 4});
    ck_assert_ptr_nonnull(tiny);
}
END_TEST

INSP_TESTS(each_tile_shows_its_part_at_full_size, a_defect_that_is_ignored_changes_nothing,
           without_a_field_it_resizes_and_measures, a_black_picture_is_black_inside_a_thin_region);
