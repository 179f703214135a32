/* Any bytes through the image decoder and the way to the network; what is refused must say why. */
#include "core/image/image.h"
#include "core/image/transform.h"
#include "driver.h"

#include <string.h>

static void check_refusal(int code, const struct insp_error *error) {
    DEMAND(code == INSP_E_IMAGE || code == INSP_E_IMAGE_LIMIT);
    DEMAND(error->code == code && error->detail[0]);
}

static void decode(const uint8_t *data, size_t size, const struct insp_media_type *type, uint32_t target_side) {
    /* Small enough that a run takes milliseconds; large enough for every path. */
    static const struct insp_image_limits limits = {
        .bytes = 1 << 20, .width = 1024, .height = 1024, .pixels = 1 << 18};
    struct insp_image *image = NULL, *small = NULL;
    struct insp_error error = {0};
    int code = insp_image_decode(data, size, type, target_side, &limits, &image, &error);
    if (code) {
        DEMAND(!image);
        check_refusal(code, &error);
        return;
    }
    DEMAND(image->width && image->height && image->width <= image->posted_width);
    DEMAND(image->posted_width <= limits.width && image->posted_height <= limits.height);
    DEMAND(target_side == 0 || image->width == image->posted_width || image->width >= 2 * target_side);
    DEMAND(insp_image_resize(image, 32, 32, &small, &error) == 0);
    float pixels[3 * 32 * 32];
    struct insp_transform transform = insp_transform_default();
    transform.width = transform.height = 32;
    insp_transform_apply(&transform, small->rgb, pixels);
    for (size_t i = 0; i < INSP_COUNT(pixels); i++)
        DEMAND(pixels[i] >= 0 && pixels[i] <= 1);
    insp_image_free(small);
    insp_image_free(image);
}

static uint32_t crc(const uint8_t *bytes, size_t count) { /* ISO 3309, as PNG has it */
    uint32_t value = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        value ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? UINT32_C(0xedb88320) : 0);
    }
    return ~value;
}

/* Makes every chunk's checksum right, or no change to a PNG would ever be looked at. */
static void mend_png(uint8_t *png, size_t size) {
    for (size_t at = 8; size >= 12 && at <= size - 12;) {
        uint8_t *chunk = png + at;
        size_t length = (size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 | (size_t)chunk[2] << 8 | chunk[3];
        if (length > size - 12 - at)
            return;
        uint32_t value = crc(chunk + 4, length + 4);
        for (unsigned i = 0; i < 4; i++)
            chunk[8 + length + i] = (uint8_t)(value >> (24 - 8 * i));
        at += 12 + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct insp_media_type type = {.media = INSP_MEDIA_UNKNOWN};
    decode(data, size, &type, 0);
    decode(data, size, &type, 8);
    if (insp_image_sniff(data, size) == INSP_MEDIA_PNG) {
        uint8_t *mended = malloc(size);
        DEMAND(mended);
        memcpy(mended, data, size);
        mend_png(mended, size);
        decode(mended, size, &type, 0);
        free(mended);
    }
    if (size >= 3) {
        type = (struct insp_media_type){.media = INSP_MEDIA_RAW,
                                        .raw_format = (enum insp_raw_format)(data[0] % 3),
                                        .raw_width = data[1],
                                        .raw_height = data[2]};
        decode(data + 3, size - 3, &type, 0);
    }
    return 0;
}
