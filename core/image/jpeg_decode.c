/* core/image/jpeg_decode.c - JPEG by libjpeg-turbo's libjpeg interface (libjpeg.txt). That interface rather than
 * TurboJPEG's, because it lets each warning be judged by its kind, bounds the decoder's own memory and counts
 * scans.
 *
 * libjpeg repairs what it can and warns: a picture that ends early is filled with grey. Here every warning that
 * concerns pixels is an error. */
#include "core/image/decode.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

enum {
    /* Progressive files have about 10 scans, the most elaborate below 70; each scan of a hostile one costs a walk
     * over the whole picture for a few bytes. */
    SCANS_MAX = 100,
    ROWS_AT_ONCE = 16,
};
/* The coefficients of a progressive picture lie in memory whole, 2 bytes each: this is 44 megapixels without and
 * 89 with the usual chroma subsampling. Baseline needs a few rows only. */
#define DECODER_BYTES_MAX (256L << 20)

struct jpeg_reader {
    struct jpeg_error_mgr errors; /* first: libjpeg hands it back as cinfo->err */
    jmp_buf failed;
    struct insp_error error;
    struct jpeg_decompress_struct cinfo;
    struct jpeg_progress_mgr progress;
    const void *bytes;
    size_t count;
    uint32_t target_side;
    const struct insp_image_limits *limits;
    struct insp_image *image;
};

static struct jpeg_reader *reader_of(j_common_ptr cinfo) {
    return (struct jpeg_reader *)(void *)cinfo->err;
}

_Noreturn static void on_error(j_common_ptr cinfo) {
    struct jpeg_reader *reader = reader_of(cinfo);
    char text[JMSG_LENGTH_MAX];
    reader->errors.format_message(cinfo, text);
    switch (reader->errors.msg_code) {
    case JERR_OUT_OF_MEMORY:
        insp_fail(&reader->error, INSP_E_NOMEM, "no memory to decode the JPEG");
        break;
    case JERR_NO_BACKING_STORE:
        insp_fail(&reader->error, INSP_E_IMAGE_LIMIT,
                  "the progressive JPEG needs more than %ld MiB to decode; baseline does not",
                  DECODER_BYTES_MAX >> 20);
        break;
    case JERR_IMAGE_TOO_BIG:
        insp_fail(&reader->error, INSP_E_IMAGE_LIMIT, "the JPEG is too large: %s", text);
        break;
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JERR_INPUT_EOF:
        insp_fail(&reader->error, INSP_E_IMAGE, "the JPEG is truncated or corrupt: %s", text);
        break;
    default:
        insp_fail(&reader->error, INSP_E_IMAGE, "the JPEG is corrupt or of an unsupported kind: %s", text);
    }
    longjmp(reader->failed, 1);
}

/* level -1: a warning; 0 and above: traces, which nobody asked for. */
static void on_message(j_common_ptr cinfo, int level) {
    if (level >= 0)
        return;
    switch (cinfo->err->msg_code) {
    case JWRN_JFIF_MAJOR:     /* an unknown JFIF version, */
    case JWRN_ADOBE_XFORM:    /* an unknown Adobe transform code, */
    case JWRN_NOT_SEQUENTIAL: /* scan parameters that baseline ignores: no pixel is lost by these */
        return;
    default:
        on_error(cinfo);
    }
}

static void on_progress(j_common_ptr common) {
    struct jpeg_reader *reader = reader_of(common);
    if (reader->cinfo.input_scan_number <= SCANS_MAX)
        return;
    insp_fail(&reader->error, INSP_E_IMAGE_LIMIT, "the JPEG has more than %d scans", SCANS_MAX);
    longjmp(reader->failed, 1);
}

_Noreturn static void fail_as_is(struct jpeg_reader *reader) {
    longjmp(reader->failed, 1); /* reader->error is filled */
}

/* The smallest of 1/1, 1/2, 1/4, 1/8 that leaves both sides at least twice the target. */
static unsigned scale_denominator(uint64_t width, uint64_t height, uint64_t target_side) {
    unsigned denominator = 1;
    if (!target_side)
        return 1;
    while (denominator < 8) {
        uint64_t next = denominator * 2;
        if ((width + next - 1) / next < 2 * target_side || (height + next - 1) / next < 2 * target_side)
            break;
        denominator *= 2;
    }
    return denominator;
}

