#include "core/dataset/image_loader.h"

#include "tests/unit/train_fixture.h"

#include <math.h>

enum { IMAGES = 20 };

static struct train_fixture f;
static char path[IMAGES][INSP_PATH_BYTES], sha256[IMAGES][INSP_SHA256_HEX_BYTES];
static const char *paths[IMAGES], *hashes[IMAGES];
static float pixels[INSP_INPUT_FLOATS];

static void hash_file(size_t i) {
    _cleanup_free_ char *bytes = NULL;
    size_t count;
    ck_insp_ok(insp_read_file(path[i], 1 << 20, &bytes, &count, &f.err), f.err);
    insp_sha256_hex(bytes, count, sha256[i]);
}

/* Image i has the brightness 10 i. */
static void open_images(void) {
    train_fixture_open(&f);
    for (size_t i = 0; i < IMAGES; i++) {
        char relative[32];
        snprintf(relative, sizeof relative, "i/%02zu.png", i);
        fixture_image(&f, relative, (uint8_t)(10 * i));
        fixture_path(&f, relative, path[i]);
        hash_file(i);
        paths[i] = path[i];
        hashes[i] = sha256[i];
    }
}

static struct insp_image_loader *start(unsigned threads, size_t ahead) {
    struct insp_image_loader_config config = {.count = IMAGES,
                                              .path = paths,
                                              .sha256 = hashes,
                                              .transform = insp_transform_default(),
                                              .limits = insp_image_limits_default(),
                                              .threads = threads,
                                              .ahead = ahead};
    struct insp_image_loader *loader;
    ck_insp_ok(insp_image_loader_new(&config, &loader, &f.err), f.err);
    return loader;
}

/* The last pixel is not the one that fixture_image makes unique. */
static void check_brightness(size_t i) {
    ck_assert_float_eq_tol(pixels[INSP_INPUT_FLOATS - 1], (float)(10 * i) / 255, 1e-6f);
}

static void damage(size_t i) {
    ck_insp_ok(insp_write_file(path[i], "\x89PNG\r\n\x1a\n", 8, 0644, false, &f.err), f.err);
    hash_file(i);
}

START_TEST(images_come_in_order) {
    open_images();
    for (unsigned threads = 1; threads <= 3; threads++) {
        struct insp_image_loader *loader = start(threads, threads);
        for (size_t i = 0; i < IMAGES; i++) {
            ck_insp_ok(insp_image_loader_next(loader, pixels, &f.err), f.err);
            check_brightness(i);
        }
        insp_image_loader_free(loader);
    }
    train_fixture_close(&f);
}
END_TEST

START_TEST(an_error_is_that_images_alone) {
    open_images();
    damage(3);
    ck_assert_int_eq(unlink(path[7]), 0);
    fixture_image(&f, "i/09.png", 1); /* not the bytes that were hashed */
    struct insp_image_loader *loader = start(2, 4);
    for (size_t i = 0; i < IMAGES; i++) {
        int r = insp_image_loader_next(loader, pixels, &f.err);
        ck_assert_int_eq(r, i == 3 || i == 9 ? INSP_E_IMAGE : i == 7 ? INSP_E_IO : 0);
        if (r == 0)
            check_brightness(i);
        else
            ck_assert_ptr_nonnull(strstr(f.err.detail, path[i]));
        if (i == 9)
            ck_assert_ptr_nonnull(strstr(f.err.detail, "changed while it was being read"));
    }
    insp_image_loader_free(loader);
    train_fixture_close(&f);
}
END_TEST

/* Its threads wait for room, or have an image in hand: both end. */
START_TEST(a_loader_is_freed_at_any_time) {
    open_images();
    for (size_t had = 0; had < 6; had++) {
        struct insp_image_loader *loader = start(2, 2);
        for (size_t i = 0; i < had; i++)
            ck_insp_ok(insp_image_loader_next(loader, pixels, &f.err), f.err);
        insp_image_loader_free(loader);
    }
    insp_image_loader_free(NULL);
    train_fixture_close(&f);
}
END_TEST

START_TEST(one_image_as_the_daemon_would_see_it) {
    open_images();
    struct insp_transform transform = {
        .width = 5, .height = 3, .bgr = true, .scale = 1, .mean = {10, 20, 30}, .std = {2, 4, 8}};
    struct insp_image_limits limits = insp_image_limits_default();
    const uint8_t rgb[] = {50, 60, 70}; /* one pixel */
    unsigned char *png;
    size_t bytes;
    ck_insp_ok(insp_image_encode_png(rgb, 1, 1, 3, &png, &bytes, &f.err), f.err);
    fixture_bytes(&f, "i/one.png", png, bytes);
    free(png);
    fixture_path(&f, "i/one.png", path[0]);
    ck_insp_ok(insp_load_image(path[0], NULL, NULL, NULL, &transform, &limits, pixels, &f.err), f.err);
    for (size_t i = 0; i < 15; i++) {
        ck_assert_float_eq(pixels[i], (70.0f - 10) / 2);
        ck_assert_float_eq(pixels[15 + i], (60.0f - 20) / 4);
        ck_assert_float_eq(pixels[30 + i], (50.0f - 30) / 8);
    }
    train_fixture_close(&f);
}
END_TEST

START_TEST(limits_hold_and_name_the_file) {
    open_images();
    struct insp_transform transform = insp_transform_default();
    struct insp_image_limits limits = insp_image_limits_default();
    limits.width = 31;
    ck_insp_code(insp_load_image(path[0], sha256[0], NULL, NULL, &transform, &limits, pixels, &f.err),
                 INSP_E_IMAGE_LIMIT, f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, path[0]));
    limits = insp_image_limits_default();
    limits.bytes = 20;
    ck_insp_code(insp_load_image(path[0], sha256[0], NULL, NULL, &transform, &limits, pixels, &f.err), INSP_E_IO,
                 f.err);
    ck_assert_ptr_nonnull(strstr(f.err.detail, path[0]));
    train_fixture_close(&f);
}
END_TEST

INSP_TESTS(images_come_in_order, an_error_is_that_images_alone, a_loader_is_freed_at_any_time,
           one_image_as_the_daemon_would_see_it, limits_hold_and_name_the_file);
