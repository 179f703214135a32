/* core/image/transform.c - one table per channel: 256 entries replace 50176 divisions, bit for bit. */
#include "core/image/transform.h"

#include <string.h>

struct insp_transform insp_transform_default(void) {
    return (struct insp_transform){
        .width = 224, .height = 224, .bgr = false, .scale = 1.0f / 255.0f, .mean = {0, 0, 0}, .std = {1, 1, 1}};
}

bool insp_transform_named(const char *name, struct insp_transform *ret) {
    static const float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};
    bool imagenet = !strcmp(name, "imagenet");
    if (!imagenet && strcmp(name, "notebook") != 0)
        return false;
    *ret = insp_transform_default();
    if (imagenet) {
        memcpy(ret->mean, mean, sizeof mean);
        memcpy(ret->std, std, sizeof std);
    }
    return true;
}

const char *insp_transform_name(const struct insp_transform *transform) {
    static const char *const names[] = {"notebook", "imagenet"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct insp_transform named;
        if (insp_transform_named(names[i], &named) && insp_transform_equal(transform, &named))
            return names[i];
    }
    return "custom";
}

bool insp_transform_equal(const struct insp_transform *a, const struct insp_transform *b) {
    bool same = a->width == b->width && a->height == b->height && a->bgr == b->bgr && a->scale == b->scale;
    for (size_t c = 0; c < 3; c++)
        same = same && a->mean[c] == b->mean[c] && a->std[c] == b->std[c];
    return same;
}

void insp_transform_tabulate(const struct insp_transform *transform, float table[3][256]) {
    for (unsigned c = 0; c < 3; c++) {
        for (unsigned v = 0; v < 256; v++)
            table[c][v] = ((float)v * transform->scale - transform->mean[c]) / transform->std[c];
    }
}

void insp_transform_part(const struct insp_transform *transform, const float (*table)[256], const uint8_t *rgb,
                         size_t from, size_t to, float *ret_chw) {
    size_t pixels = (size_t)transform->width * transform->height;
    const uint8_t *first = rgb + (transform->bgr ? 2 : 0), *last = rgb + (transform->bgr ? 0 : 2);
    float *plane0 = ret_chw, *plane1 = ret_chw + pixels, *plane2 = ret_chw + 2 * pixels;
    for (size_t i = from; i < to; i++) {
        plane0[i] = table[0][first[3 * i]];
        plane1[i] = table[1][rgb[3 * i + 1]];
        plane2[i] = table[2][last[3 * i]];
    }
}

void insp_transform_apply(const struct insp_transform *transform, const uint8_t *rgb, float *ret_chw) {
    float table[3][256];
    insp_transform_tabulate(transform, table);
    insp_transform_part(transform, (const float(*)[256])table, rgb, 0,
                        (size_t)transform->width * transform->height, ret_chw);
}
