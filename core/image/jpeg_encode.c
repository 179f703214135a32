/* core/image/jpeg_encode.c - JPEG by libjpeg-turbo, into memory that this file owns at every moment:
 * jpeg_mem_dest leaks its buffer if an error follows its first growth. */
#include "core/image/image.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

enum { FIRST_BYTES = 64 << 10 };

struct jpeg_writer {
    struct jpeg_error_mgr errors; /* first: libjpeg hands it back as cinfo->err */
    jmp_buf failed;
    struct insp_error error;
    struct jpeg_compress_struct cinfo;
    struct jpeg_destination_mgr destination;
    unsigned char *out; /* owned */
    size_t room, bytes; /* bytes: set at the end */
    const uint8_t *rgb;
    uint32_t width, height;
    int quality;
};

static struct jpeg_writer *writer_of(j_common_ptr cinfo) {
    return (struct jpeg_writer *)(void *)cinfo->err;
}

_Noreturn static void on_error(j_common_ptr cinfo) {
    struct jpeg_writer *writer = writer_of(cinfo);
    char text[JMSG_LENGTH_MAX];
    writer->errors.format_message(cinfo, text);
    int code = writer->errors.msg_code == JERR_OUT_OF_MEMORY   ? INSP_E_NOMEM
               : writer->errors.msg_code == JERR_IMAGE_TOO_BIG ? INSP_E_IMAGE_LIMIT
                                                               : INSP_E_INTERNAL;
    insp_fail(&writer->error, code, "cannot encode a JPEG of %u x %u pixels: %s", writer->width, writer->height,
              text);
    longjmp(writer->failed, 1);
}

static void on_message(j_common_ptr cinfo, int level) {
    (void)cinfo, (void)level; /* the encoder emits only traces */
}

static void set_room(struct jpeg_writer *writer, size_t used, size_t room) {
    unsigned char *grown = realloc(writer->out, room);
    if (!grown) {
        insp_fail(&writer->error, INSP_E_NOMEM, "no memory for a JPEG of %u x %u pixels", writer->width,
                  writer->height);
        longjmp(writer->failed, 1);
    }
    writer->out = grown;
    writer->room = room;
    writer->destination.next_output_byte = grown + used;
    writer->destination.free_in_buffer = room - used;
}

static void start_output(j_compress_ptr cinfo) {
    set_room(writer_of((j_common_ptr)cinfo), 0, FIRST_BYTES);
}

static boolean grow_output(j_compress_ptr cinfo) {
    struct jpeg_writer *writer = writer_of((j_common_ptr)cinfo);
    set_room(writer, writer->room, writer->room * 2); /* called when all of room is used */
    return TRUE;
}

static void end_output(j_compress_ptr cinfo) {
    struct jpeg_writer *writer = writer_of((j_common_ptr)cinfo);
    writer->bytes = writer->room - writer->destination.free_in_buffer;
}

/* longjmp leaves only this function, and no local variable changes after setjmp. */
static int run(struct jpeg_writer *writer) {
    struct jpeg_compress_struct *cinfo = &writer->cinfo;
    if (setjmp(writer->failed))
        return writer->error.code;
    jpeg_create_compress(cinfo);
    cinfo->dest = &writer->destination;
    cinfo->image_width = writer->width;
    cinfo->image_height = writer->height;
    cinfo->input_components = 3;
    cinfo->in_color_space = JCS_RGB;
    jpeg_set_defaults(cinfo);
    jpeg_set_quality(cinfo, writer->quality, TRUE);
    jpeg_start_compress(cinfo, TRUE);
    while (cinfo->next_scanline < cinfo->image_height) {
        /* libjpeg does not write to input rows; its type merely lacks the const. */
        JSAMPROW row = (JSAMPROW)(uintptr_t)(writer->rgb + (size_t)cinfo->next_scanline * writer->width * 3);
        jpeg_write_scanlines(cinfo, &row, 1);
    }
    jpeg_finish_compress(cinfo);
    return 0;
}

int insp_image_encode_jpeg(const uint8_t *rgb, uint32_t width, uint32_t height, int quality,
                           unsigned char **ret_jpeg, size_t *ret_bytes, struct insp_error *reterr) {
    struct jpeg_writer writer = {.rgb = rgb, .width = width, .height = height, .quality = quality};
    writer.cinfo.err = jpeg_std_error(&writer.errors);
    writer.errors.error_exit = on_error;
    writer.errors.emit_message = on_message;
    writer.destination.init_destination = start_output;
    writer.destination.empty_output_buffer = grow_output;
    writer.destination.term_destination = end_output;
    int code = run(&writer);
    jpeg_destroy_compress(&writer.cinfo);
    if (code) {
        free(writer.out);
        if (reterr)
            *reterr = writer.error;
        return code;
    }
    *ret_jpeg = writer.out;
    *ret_bytes = writer.bytes;
    return 0;
}
