#include "core/image/thumbnail.h"

enum { QUALITY = 85 };

uint32_t insp_thumbnail_height(uint32_t image_width, uint32_t image_height, uint32_t width) {
    if (image_width == 0) /* a damaged row of the store */
        return 1;
    uint64_t height = ((uint64_t)image_height * width + image_width / 2) / image_width;
    return height ? (uint32_t)height : 1;
}

int insp_image_thumbnail(const void *bytes, size_t count, const struct insp_media_type *type, uint32_t image_width,
                         uint32_t image_height, uint32_t width, const struct insp_image_limits *limits,
                         unsigned char **ret_jpeg, size_t *ret_bytes, struct insp_error *reterr) {
    _cleanup_(insp_image_freep) struct insp_image *decoded = NULL, *resized = NULL;
    width = width < image_width ? width : image_width;
    uint32_t height = insp_thumbnail_height(image_width, image_height, width);
    int code = insp_image_decode(bytes, count, type, width < height ? width : height, limits, &decoded, reterr);
    if (code)
        return code;
    /* Use the decoded sides: rows older than the support of EXIF orientation have them swapped. */
    width = width < decoded->posted_width ? width : decoded->posted_width;
    height = insp_thumbnail_height(decoded->posted_width, decoded->posted_height, width);
    const struct insp_image *image = decoded;
    if (decoded->width != width || decoded->height != height) {
        code = insp_image_resize(decoded, width, height, &resized, reterr);
        image = resized;
    }
    return code ? code : insp_image_encode_jpeg(image->rgb, width, height, QUALITY, ret_jpeg, ret_bytes, reterr);
}
