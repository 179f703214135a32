#include "core/judge/localise.h"

#include "core/train/train_data.h"
#include "tests/unit/train_fixture.h"

#include <math.h>

enum { SIDE = 28, GOOD = 2, HOLES = 3 };

static struct train_fixture f;
static struct insp_train_data *data;
static float map[GOOD + HOLES][INSP_MAP_FLOATS];
static size_t member[GOOD + HOLES];
static float probability[GOOD + HOLES];

/* A white square of 4x4 pixels: four cells of the map, at (x, y) in cells. */
static void write_mask(const char *name, uint32_t x, uint32_t y) {
    uint8_t pixel[SIDE * SIDE] = {0};
    unsigned char *png;
    size_t bytes;
    for (uint32_t i = 0; i < 16; i++)
        pixel[(y * 2 + i / 4) * SIDE + x * 2 + i % 4] = 255;
    ck_insp_ok(insp_image_encode_png(pixel, SIDE, SIDE, 1, &png, &bytes, &f.err), f.err);
    fixture_bytes(&f, name, png, bytes);
    free(png);
}

/* Members by path: the holes, then the good ones. Each map is hot in four cells at (x, y). */
static void open_set(void) {
    const struct insp_transform input = insp_transform_default();
    train_fixture_open(&f);
    fixture_set(&f, GOOD, HOLES, 0);
    ck_insp_ok(insp_train_data_open(&f.context, &input, false, NULL, &data, &f.err), f.err);
    for (size_t i = 0; i < GOOD + HOLES; i++) {
        member[i] = i;
        probability[i] = i < HOLES ? 0.9f : 0.1f;
        memset(map[i], 0, sizeof map[i]);
        for (size_t cell = 0; cell < 4; cell++)
            map[i][(4 + cell / 2) * INSP_MAP_SIDE + 4 + cell % 2] = 1.5f;
    }
}

static void close_set(void) {
    insp_train_data_free(data);
    train_fixture_close(&f);
}

static struct insp_judgement judgement(enum insp_heatmap_scale scale) {
    return (struct insp_judgement){.set = &data->set,
                                   .member = member,
                                   .count = GOOD + HOLES,
                                   .probability = probability,
                                   .map = map[0],
                                   .threshold = 0.5,
                                   .heatmap_scale = scale,
                                   .heatmap_threshold = 0.7f};
}

static int localise(enum insp_heatmap_scale scale, const struct insp_progress *progress,
                    struct insp_localisation *ret) {
    const struct insp_judgement j = judgement(scale);
    return insp_localise(&j, &f.context.limits, progress, ret, &f.err);
}

START_TEST(without_masks_nothing_is_said) {
    struct insp_localisation found;
    open_set();
    ck_insp_ok(localise(INSP_SCALE_FIXED, NULL, &found), f.err);
    ck_assert_uint_eq(found.images + found.unusable, 0);
    json_t *json = insp_localisation_json(&found);
    ck_assert(json_is_null(json));
    json_decref(json);
    close_set();
}
END_TEST

START_TEST(a_box_on_the_defect_and_one_beside_it) {
    struct insp_localisation found;
    open_set();
    write_mask("ground_truth/hole/00_mask.png", 4, 4);
    ck_insp_ok(localise(INSP_SCALE_FIXED, NULL, &found), f.err);
    ck_assert_uint_eq(found.images, 1);
    ck_assert_uint_eq(found.boxes.of, 1);
    ck_assert_uint_eq(found.boxes.hits, 1);
    ck_assert_uint_eq(found.defects.hits, 1);
    ck_assert_double_gt(found.pixel_auroc, 0.999);
    ck_assert_double_lt(found.pixel_auroc_error, 1e-3);
    write_mask("ground_truth/hole/01_mask.png", 10, 9);
    ck_insp_ok(localise(INSP_SCALE_FIXED, NULL, &found), f.err);
    ck_assert_uint_eq(found.images, 2);
    ck_assert_uint_eq(found.boxes.of, 2);
    ck_assert_uint_eq(found.boxes.hits, 1);
    ck_assert_uint_eq(found.defects.of, 2);
    ck_assert_uint_eq(found.defects.hits, 1);
    ck_assert(found.pixel_auroc > 0.6 && found.pixel_auroc < 0.8); /* half of the pixels at the very bottom */
    json_t *json = insp_localisation_json(&found);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "images")), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "boxes"), "of")), 2);
    json_decref(json);
    close_set();
}
END_TEST

/* As served: scaled per image, a part that is called good shows no box. */
START_TEST(boxes_are_those_that_are_served) {
    struct insp_localisation found;
    open_set();
    write_mask("ground_truth/hole/00_mask.png", 4, 4);
    probability[0] = 0.2f;
    ck_insp_ok(localise(INSP_SCALE_PER_IMAGE, NULL, &found), f.err);
    ck_assert_uint_eq(found.boxes.of, 0);
    ck_assert_uint_eq(found.defects.hits, 0);
    ck_insp_ok(localise(INSP_SCALE_FIXED, NULL, &found), f.err);
    ck_assert_uint_eq(found.boxes.of, 1);
    close_set();
}
END_TEST

static void count_logs(void *arg, const struct insp_progress_event *event) {
    *(int *)arg += event->kind == INSP_PROGRESS_LOG && strstr(event->text, "mask not used") != NULL;
}

START_TEST(a_bad_mask_is_counted_and_told) {
    struct insp_localisation found;
    int logs = 0;
    const struct insp_progress progress = {.event = count_logs, .arg = &logs};
    open_set();
    write_mask("ground_truth/hole/00_mask.png", 4, 4);
    fixture_bytes(&f, "ground_truth/hole/01_mask.png", "no picture", 10);
    ck_insp_ok(localise(INSP_SCALE_FIXED, &progress, &found), f.err);
    ck_assert_uint_eq(found.images, 1);
    ck_assert_uint_eq(found.unusable, 1);
    ck_assert_int_eq(logs, 1);
    close_set();
}
END_TEST

START_TEST(nonsense_and_cancellation) {
    struct insp_localisation found;
    open_set();
    int left = 2;
    const struct insp_progress progress = {.cancelled = fixture_cancel_after, .arg = &left};
    ck_insp_code(localise(INSP_SCALE_FIXED, &progress, &found), INSP_E_CANCELLED, f.err);
    map[2][7] = NAN;
    ck_insp_code(localise(INSP_SCALE_FIXED, NULL, &found), INSP_E_MODEL, f.err);
    close_set();
}
END_TEST

INSP_TESTS(without_masks_nothing_is_said, a_box_on_the_defect_and_one_beside_it, boxes_are_those_that_are_served,
           a_bad_mask_is_counted_and_told, nonsense_and_cancellation);
