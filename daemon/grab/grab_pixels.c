#include "daemon/grab/grab_pixels.h"

#include "core/base/cleanup.h"
#include "core/image/bayer.h"

#include <string.h>

const char grab_formats[] = "Mono8, BayerRG8, BayerGR8, BayerGB8, BayerBG8, RGB8 and BGR8";

static const struct row {
    uint32_t format;
    const char *name; /* of image/x-raw */
    size_t bytes;     /* of a pixel as the camera sends it */
    bool bayer;
    enum insp_bayer pattern;
} rows[] = {
    {GRAB_MONO8, "mono8", 1, false, 0},
    {GRAB_RGB8, "rgb8", 3, false, 0},
    {GRAB_BGR8, "bgr8", 3, false, 0},
    {GRAB_BAYER_RG8, "rgb8", 1, true, INSP_BAYER_RG},
    {GRAB_BAYER_GR8, "rgb8", 1, true, INSP_BAYER_GR},
    {GRAB_BAYER_GB8, "rgb8", 1, true, INSP_BAYER_GB},
    {GRAB_BAYER_BG8, "rgb8", 1, true, INSP_BAYER_BG},
};

static const struct row *row_of(uint32_t format) {
    for (size_t i = 0; i < INSP_COUNT(rows); i++)
        if (rows[i].format == format)
            return &rows[i];
    return NULL;
}

bool grab_format_known(uint32_t format) {
    return row_of(format) != NULL;
}

static void copy_rows(const struct grab_frame *frame, size_t row_bytes, uint8_t *out) {
    for (uint32_t y = 0; y < frame->height; y++)
        memcpy(out + y * row_bytes, frame->data + y * (row_bytes + frame->padding), row_bytes);
}

int grab_body(const struct grab_frame *frame, uint8_t **ret, size_t *ret_bytes, char *ret_type,
              struct insp_error *reterr) {
    enum { SIDE_MAX = 65535 };
    const struct row *row = row_of(frame->format);
    if (!row)
        return insp_fail(reterr, INSP_E_MEDIA_TYPE, "the pixel format 0x%08x cannot be posted", frame->format);
    if (frame->width < 2 || frame->height < 2 || frame->width > SIDE_MAX || frame->height > SIDE_MAX ||
        frame->padding > SIDE_MAX)
        return insp_fail(reterr, INSP_E_IMAGE, "a frame of %u x %u pixels cannot be posted", frame->width,
                         frame->height);
    const size_t row_bytes = row->bytes * frame->width, plain = row_bytes * frame->height;
    if (frame->bytes < plain + frame->padding * (frame->height - 1))
        return insp_fail(reterr, INSP_E_IMAGE, "a frame of %u x %u pixels has only %zu bytes", frame->width,
                         frame->height, frame->bytes);
    _cleanup_free_ uint8_t *pixels = malloc(plain);
    if (!pixels)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a frame");
    copy_rows(frame, row_bytes, pixels);
    snprintf(ret_type, 128, "image/x-raw;format=%s;width=%u;height=%u", row->name, frame->width, frame->height);
    *ret_bytes = plain;
    if (row->bayer) {
        uint8_t *rgb = malloc(3 * plain);
        if (!rgb)
            return insp_fail(reterr, INSP_E_NOMEM, "no memory for a frame");
        insp_bayer_rgb8(row->pattern, pixels, frame->width, frame->height, rgb);
        *ret_bytes = 3 * plain;
        *ret = rgb;
        return 0;
    }
    *ret = insp_take_ptr(pixels);
    return 0;
}
