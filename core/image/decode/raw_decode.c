/* core/image/decode/raw_decode.c - read pixels as a camera's driver delivers them: rows without padding, top
 * first. */
#include "core/image/decode/decode.h"

#include <string.h>

int insp_raw_decode(const void *bytes, size_t count, const struct insp_media_type *type,
                    const struct insp_image_limits *limits, struct insp_image **ret, struct insp_error *reterr) {
    int code = insp_image_check_size("raw image", type->raw_width, type->raw_height, limits, reterr);
    if (code)
        return code;
    /* Divide rather than multiply: the sender chose width and height, and the configured limits may be large
     * enough to overflow. */
    size_t pixel_bytes = type->raw_format == INSP_RAW_MONO8 ? 1 : 3;
    uint64_t pixels = (uint64_t)type->raw_width * type->raw_height;
    if (count % pixel_bytes || count / pixel_bytes != pixels)
        return insp_fail(reterr, INSP_E_IMAGE,
                         "a raw image of %u x %u pixels with %zu byte%s each is not %zu bytes long",
                         type->raw_width, type->raw_height, pixel_bytes, pixel_bytes == 1 ? "" : "s", count);

    struct insp_image *image;
    code = insp_image_reserve(limits, type->raw_width, type->raw_height, 3 * pixels, reterr);
    if (code)
        return code;
    code = insp_image_new(type->raw_width, type->raw_height, &image, reterr);
    if (code)
        return code;
    const uint8_t *in = bytes;
    uint8_t *out = image->rgb;
    switch (type->raw_format) {
    case INSP_RAW_RGB8:
        memcpy(out, in, count);
        break;
    case INSP_RAW_BGR8:
        for (size_t i = 0; i < count; i += 3) {
            out[i] = in[i + 2];
            out[i + 1] = in[i + 1];
            out[i + 2] = in[i];
        }
        break;
    case INSP_RAW_MONO8:
        for (size_t i = 0; i < count; i++)
            out[3 * i] = out[3 * i + 1] = out[3 * i + 2] = in[i];
        break;
    }
    *ret = image;
    return 0;
}
