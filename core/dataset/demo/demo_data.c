#include "core/dataset/demo/demo_data.h"

#include "core/base/fs.h"
#include "core/dataset/demo/demo_defects.h"
#include "core/dataset/demo/demo_texture.h"
#include "core/image/image.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>

enum { SIDE = 256, IMAGES_MIN = 20, IMAGES_MAX = 100000 };

static const char *const DEFECT_NAME[] = {[INSP_DEMO_GOOD] = "good",
                                          [INSP_DEMO_HOLE] = "hole",
                                          [INSP_DEMO_THREAD] = "thread",
                                          [INSP_DEMO_STAIN] = "stain"};

static uint8_t to_byte(double value) {
    return (uint8_t)(fmin(fmax(value, 0), 255) + 0.5);
}

int insp_demo_image(enum insp_demo_defect defect, size_t index, uint64_t seed, uint32_t side,
                    struct insp_image **ret, uint8_t *ret_mask, struct insp_error *reterr) {
    struct insp_image *image;
    int code = insp_image_new(side, side, &image, reterr);
    if (code)
        return code;
    uint64_t key = insp_demo_hash(insp_demo_hash(seed, defect), index);
    struct insp_demo_carpet carpet = insp_demo_carpet_new(key);
    struct insp_demo_flaw flaw = insp_demo_flaw_new(defect, key);
    uint8_t *out = image->rgb;
    for (uint32_t row = 0; row < side; row++) {
        for (uint32_t column = 0; column < side; column++, out += 3) {
            double x = (column + 0.5) / side, y = (row + 0.5) / side, rgb[3];
            insp_demo_carpet_colour(&carpet, x, y, rgb);
            bool flawed = insp_demo_flaw_apply(&flaw, &carpet, x, y, rgb);
            for (unsigned c = 0; c < 3; c++)
                out[c] = to_byte(rgb[c]);
            if (ret_mask)
                ret_mask[(size_t)row * side + column] = flawed ? 255 : 0;
        }
    }
    *ret = image;
    return 0;
}

static int write_png(const char *path, const uint8_t *pixels, unsigned channels, struct insp_error *reterr) {
    _cleanup_free_ unsigned char *png = NULL;
    size_t bytes;
    int code = insp_image_encode_png(pixels, SIDE, SIDE, channels, &png, &bytes, reterr);
    return code ? code : insp_write_file(path, png, bytes, 0644, false, reterr);
}

/* A part of the dataset: `count` images of one class in one folder. `first` is the index of the first one among
 * the images of its class, so that train/good and test/good differ. */
struct series {
    const char *split;
    enum insp_demo_defect defect;
    size_t first, count;
};

struct writer {
    const char *folder;
    uint64_t seed;
    void (*progress)(void *arg, size_t done, size_t total);
    void *arg;
    size_t done, total;
    uint8_t *mask; /* SIDE * SIDE */
};

static int write_image(const struct writer *writer, const struct series *series, size_t i,
                       struct insp_error *reterr) {
    const char *name = DEFECT_NAME[series->defect];
    _cleanup_(insp_image_freep) struct insp_image *image = NULL;
    char path[INSP_PATH_BYTES];
    int code =
        insp_demo_image(series->defect, series->first + i, writer->seed, SIDE, &image, writer->mask, reterr);
    if (!code)
        code = insp_path(path, reterr, "%s/%s/%s/%03zu.png", writer->folder, series->split, name, i);
    if (!code)
        code = write_png(path, image->rgb, 3, reterr);
    if (code || series->defect == INSP_DEMO_GOOD)
        return code;
    code = insp_path(path, reterr, "%s/ground_truth/%s/%03zu_mask.png", writer->folder, name, i);
    return code ? code : write_png(path, writer->mask, 1, reterr);
}

static int write_series(struct writer *writer, const struct series *series, struct insp_error *reterr) {
    const char *name = DEFECT_NAME[series->defect];
    char path[INSP_PATH_BYTES];
    int code = insp_path(path, reterr, "%s/%s/%s", writer->folder, series->split, name);
    if (!code)
        code = insp_mkdir_all(path, 0755, reterr);
    if (!code && series->defect != INSP_DEMO_GOOD) {
        code = insp_path(path, reterr, "%s/ground_truth/%s", writer->folder, name);
        if (!code)
            code = insp_mkdir_all(path, 0755, reterr);
    }
    for (size_t i = 0; !code && i < series->count; i++) {
        code = write_image(writer, series, i, reterr);
        if (!code && writer->progress)
            writer->progress(writer->arg, ++writer->done, writer->total);
    }
    return code;
}

static int write_set(struct writer *writer, struct insp_error *reterr) {
    size_t train = writer->total / 2, rest = writer->total - train, each = rest / 4;
    const struct series all[] = {
        {"train", INSP_DEMO_GOOD, 0, train}, {"test", INSP_DEMO_GOOD, train, rest - 3 * each},
        {"test", INSP_DEMO_HOLE, 0, each},   {"test", INSP_DEMO_THREAD, 0, each},
        {"test", INSP_DEMO_STAIN, 0, each},
    };
    int code = 0;
    for (size_t i = 0; !code && i < INSP_COUNT(all); i++)
        code = write_series(writer, &all[i], reterr);
    return code;
}

/* Succeeds if the folder is missing or empty. */
static int check_empty(const char *folder, struct insp_error *reterr) {
    DIR *dir = opendir(folder);
    if (!dir)
        return errno == ENOENT ? 0 : insp_fail_errno(reterr, errno, "cannot open the folder %s", folder);
    size_t entries = 0;
    while (readdir(dir))
        entries++;
    closedir(dir);
    if (entries > 2) /* "." and ".." */
        return insp_fail(reterr, INSP_E_CONFLICT, "%s is not empty; demo data needs an empty or a new folder",
                         folder);
    return 0;
}

/* Removes an incomplete dataset, so that nobody trains with it. The folder was empty before. */
static void remove_set(const char *folder) {
    static const char *const PART[] = {"train", "test", "ground_truth"};
    for (size_t i = 0; i < INSP_COUNT(PART); i++) {
        char path[INSP_PATH_BYTES];
        if (!insp_path(path, NULL, "%s/%s", folder, PART[i]))
            insp_remove_tree(path, NULL); /* the caller reports the failure that came first */
    }
}

int insp_demo_data(const char *folder, size_t images, uint64_t seed,
                   void (*progress)(void *arg, size_t done, size_t total), void *arg, struct insp_error *reterr) {
    if (images < IMAGES_MIN || images > IMAGES_MAX)
        return insp_fail(reterr, INSP_E_PARAMETER, "demo data must have %d to %d images, not %zu", IMAGES_MIN,
                         IMAGES_MAX, images);
    int code = check_empty(folder, reterr);
    if (code)
        return code;
    _cleanup_free_ uint8_t *mask = malloc((size_t)SIDE * SIDE);
    if (!mask)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for demo data");
    struct writer writer = {
        .folder = folder, .seed = seed, .progress = progress, .arg = arg, .total = images, .mask = mask};
    code = write_set(&writer, reterr);
    if (code)
        remove_set(folder);
    return code;
}
