/* core/image/image.c - images, and their limits. */
#include "core/image/image.h"

#include <stdlib.h>

struct insp_image_limits insp_image_limits_default(void) {
    return (struct insp_image_limits){.bytes = (size_t)64 << 20,
                                      .width = 16384,
                                      .height = 16384,
                                      .pixels = UINT64_C(64000000),
                                      .jpeg_stray_bytes = 64};
}

struct insp_image_limits insp_image_limits_alone(const struct insp_image_limits *limits) {
    struct insp_image_limits alone = *limits;
    alone.budget = NULL;
    alone.background = false;
    alone.wait_us = 0;
    alone.cancelled = NULL;
    alone.cancelled_arg = NULL;
    alone.claim = NULL;
    alone.kept_bytes = 0;
    return alone;
}

int insp_image_new(uint32_t width, uint32_t height, struct insp_image **ret, struct insp_error *reterr) {
    uint64_t pixels = (uint64_t)width * height;
    _cleanup_(insp_image_freep) struct insp_image *image = calloc(1, sizeof *image);
    /* Four bytes a pixel: the PNG decoder needs them before it drops alpha. */
    if (pixels <= SIZE_MAX / 4 && image)
        image->rgb = malloc(pixels ? (size_t)pixels * 3 : 1);
    if (!image || !image->rgb)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for an image of %u x %u pixels", width, height);
    image->width = image->posted_width = width;
    image->height = image->posted_height = height;
    image->source = (struct insp_image_source){.bits = 8, .orientation = 1};
    *ret = insp_take_ptr(image);
    return 0;
}

void insp_image_keep_claim(struct insp_image *image, size_t bytes, struct insp_image_claim *ret) {
    *ret = (struct insp_image_claim){0};
    if (!image->claim.budget)
        return;
    *ret = image->claim;
    ret->pixels = 0;
    ret->bytes = bytes;
    image->claim.bytes -= bytes;
}

void insp_image_free(struct insp_image *image) {
    if (!image)
        return;
    free(image->rgb);
    insp_image_budget_return(&image->claim);
    free(image);
}
