/* By hand; tests/parity/test_pixel_roc.py holds it against scikit-learn. */
#include "core/judge/pixel_roc.h"

#include "core/compute/vgg16.h"
#include "harness.h"

#include <math.h>
#include <string.h>

static struct insp_error err;

/* At the map's own size upsampling changes nothing: the first row's 14 scores are the map's. */
static void add(struct insp_pixel_roc *roc, const float *row, const char *defects) {
    float map[INSP_MAP_FLOATS] = {0};
    static uint8_t rgb[INSP_MAP_FLOATS * 3];
    const struct insp_image mask = {.width = 14, .height = 14, .rgb = rgb};
    memset(rgb, 0, sizeof rgb);
    for (size_t i = 0; i < 14; i++) {
        map[i] = row[i];
        rgb[i * 3 + 2] = defects[i] == '#' ? 255 : 0;
    }
    ck_insp_ok(insp_pixel_roc_add(roc, map, &mask, &err), err);
}

START_TEST(the_area_of_all_images_together) {
    struct insp_pixel_roc roc;
    double area, error;
    ck_insp_ok(insp_pixel_roc_init(&roc, 0, 1, &err), err);
    add(&roc, (const float[14]){1, 0.9f, 0.5f}, "##............");
    insp_pixel_roc_area(&roc, &area, &error);
    ck_assert_double_eq(area, 1);
    ck_assert_double_eq(error, 0);
    /* 3 inside (1, 0.9, 0.2), 389 outside: 0.5 above 0.2, and once more 0.5 */
    add(&roc, (const float[14]){0.2f, 0.5f}, "#.............");
    insp_pixel_roc_area(&roc, &area, &error);
    ck_assert_double_eq_tol(area, 1 - 2.0 / (3 * 389), 1e-12);
    insp_pixel_roc_clear(&roc);
}
END_TEST

START_TEST(ties_count_half_and_are_the_error) {
    struct insp_pixel_roc roc;
    double area, error;
    ck_insp_ok(insp_pixel_roc_init(&roc, 3, 3, &err), err); /* one flat map: no range */
    float row[14];
    for (size_t i = 0; i < 14; i++)
        row[i] = 3;
    add(&roc, row, "#.............");
    insp_pixel_roc_area(&roc, &area, &error);
    ck_assert_double_eq(area, 0.5);
    ck_assert_double_eq(error, 0.5);
    insp_pixel_roc_clear(&roc);
}
END_TEST

START_TEST(one_side_alone_says_nothing) {
    struct insp_pixel_roc roc;
    double area, error;
    ck_insp_ok(insp_pixel_roc_init(&roc, 0, 1, &err), err);
    insp_pixel_roc_area(&roc, &area, &error);
    ck_assert(isnan(area) && isnan(error));
    add(&roc, (const float[14]){1}, "..............");
    insp_pixel_roc_area(&roc, &area, &error);
    ck_assert(isnan(area));
    insp_pixel_roc_clear(&roc);
}
END_TEST

INSP_TESTS(the_area_of_all_images_together, ties_count_half_and_are_the_error, one_side_alone_says_nothing);
