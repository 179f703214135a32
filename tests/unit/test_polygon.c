#include "core/region/polygon.h"

#include "harness.h"

#include <math.h>
#include <string.h>

static struct insp_error err;

static struct insp_polygon polygon_of(const float (*point)[2], size_t count) {
    struct insp_polygon p = {.count = count};
    for (size_t i = 0; i < count && i < INSP_POLYGON_POINTS_MAX; i++) {
        p.x[i] = point[i][0];
        p.y[i] = point[i][1];
    }
    return p;
}
#define POLYGON(...)                                                                                              \
    ({                                                                                                            \
        const float insp_points[][2] = {__VA_ARGS__};                                                             \
        polygon_of(insp_points, sizeof insp_points / sizeof *insp_points);                                        \
    })

static void draw(const struct insp_polygon *p, uint32_t width, uint32_t height, char *ret) {
    for (uint32_t y = 0; y < height; y++) {
        uint8_t row[16] = {0};
        insp_polygon_row(p, width, height, y, 1, row);
        for (uint32_t x = 0; x < width; x++)
            ret[y * (width + 1) + x] = row[x] ? '#' : '.';
        ret[y * (width + 1) + width] = y + 1 < height ? '/' : 0;
    }
}

START_TEST(pixels_count_whose_centres_lie_inside) {
    char text[128];
    struct insp_polygon p = POLYGON({0.25F, 0.25F}, {0.75F, 0.25F}, {0.75F, 0.75F}, {0.25F, 0.75F});
    draw(&p, 4, 4, text);
    ck_assert_str_eq(text, "..../.##./.##./....");
    draw(&p, 8, 2, text); /* the lower row of centres lies on the lower side, which is outside */
    ck_assert_str_eq(text, "..####../........");
    p = POLYGON({0, 0}, {1, 0}, {0, 1});
    draw(&p, 4, 4, text);
    ck_assert_str_eq(text, "###./##../#.../....");
    p = POLYGON({0, 0}, {1, 0}, {1, 1}, {0, 1});
    draw(&p, 3, 3, text);
    ck_assert_str_eq(text, "###/###/###");
}
END_TEST

START_TEST(a_hollow_has_no_pixels) {
    char text[128];
    struct insp_polygon p =
        POLYGON({0, 0}, {1, 0}, {1, 1}, {0.75F, 1}, {0.75F, 0.25F}, {0.25F, 0.25F}, {0.25F, 1}, {0, 1});
    draw(&p, 4, 4, text);
    ck_assert_str_eq(text, "####/#..#/#..#/#..#");
}
END_TEST

START_TEST(two_polygons_with_a_common_side_share_no_pixel_and_leave_none) {
    uint8_t left[9] = {0}, right[9] = {0};
    struct insp_polygon a = POLYGON({0, 0}, {0.5F, 0}, {0.3F, 1}, {0, 1}),
                        b = POLYGON({0.5F, 0}, {1, 0}, {1, 1}, {0.3F, 1});
    for (uint32_t y = 0; y < 9; y++) {
        memset(left, 0, sizeof left);
        memset(right, 0, sizeof right);
        insp_polygon_row(&a, 9, 9, y, 1, left);
        insp_polygon_row(&b, 9, 9, y, 1, right);
        for (size_t x = 0; x < 9; x++)
            ck_assert_int_eq(left[x] + right[x], 1);
    }
}
END_TEST

static void refuse(struct insp_polygon p, const char *text) {
    ck_insp_code(insp_polygon_check(&p, &err), INSP_E_PARAMETER, err);
    ck_assert_msg(strstr(err.detail, text) != NULL, "%s", err.detail);
}

START_TEST(bad_polygons_are_refused) {
    refuse(POLYGON({0, 0}, {1, 1}), "2 points, expected 3 to 64");
    refuse(POLYGON({0, 0}, {1, 0}, {1.5F, 1}), "point 3 is [1.5, 1]");
    refuse(POLYGON({0, 0}, {1, 0}, {NAN, 1}), "point 3");
    refuse(POLYGON({0, 0}, {1, 0}, {-INFINITY, 1}), "point 3");
    refuse(POLYGON({0, 0}, {1, 0}, {1, 0}, {0, 1}), "points 2 and 3 are the same");
    refuse(POLYGON({0, 0}, {1, 0}, {0, 1}, {0, 0}), "points 4 and 1 are the same");
    refuse(POLYGON({0, 0}, {1, 1}, {1, 0}, {0, 1}), "from point 1 crosses the side from point 3"); /* a bow tie */
    refuse(POLYGON({0, 0}, {1, 0}, {0.5F, 0}, {0.5F, 1}), "crosses itself"); /* back along its own side */
    struct insp_polygon many = {.count = 65};
    refuse(many, "65 points");
}
END_TEST

START_TEST(polygons_that_touch_themselves_are_fine) {
    struct insp_polygon p =
        POLYGON({0, 0}, {0.5F, 0.5F}, {1, 0}, {1, 1}, {0.5F, 0.5F}, {0, 1}); /* an hourglass on its side */
    ck_insp_ok(insp_polygon_check(&p, &err), err);
}
END_TEST

INSP_TESTS(pixels_count_whose_centres_lie_inside, a_hollow_has_no_pixels,
           two_polygons_with_a_common_side_share_no_pixel_and_leave_none, bad_polygons_are_refused,
           polygons_that_touch_themselves_are_fine);
