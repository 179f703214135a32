#include "core/judge/maps/heat_maps.h"

#include "core/train/train_data.h"
#include "tests/unit/train_fixture.h"

enum { SIDE = 28, GOOD = 4, HOLES = 2, N = GOOD + HOLES };

static struct train_fixture f;
static struct insp_train_data *data;
static float map[INSP_HEAT_KINDS][N][INSP_MAP_FLOATS];
static size_t member[N];
static float probability[N];

static void open_set(void) {
    const struct insp_transform input = insp_transform_default();
    train_fixture_open(&f);
    fixture_set(&f, GOOD, HOLES, 0); /* members by path: the holes, then the good ones */
    ck_insp_ok(insp_train_data_open(&f.context, &input, false, NULL, &data, &f.err), f.err);
    for (size_t i = 0; i < N; i++)
        member[i] = i;
    memset(map, 0, sizeof map);
}

static void close_set(void) {
    insp_train_data_free(data);
    train_fixture_close(&f);
}

static struct insp_heat_maps compare(void) {
    const struct insp_judgement judgement = {.set = &data->set,
                                             .member = member,
                                             .count = N,
                                             .probability = probability,
                                             .threshold = 0.5,
                                             .heatmap_threshold = 0.7F};
    const float *const maps[INSP_HEAT_KINDS] = {map[0][0], map[1][0], map[2][0]};
    struct insp_heat_maps found;
    ck_insp_ok(insp_heat_maps_compare(&judgement, maps, &f.context.limits, NULL, &found, &f.err), f.err);
    return found;
}

static const char *said(const struct insp_heat_maps *maps, json_t **ret) {
    *ret = insp_heat_maps_json(maps);
    ck_assert_ptr_nonnull(*ret);
    return json_string_value(json_object_get(*ret, "reason"));
}

/* A white square of 4x4 pixels at cell (4, 4): four cells of the map. */
static void write_masks(void) {
    uint8_t pixel[SIDE * SIDE] = {0};
    unsigned char *png;
    size_t bytes;
    for (uint32_t i = 0; i < 16; i++)
        pixel[(8 + i / 4) * SIDE + 8 + i % 4] = 255;
    ck_insp_ok(insp_image_encode_png(pixel, SIDE, SIDE, 1, &png, &bytes, &f.err), f.err);
    fixture_bytes(&f, "ground_truth/hole/00_mask.png", png, bytes);
    free(png);
}

START_TEST(the_map_that_meets_the_masks_is_taken) {
    json_t *json;
    open_set();
    write_masks();
    for (size_t i = 0; i < HOLES; i++) {
        map[INSP_HEAT_ACTIVATION][i][0] = 1; /* beside the defect */
        map[INSP_HEAT_GOOD_ONLY][i][4 * INSP_MAP_SIDE + 4] = 0.8F;
        map[INSP_HEAT_PRODUCT][i][0] = 0.5F;
    }
    struct insp_heat_maps found = compare();
    ck_assert(found.from == INSP_HEAT_BY_MASKS && found.taken == INSP_HEAT_GOOD_ONLY);
    ck_assert_uint_eq(found.masks, 1);
    ck_assert(found.figures[INSP_HEAT_GOOD_ONLY].pixel_auroc > found.figures[INSP_HEAT_ACTIVATION].pixel_auroc);
    ck_assert_ptr_nonnull(strstr(said(&found, &json), "the distance from good parts was taken"));
    ck_assert_str_eq(json_string_value(json_object_get(json, "from")), "masks");
    ck_assert_uint_eq(json_array_size(json_object_get(json, "list")), INSP_HEAT_KINDS);
    json_decref(json);
    close_set();
}
END_TEST

START_TEST(without_masks_the_hottest_cell_decides_and_ties_keep_class_activation) {
    json_t *json;
    open_set();
    for (size_t i = 0; i < HOLES; i++)
        map[INSP_HEAT_ACTIVATION][i][7] = map[INSP_HEAT_GOOD_ONLY][i][3] = map[INSP_HEAT_PRODUCT][i][3] = 0.8F;
    struct insp_heat_maps found = compare();
    ck_assert(found.from == INSP_HEAT_BY_SEPARATION && found.taken == INSP_HEAT_ACTIVATION);
    ck_assert_double_eq(found.figures[INSP_HEAT_ACTIVATION].separation, 1);
    ck_assert_ptr_nonnull(strstr(said(&found, &json), "no image has a mask"));
    json_decref(json);
    map[INSP_HEAT_ACTIVATION][N - 1][7] = 0.9F; /* a good image is hotter than the holes */
    found = compare();
    ck_assert_int_eq(found.taken, INSP_HEAT_GOOD_ONLY);
    close_set();
}
END_TEST

START_TEST(a_map_that_lights_up_on_good_parts_is_not_taken) {
    json_t *json;
    open_set();
    for (size_t i = 0; i < HOLES; i++)
        map[INSP_HEAT_GOOD_ONLY][i][3] = map[INSP_HEAT_PRODUCT][i][3] = 1;
    map[INSP_HEAT_GOOD_ONLY][N - 1][3] = map[INSP_HEAT_PRODUCT][N - 1][3] = 0.8F;
    struct insp_heat_maps found = compare();
    ck_assert_int_eq(found.taken, INSP_HEAT_ACTIVATION);
    ck_assert_ptr_nonnull(strstr(said(&found, &json), "heat on too many good parts"));
    json_decref(json);
    map[INSP_HEAT_PRODUCT][N - 1][3] = 0.6F;
    found = compare();
    ck_assert_int_eq(found.taken, INSP_HEAT_PRODUCT);
    found.from = INSP_HEAT_BY_PARAMETER;
    ck_assert_str_eq(said(&found, &json), "the product of both was asked for");
    json_decref(json);
    close_set();
}
END_TEST

INSP_TESTS(the_map_that_meets_the_masks_is_taken,
           without_masks_the_hottest_cell_decides_and_ties_keep_class_activation,
           a_map_that_lights_up_on_good_parts_is_not_taken);