static void read_header(struct jpeg_reader *reader) {
    struct jpeg_decompress_struct *cinfo = &reader->cinfo;
    jpeg_mem_src(cinfo, reader->bytes, reader->count);
    jpeg_read_header(cinfo, TRUE);
    if (insp_image_check_size("JPEG", cinfo->image_width, cinfo->image_height, reader->limits, &reader->error))
        fail_as_is(reader);
    if (cinfo->data_precision != 8) {
        insp_fail(&reader->error, INSP_E_IMAGE, "the JPEG has %d bits per sample; 8 are supported",
                  cinfo->data_precision);
        fail_as_is(reader);
    }
    if (cinfo->jpeg_color_space == JCS_UNKNOWN) {
        insp_fail(&reader->error, INSP_E_IMAGE, "the JPEG has %d components; grey, colour and CMYK are supported",
                  cinfo->num_components);
        fail_as_is(reader);
    }
    bool cmyk = cinfo->jpeg_color_space == JCS_CMYK || cinfo->jpeg_color_space == JCS_YCCK;
    cinfo->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    cinfo->scale_num = 1;
    cinfo->scale_denom = scale_denominator(cinfo->image_width, cinfo->image_height, reader->target_side);
}

static void read_rgb(struct jpeg_reader *reader) {
    struct jpeg_decompress_struct *cinfo = &reader->cinfo;
    size_t stride = (size_t)cinfo->output_width * 3;
    while (cinfo->output_scanline < cinfo->output_height) {
        JSAMPROW row[ROWS_AT_ONCE];
        unsigned rows = cinfo->output_height - cinfo->output_scanline;
        if (rows > ROWS_AT_ONCE)
            rows = ROWS_AT_ONCE;
        for (unsigned i = 0; i < rows; i++)
            row[i] = reader->image->rgb + (cinfo->output_scanline + i) * stride;
        jpeg_read_scanlines(cinfo, row, rows);
    }
}

/* Round(a * b / 255) for bytes. */
static uint8_t multiply_255(unsigned a, unsigned b) {
    unsigned product = a * b + 128;
    return (uint8_t)((product + (product >> 8)) >> 8);
}

/* Ink to light without a colour profile. Adobe's files hold 255 - ink, and its marker tells them. */
static void read_cmyk(struct jpeg_reader *reader) {
    struct jpeg_decompress_struct *cinfo = &reader->cinfo;
    JSAMPARRAY row = cinfo->mem->alloc_sarray((j_common_ptr)cinfo, JPOOL_IMAGE, cinfo->output_width * 4, 1);
    const uint8_t flip = cinfo->saw_Adobe_marker ? 0 : 255;
    uint8_t *out = reader->image->rgb;
    while (cinfo->output_scanline < cinfo->output_height) {
        jpeg_read_scanlines(cinfo, row, 1);
        const uint8_t *in = row[0];
        for (unsigned x = 0; x < cinfo->output_width; x++, in += 4, out += 3) {
            uint8_t light = in[3] ^ flip;
            for (unsigned c = 0; c < 3; c++)
                out[c] = multiply_255(in[c] ^ flip, light);
        }
    }
}

/* Only this function is left by longjmp, and it changes no local variable. */
static int run(struct jpeg_reader *reader) {
    struct jpeg_decompress_struct *cinfo = &reader->cinfo;
    if (setjmp(reader->failed))
        return reader->error.code;
    jpeg_create_decompress(cinfo);
    cinfo->mem->max_memory_to_use = DECODER_BYTES_MAX;
    cinfo->progress = &reader->progress;
    read_header(reader);
    jpeg_calc_output_dimensions(cinfo);
    if (insp_image_new(cinfo->output_width, cinfo->output_height, &reader->image, &reader->error))
        fail_as_is(reader);
    reader->image->posted_width = cinfo->image_width;
    reader->image->posted_height = cinfo->image_height;
    jpeg_start_decompress(cinfo);
    if (cinfo->out_color_space == JCS_CMYK)
        read_cmyk(reader);
    else
        read_rgb(reader);
    jpeg_finish_decompress(cinfo); /* reads to the end marker, so a file cut before it is found out */
    return 0;
}

int insp_jpeg_decode(const void *bytes, size_t count, uint32_t target_side, const struct insp_image_limits *limits,
                     struct insp_image **ret, struct insp_error *reterr) {
    struct jpeg_reader reader = {.bytes = bytes, .count = count, .target_side = target_side, .limits = limits};
    reader.cinfo.err = jpeg_std_error(&reader.errors);
    reader.errors.error_exit = on_error;
    reader.errors.emit_message = on_message;
    reader.progress.progress_monitor = on_progress;
    int code = run(&reader);
    jpeg_destroy_decompress(&reader.cinfo);
    if (code) {
        insp_image_free(reader.image);
        if (reterr)
            *reterr = reader.error;
        return code;
    }
    *ret = reader.image;
    return 0;
}
