/* tests/unit/train_fixture.h - make a dataset, a trunk and a state folder in a new folder. The trunk passes the
 * picture's mean brightness on to channel 0 of its features (all other weights are 0), so that the same tests
 * run on the real device and on the fake one, which computes about the same. Good images are dark, defects bright.
 */
#ifndef INSP_TESTS_TRAIN_FIXTURE_H
#define INSP_TESTS_TRAIN_FIXTURE_H

#include "core/base/fs.h"
#include "core/image/image.h"
#include "core/model/bundle.h"
#include "core/train/train.h"
#include "tests/unit/harness.h"

#include <string.h>

struct train_fixture {
    char dir[64], set[80], state[80], cache[80], trunk_sha256[INSP_SHA256_HEX_BYTES];
    struct insp_device *device;
    struct insp_trunk *trunk;
    struct insp_train_context context;
    struct insp_error err;
    unsigned images; /* made so far: each differs from the others */
};

static inline struct insp_trunk_arrays *fixture_trunk_arrays(void) {
    struct insp_trunk_arrays *arrays = insp_trunk_arrays_new();
    ck_assert_ptr_nonnull(arrays);
    for (size_t c = 0; c < 3; c++)
        arrays->weight[0][c * 9 + 4] = 1.0f / 3; /* [0,c,1,1] */
    for (size_t i = 1; i < INSP_TRUNK_CONVS; i++)
        arrays->weight[i][4] = 1; /* [0,0,1,1] */
    return arrays;
}

static inline void train_fixture_open(struct train_fixture *f) {
    *f = (struct train_fixture){0};
    strcpy(f->dir, "/tmp/insp-train-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->dir));
    snprintf(f->set, sizeof f->set, "%s/set", f->dir);
    snprintf(f->state, sizeof f->state, "%s/state", f->dir);
    snprintf(f->cache, sizeof f->cache, "%s/cache", f->dir);
    memset(f->trunk_sha256, 'a', INSP_SHA256_HEX_BYTES - 1);
    struct insp_device_config config = {.name = "cpu", .threads = 1};
    ck_insp_ok(insp_device_open(&config, &f->device, &f->err), f->err);
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = fixture_trunk_arrays();
    struct insp_trunk_weights view = insp_trunk_arrays_view(arrays);
    ck_insp_ok(insp_trunk_load(f->device, &view, &f->trunk, &f->err), f->err);
    f->context = (struct insp_train_context){.state_dir = f->state,
                                             .product = "p",
                                             .dataset_root = f->set,
                                             .device = f->device,
                                             .trunk = f->trunk,
                                             .trunk_sha256 = f->trunk_sha256,
                                             .cache_folder = f->cache,
                                             .limits = insp_image_limits_default()};
}

/* Reading a bundle needs its trunk in the state folder. */
static inline void train_fixture_install_trunk(struct train_fixture *f) {
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = fixture_trunk_arrays();
    ck_insp_ok(insp_trunk_install(f->state, arrays, f->trunk_sha256, &f->err), f->err);
}

static inline void train_fixture_close(struct train_fixture *f) {
    insp_trunk_free(f->trunk);
    insp_device_free(f->device);
    ck_insp_ok(insp_remove_tree(f->dir, &f->err), f->err);
}

static inline void fixture_path(struct train_fixture *f, const char *relative, char *ret_path) {
    ck_insp_ok(insp_path(ret_path, &f->err, "%s/%s", f->set, relative), f->err);
}

static inline void fixture_bytes(struct train_fixture *f, const char *relative, const void *bytes, size_t count) {
    char path[INSP_PATH_BYTES], folder[INSP_PATH_BYTES];
    fixture_path(f, relative, path);
    strcpy(folder, path);
    *strrchr(folder, '/') = '\0';
    ck_insp_ok(insp_mkdir_all(folder, 0755, &f->err), f->err);
    ck_insp_ok(insp_write_file(path, bytes, count, 0644, false, &f->err), f->err);
}

/* A grey picture of this brightness with one unique pixel. */
static inline void fixture_image(struct train_fixture *f, const char *relative, uint8_t brightness) {
    enum { SIDE = 32 };
    uint8_t pixels[SIDE * SIDE];
    unsigned char *png;
    size_t bytes;
    memset(pixels, brightness, sizeof pixels);
    pixels[f->images % sizeof pixels] ^= 0x80;
    f->images++;
    ck_insp_ok(insp_image_encode_png(pixels, SIDE, SIDE, 1, &png, &bytes, &f->err), f->err);
    fixture_bytes(f, relative, png, bytes);
    free(png);
}

/* A grey picture of any size with a square of another level: a mask, or a picture for tiles. */
static inline void fixture_square(struct train_fixture *f, const char *relative, uint32_t width, uint32_t height,
                                  uint8_t level, uint8_t square, uint32_t x, uint32_t y, uint32_t side) {
    uint8_t *pixels = malloc((size_t)width * height);
    unsigned char *png;
    size_t bytes;
    memset(pixels, level, (size_t)width * height);
    for (uint32_t row = y; row < y + side; row++)
        memset(pixels + (size_t)row * width + x, square, side);
    ck_insp_ok(insp_image_encode_png(pixels, width, height, 1, &png, &bytes, &f->err), f->err);
    fixture_bytes(f, relative, png, bytes);
    free(pixels);
    free(png);
}

/* train/good/0.png..., test/hole/0.png..., test/stain/0.png... */
static inline void fixture_set(struct train_fixture *f, size_t good, size_t holes, size_t stains) {
    const struct {
        const char *folder;
        size_t count;
        unsigned brightness;
    } part[] = {{"train/good", good, 20}, {"test/hole", holes, 190}, {"test/stain", stains, 220}};
    for (size_t p = 0; p < INSP_COUNT(part); p++)
        for (size_t i = 0; i < part[p].count; i++) {
            char relative[64];
            snprintf(relative, sizeof relative, "%s/%02zu.png", part[p].folder, i);
            fixture_image(f, relative, (uint8_t)(part[p].brightness + i));
        }
}

/* Short trainings: small batches, two epochs, nothing that the clock or the machine decides. */
static inline struct insp_train_params fixture_params(void) {
    struct insp_train_params params = insp_train_params_default();
    params.mode = INSP_MODE_SUPERVISED;
    params.threshold_auto = false;
    params.batch = 4;
    params.epochs = 2;
    params.test_share = 0.25f;
    params.folds = 2;
    return params;
}

static inline bool fixture_is_fake(void) {
    return !strcmp(insp_torch_version(), "fake");
}

/* `cancelled` of a progress whose arg is a count: true from the time on when it has been asked that often. */
static inline bool fixture_cancel_after(void *arg) {
    int *left = arg;
    return (*left)-- <= 0;
}

#endif
