/* core/image/png_writer.c - libspng's progressive encoder at zlib's fastest level: a person waits for the
 * picture, and level 1 takes a third of the default level's time for a fifth more bytes. */
#include "core/image/png_writer.h"

#include "core/image/image.h"

#include <spng.h>

struct insp_png_writer {
    spng_ctx *ctx;
    size_t row_bytes;
    uint32_t rows_left;
};

static int fail_spng(struct insp_error *reterr, int error) {
    return insp_fail(reterr, error == SPNG_EMEM ? INSP_E_NOMEM : INSP_E_INTERNAL, "cannot encode a PNG: %s",
                     spng_strerror(error));
}

static int configure(spng_ctx *ctx, uint32_t width, uint32_t height, unsigned channels,
                     enum insp_png_content content) {
    struct spng_ihdr ihdr = {.width = width,
                             .height = height,
                             .bit_depth = 8,
                             .color_type = channels == 1   ? SPNG_COLOR_TYPE_GRAYSCALE
                                           : channels == 4 ? SPNG_COLOR_TYPE_TRUECOLOR_ALPHA
                                                           : SPNG_COLOR_TYPE_TRUECOLOR};
    int error = spng_set_option(ctx, SPNG_ENCODE_TO_BUFFER, 1);
    if (!error)
        error = spng_set_option(ctx, SPNG_IMG_COMPRESSION_LEVEL, 1);
    if (!error)
        error = spng_set_option(ctx, SPNG_FILTER_CHOICE,
                                content == INSP_PNG_PHOTO ? SPNG_FILTER_CHOICE_SUB : SPNG_FILTER_CHOICE_UP);
    if (!error)
        error = spng_set_ihdr(ctx, &ihdr);
    if (!error)
        error = spng_encode_image(ctx, NULL, 0, SPNG_FMT_PNG, SPNG_ENCODE_PROGRESSIVE | SPNG_ENCODE_FINALIZE);
    return error;
}

int insp_png_writer_new(uint32_t width, uint32_t height, unsigned channels, enum insp_png_content content,
                        struct insp_png_writer **ret, struct insp_error *reterr) {
    _cleanup_(insp_png_writer_freep) struct insp_png_writer *writer = calloc(1, sizeof *writer);
    if (writer)
        writer->ctx = spng_ctx_new(SPNG_CTX_ENCODER);
    if (!writer || !writer->ctx)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to encode a PNG");
    int error = configure(writer->ctx, width, height, channels, content);
    if (error)
        return fail_spng(reterr, error);
    writer->row_bytes = (size_t)width * channels;
    writer->rows_left = height;
    *ret = insp_take_ptr(writer);
    return 0;
}

int insp_png_writer_row(struct insp_png_writer *writer, const uint8_t *row, struct insp_error *reterr) {
    if (!writer->rows_left)
        return insp_fail(reterr, INSP_E_INTERNAL, "a PNG received more rows than its height");
    int error = spng_encode_row(writer->ctx, row, writer->row_bytes);
    if (error && !(error == SPNG_EOI && writer->rows_left == 1)) /* libspng returns EOI for the last row */
        return fail_spng(reterr, error);
    writer->rows_left--;
    return 0;
}

int insp_png_writer_finish(struct insp_png_writer *writer, unsigned char **ret_png, size_t *ret_bytes,
                           struct insp_error *reterr) {
    if (writer->rows_left)
        return insp_fail(reterr, INSP_E_INTERNAL, "a PNG lacks its last %u rows", writer->rows_left);
    int error = 0;
    size_t bytes = 0;
    void *png = spng_get_png_buffer(writer->ctx, &bytes, &error);
    if (!png)
        return fail_spng(reterr, error);
    *ret_png = png;
    *ret_bytes = bytes;
    return 0;
}

void insp_png_writer_free(struct insp_png_writer *writer) {
    if (!writer)
        return;
    spng_ctx_free(writer->ctx);
    free(writer);
}

int insp_image_encode_png(const uint8_t *pixels, uint32_t width, uint32_t height, unsigned channels,
                          unsigned char **ret_png, size_t *ret_bytes, struct insp_error *reterr) {
    _cleanup_(insp_png_writer_freep) struct insp_png_writer *writer = NULL;
    int code = insp_png_writer_new(width, height, channels, INSP_PNG_PHOTO, &writer, reterr);
    for (uint32_t y = 0; !code && y < height; y++)
        code = insp_png_writer_row(writer, pixels + (size_t)y * width * channels, reterr);
    return code ? code : insp_png_writer_finish(writer, ret_png, ret_bytes, reterr);
}
