#include "core/model/golden.h"

#include "core/base/fs.h"
#include "core/image/image.h"
#include "core/model/float_json.h"
#include "core/model/manifest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { JSON_BYTES_MAX = 64 << 10, PNG_BYTES_MAX = 1 << 20, FILE_MODE = 0644, NAME_BYTES = 24 };

static const char *const class_name[INSP_CLASSES] = {"good", "anomaly"};

struct insp_golden *insp_golden_new(void) {
    return calloc(1, sizeof(struct insp_golden));
}

void insp_golden_free(struct insp_golden *golden) {
    for (size_t i = 0; golden && i < INSP_GOLDEN_MAX; i++)
        free(golden->sample[i].rgb);
    free(golden);
}

static void picture_name(size_t i, char name[NAME_BYTES]) {
    snprintf(name, NAME_BYTES, "golden-%zu.png", i + 1);
}

/* --- writing --- */

static int write_picture(const char *folder, size_t i, const uint8_t *rgb, char *ret_sha256,
                         struct insp_error *reterr) {
    char path[INSP_PATH_BYTES], name[NAME_BYTES];
    _cleanup_free_ unsigned char *png = NULL;
    size_t bytes;
    picture_name(i, name);
    int r = insp_path(path, reterr, "%s/%s", folder, name);
    if (r == 0)
        r = insp_image_encode_png(rgb, INSP_INPUT_SIDE, INSP_INPUT_SIDE, 3, &png, &bytes, reterr);
    if (r)
        return r;
    insp_sha256_hex(png, bytes, ret_sha256);
    return insp_write_file(path, png, bytes, FILE_MODE, true, reterr);
}

static json_t *map_json(const float *map) {
    json_t *array = json_array();
    for (size_t i = 0; i < INSP_MAP_FLOATS; i++)
        if (json_array_append_new(array, insp_float_json(map[i])) < 0) { /* not finite, or no memory */
            json_decref(array);
            return NULL;
        }
    return array;
}

static int add_sample(const char *folder, size_t i, const struct insp_golden_sample *sample, json_t *samples,
                      struct insp_error *reterr) {
    char sha256[INSP_SHA256_HEX_BYTES], name[NAME_BYTES];
    int r = write_picture(folder, i, sample->rgb, sha256, reterr);
    if (r < 0)
        return r;
    picture_name(i, name);
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:o, s:o}", "file", name, "sha256", sha256, "class", class_name[sample->label],
                  "probability", insp_float_json(sample->probability), "map", map_json(sample->map));
    return json && json_array_append_new(samples, json) == 0
               ? 0
               : insp_fail(reterr, INSP_E_MODEL, "golden sample %zu holds a number that is not finite", i + 1);
}

int insp_golden_write(const char *folder, const struct insp_golden *golden, char *ret_sha256,
                      struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    json_t *samples = json_array();
    int r = golden->count >= 1 && golden->count <= INSP_GOLDEN_MAX
                ? 0
                : insp_fail(reterr, INSP_E_MODEL, "%zu golden samples, expected 1 to %d", golden->count,
                            INSP_GOLDEN_MAX);
    for (size_t i = 0; r == 0 && i < golden->count; i++)
        r = add_sample(folder, i, &golden->sample[i], samples, reterr);
    json_t *root = json_pack("{s:s, s:o}", "device", golden->cuda ? "cuda" : "cpu", "samples", samples);
    _cleanup_free_ char *text =
        root ? json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(root);
    if (r == 0 && !text)
        r = insp_fail(reterr, INSP_E_NOMEM, "no memory for the golden samples");
    if (r == 0)
        r = insp_path(path, reterr, "%s/" INSP_GOLDEN_FILE, folder);
    if (r < 0)
        return r;
    insp_sha256_hex(text, strlen(text), ret_sha256);
    return insp_write_file(path, text, strlen(text), FILE_MODE, true, reterr);
}

/* --- reading --- */

static int read_hashed(const char *path, size_t limit, const char *sha256, char **ret, size_t *ret_bytes,
                       struct insp_error *reterr) {
    char found[INSP_SHA256_HEX_BYTES];
    struct insp_error why;
    if (insp_read_file(path, limit, ret, ret_bytes, &why) < 0) /* missing, too large: a broken model */
        return insp_fail(reterr, why.code == INSP_E_NOMEM ? INSP_E_NOMEM : INSP_E_MODEL, "%s", why.detail);
    insp_sha256_hex(*ret, *ret_bytes, found);
    return strcmp(found, sha256) == 0
               ? 0
               : insp_fail(reterr, INSP_E_MODEL,
                           "%s has sha256 %s, expected %s: the file is damaged or was replaced", path, found,
                           sha256);
}

