/* Pixels to the network's input. */
#include "core/image/transform.h"
#include "harness.h"

static const uint8_t RGB[] = {0, 10, 20, 255, 128, 7}; /* two pixels */

START_TEST(test_notebook) {
    struct insp_transform t = insp_transform_default();
    ck_assert_uint_eq(t.width, 224);
    ck_assert_uint_eq(t.height, 224);
    t.width = 2;
    t.height = 1;
    float out[6];
    insp_transform_apply(&t, RGB, out);
    static const uint8_t planar[] = {0, 255, 10, 128, 20, 7};
    for (unsigned i = 0; i < 6; i++)
        ck_assert_float_eq_tol(out[i], (float)planar[i] / 255.0f, 1e-7f);
    ck_assert(out[1] <= 1.0f);
}
END_TEST

/* mean and std are in channel order: for bgr the first of them belongs to blue. */
START_TEST(test_bgr_mean_std) {
    struct insp_transform t = {
        .width = 1, .height = 2, .bgr = true, .scale = 1, .mean = {103.9f, 116.8f, 123.7f}, .std = {1, 2, 4}};
    float out[6];
    insp_transform_apply(&t, RGB, out);
    static const float expected[] = {20 - 103.9f,        7 - 103.9f,       (10 - 116.8f) / 2,
                                     (128 - 116.8f) / 2, (0 - 123.7f) / 4, (255 - 123.7f) / 4};
    for (unsigned i = 0; i < 6; i++)
        ck_assert_float_eq(out[i], expected[i]);
}
END_TEST

START_TEST(test_names) {
    struct insp_transform notebook, imagenet, before = insp_transform_default();
    ck_assert(insp_transform_named("notebook", &notebook) && insp_transform_equal(&notebook, &before));
    ck_assert(insp_transform_named("imagenet", &imagenet) && !insp_transform_equal(&imagenet, &notebook));
    ck_assert(!insp_transform_named("coco", &before) && insp_transform_equal(&notebook, &before));
    ck_assert_str_eq(insp_transform_name(&notebook), "notebook");
    ck_assert_str_eq(insp_transform_name(&imagenet), "imagenet");
    imagenet.std[2] = 1;
    ck_assert_str_eq(insp_transform_name(&imagenet), "custom");
}
END_TEST

INSP_TESTS(test_notebook, test_bgr_mean_std, test_names);