static int read_picture(const char *folder, size_t i, const char *sha256, uint8_t **ret,
                        struct insp_error *reterr) {
    static const struct insp_image_limits limits = {.bytes = PNG_BYTES_MAX,
                                                    .width = INSP_INPUT_SIDE,
                                                    .height = INSP_INPUT_SIDE,
                                                    .pixels = (uint64_t)INSP_INPUT_SIDE * INSP_INPUT_SIDE};
    const struct insp_media_type type = {.media = INSP_MEDIA_PNG};
    char path[INSP_PATH_BYTES], name[NAME_BYTES];
    _cleanup_(insp_image_freep) struct insp_image *image = NULL;
    _cleanup_free_ char *png = NULL;
    size_t bytes;
    picture_name(i, name);
    int r = insp_path(path, reterr, "%s/%s", folder, name);
    if (r == 0)
        r = read_hashed(path, PNG_BYTES_MAX, sha256, &png, &bytes, reterr);
    if (r == 0 && (r = insp_image_decode(png, bytes, &type, 0, &limits, &image, reterr)) < 0)
        r = insp_fail(reterr, r == INSP_E_NOMEM ? r : INSP_E_MODEL, "%s cannot be decoded", path);
    if (r == 0 && (image->width != INSP_INPUT_SIDE || image->height != INSP_INPUT_SIDE))
        r = insp_fail(reterr, INSP_E_MODEL, "%s is %u x %u, expected %d x %d", path, image->width, image->height,
                      INSP_INPUT_SIDE, INSP_INPUT_SIDE);
    if (r == 0)
        *ret = insp_take_ptr(image->rgb);
    return r;
}

static bool read_numbers(const json_t *json, struct insp_golden_sample *sample) {
    const json_t *probability = json_object_get(json, "probability"), *map = json_object_get(json, "map");
    double p = json_number_value(probability);
    if (!json_is_number(probability) || !(p >= 0 && p <= 1) || json_array_size(map) != INSP_MAP_FLOATS)
        return false;
    sample->probability = (float)p;
    for (size_t i = 0; i < INSP_MAP_FLOATS; i++) {
        const json_t *value = json_array_get(map, i);
        sample->map[i] = (float)json_number_value(value);
        if (!json_is_number(value) || !isfinite(sample->map[i]))
            return false;
    }
    return true;
}

static int read_sample(const char *folder, size_t i, const json_t *json, struct insp_golden_sample *sample,
                       struct insp_error *reterr) {
    char name[NAME_BYTES];
    const char *file = json_string_value(json_object_get(json, "file")),
               *sha256 = json_string_value(json_object_get(json, "sha256")),
               *class = json_string_value(json_object_get(json, "class"));
    picture_name(i, name);
    bool known = class && (!strcmp(class, class_name[0]) || !strcmp(class, class_name[1]));
    if (!file || strcmp(file, name) != 0 || !sha256 || !insp_sha256_hex_valid(sha256) || !known ||
        !read_numbers(json, sample))
        return insp_fail(
            reterr, INSP_E_MODEL,
            "sample %zu of %s/" INSP_GOLDEN_FILE
            " is not {\"file\": \"%s\", \"sha256\", \"class\", \"probability\", \"map\": [%d numbers]}",
            i + 1, folder, name, INSP_MAP_FLOATS);
    sample->label = strcmp(class, class_name[INSP_CLASS_ANOMALY]) == 0;
    return read_picture(folder, i, sha256, &sample->rgb, reterr);
}

static int read_samples(const char *folder, const json_t *root, struct insp_golden *golden,
                        struct insp_error *reterr) {
    const json_t *samples = json_object_get(root, "samples");
    const char *device = json_string_value(json_object_get(root, "device"));
    size_t count = json_array_size(samples);
    if (!device || count < 1 || count > INSP_GOLDEN_MAX)
        return insp_fail(reterr, INSP_E_MODEL,
                         "%s/" INSP_GOLDEN_FILE " is not {\"device\", \"samples\": [1 to %d]}", folder,
                         INSP_GOLDEN_MAX);
    golden->cuda = strcmp(device, "cpu") != 0;
    int r = 0;
    for (; r == 0 && golden->count < count; golden->count++)
        r = read_sample(folder, golden->count, json_array_get(samples, golden->count),
                        &golden->sample[golden->count], reterr);
    return r;
}

int insp_golden_read(const char *folder, const char *sha256, struct insp_golden **ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_(insp_golden_freep) struct insp_golden *golden = insp_golden_new();
    _cleanup_free_ char *text = NULL;
    size_t bytes;
    if (!golden)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for golden samples");
    int r = insp_path(path, reterr, "%s/" INSP_GOLDEN_FILE, folder);
    if (r == 0)
        r = read_hashed(path, JSON_BYTES_MAX, sha256, &text, &bytes, reterr);
    if (r)
        return r;
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL);
    r = read_samples(folder, root, golden, reterr);
    json_decref(root);
    if (r == 0)
        *ret = insp_take_ptr(golden);
    return r;
}
