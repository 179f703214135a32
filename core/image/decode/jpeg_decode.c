/* core/image/decode/jpeg_decode.c - JPEG by the libjpeg interface of libjpeg-turbo (libjpeg.txt). Unlike
 * TurboJPEG's, this interface reports the kind of each warning, limits the decoder's memory and counts scans.
 *
 * libjpeg repairs damage and warns: it fills a picture that ends early with grey. DAMAGE lists, by message
 * code, the warnings that are harmless; all others are errors. */
#include "core/image/decode/decode.h"
#include "core/image/decode/jpeg_source.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

enum {
    MARKER_EXIF = JPEG_APP0 + 1,
    /* Progressive files have about 10 scans, the most elaborate below 70. Each scan of a hostile file costs a
     * walk over the whole picture for a few bytes. */
    SCANS_MAX = 100,
    /* Limit for an image of the largest size; smaller images may have more. 0.3 s for the default limits. */
    WHOLE_SCANS_MAX = 16,
    ROWS_AT_ONCE = 16,
};
/* The coefficients of a progressive picture stay in memory, 2 bytes each: 44 megapixels without chroma
 * subsampling, 89 with the usual one. Baseline needs only a few rows. */
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
    bool filled;                     /* the source puts filler before restart markers */
    size_t restarts;                 /* warnings with filler in them */
    int restart_scan;                /* the scan of the last one */
    size_t restarts_in_scan;         /* its number there */
    struct insp_image_source source; /* what the image will get */
};

static struct jpeg_reader *reader_of(j_common_ptr cinfo) {
    return (struct jpeg_reader *)(void *)cinfo->err;
}

/* Classifies a message of libjpeg. */
enum damage {
    CORRUPT, /* pixels are wrong, or the kind is not supported */
    HARMLESS,
    STRAY, /* stray bytes between the last code and a marker; every pixel is right */
    TRUNCATED,
    NO_MEMORY,
    NO_BACKING_STORE,
    TOO_BIG,
};

/* Indexed by message code; unlisted messages are CORRUPT. */
static const enum damage DAMAGE[JMSG_LASTMSGCODE] = {
    [JWRN_JFIF_MAJOR] = HARMLESS,     /* an unknown JFIF version */
    [JWRN_ADOBE_XFORM] = HARMLESS,    /* an unknown colour transform in Adobe's marker: read as YCbCr or YCCK */
    [JWRN_NOT_SEQUENTIAL] = HARMLESS, /* scan parameters that baseline ignores */
    [JWRN_BOGUS_ICC] = HARMLESS,      /* profiles are ignored */
    [JWRN_EXTRANEOUS_DATA] = STRAY,   [JWRN_HIT_MARKER] = TRUNCATED,    [JWRN_JPEG_EOF] = TRUNCATED,
    [JERR_INPUT_EOF] = TRUNCATED,     [JERR_OUT_OF_MEMORY] = NO_MEMORY, [JERR_NO_BACKING_STORE] = NO_BACKING_STORE,
    [JERR_IMAGE_TOO_BIG] = TOO_BIG,
};

static enum damage damage_of(const struct jpeg_error_mgr *errors) {
    return errors->msg_code >= 0 && errors->msg_code < JMSG_LASTMSGCODE ? DAMAGE[errors->msg_code] : CORRUPT;
}

_Noreturn static void on_error(j_common_ptr cinfo) {
    struct jpeg_reader *reader = reader_of(cinfo);
    char text[JMSG_LENGTH_MAX];
    reader->errors.format_message(cinfo, text);
    switch (damage_of(&reader->errors)) {
    case NO_MEMORY:
        insp_fail(&reader->error, INSP_E_NOMEM, "no memory to decode the JPEG");
        break;
    case NO_BACKING_STORE:
        insp_fail(&reader->error, INSP_E_IMAGE_LIMIT,
                  "the progressive JPEG needs more than %ld MiB to decode; baseline does not",
                  DECODER_BYTES_MAX >> 20);
        break;
    case TOO_BIG:
        insp_fail(&reader->error, INSP_E_IMAGE_LIMIT, "the JPEG is too large: %s", text);
        break;
    case TRUNCATED:
        insp_fail(&reader->error, INSP_E_IMAGE, "the JPEG is truncated or corrupt: %s", text);
        break;
    case HARMLESS:
    case STRAY:
    case CORRUPT:
        insp_fail(&reader->error, INSP_E_IMAGE, "the JPEG is corrupt or of an unsupported kind: %s", text);
    }
    longjmp(reader->failed, 1);
}

_Noreturn static void fail_short_part(struct jpeg_reader *reader) {
    insp_fail(&reader->error, INSP_E_IMAGE,
              "the JPEG is truncated or corrupt: the data before a restart marker end too early");
    longjmp(reader->failed, 1);
}

/* Returns the restart markers that the current scan needs; a camera may put one more behind its last part. */
static size_t restarts_needed(const struct jpeg_decompress_struct *cinfo) {
    size_t units = (size_t)cinfo->MCUs_per_row * cinfo->MCU_rows_in_scan;
    return cinfo->restart_interval && units ? (units - 1) / cinfo->restart_interval : 0;
}

/* Returns the stray bytes before a restart marker; `count` includes the filler. */
static size_t count_before_restart(struct jpeg_reader *reader, size_t count) {
    if (reader->restart_scan != reader->cinfo.input_scan_number)
        reader->restarts_in_scan = 0;
    reader->restart_scan = reader->cinfo.input_scan_number;
    reader->restarts++;
    if (++reader->restarts_in_scan > restarts_needed(&reader->cinfo))
        return 0;
    if (count < INSP_JPEG_FILLER)
        fail_short_part(reader);
    return count - INSP_JPEG_FILLER;
}

/* Counts stray bytes. Cameras leave some when they pad a part of a scan; more than a few mean that the decoder
 * has lost its position in the codes. Directly before the last marker of a scan libjpeg does not see the first
 * 7. */
static void count_stray(struct jpeg_reader *reader) {
    const int *parameter = reader->errors.msg_parm.i; /* number of bytes, marker that follows */
    size_t count = parameter[0] > 0 ? (size_t)parameter[0] : 0;
    if (reader->filled && parameter[1] >= JPEG_RST0 && parameter[1] < JPEG_RST0 + 8)
        count = count_before_restart(reader, count);
    if (count > reader->limits->jpeg_stray_bytes) {
        insp_fail(&reader->error, INSP_E_IMAGE,
                  "the JPEG is corrupt: %zu stray bytes before a marker, at most %u are accepted "
                  "(decode.jpeg_stray_bytes)",
                  count, reader->limits->jpeg_stray_bytes);
        longjmp(reader->failed, 1);
    }
    reader->source.stray_bytes += (uint32_t)count;
}

/* level -1: a warning; 0 and above: traces. */
static void on_message(j_common_ptr cinfo, int level) {
    if (level >= 0)
        return;
    struct jpeg_reader *reader = reader_of(cinfo);
    enum damage damage = damage_of(&reader->errors);
    if (damage == STRAY)
        count_stray(reader);
    else if (damage != HARMLESS)
        on_error(cinfo);
}

static void on_progress(j_common_ptr common) {
    struct jpeg_reader *reader = reader_of(common);
    const struct jpeg_decompress_struct *cinfo = &reader->cinfo;
    if (insp_image_check_cancelled(reader->limits, &reader->error))
        longjmp(reader->failed, 1);
    uint64_t scans = cinfo->input_scan_number > 0 ? (uint64_t)cinfo->input_scan_number : 0;
    uint64_t pixels = (uint64_t)cinfo->image_width * cinfo->image_height;
    uint64_t scans_max = WHOLE_SCANS_MAX * reader->limits->pixels / pixels;
    if (scans_max > SCANS_MAX)
        scans_max = SCANS_MAX;
    if (scans <= scans_max)
        return;
    insp_fail(&reader->error, INSP_E_IMAGE_LIMIT, "the JPEG of %u x %u pixels has more than %llu scans",
              cinfo->image_width, cinfo->image_height, (unsigned long long)scans_max);
    longjmp(reader->failed, 1);
}

_Noreturn static void fail_as_is(struct jpeg_reader *reader) {
    longjmp(reader->failed, 1); /* reader->error is filled */
}

/* Returns the denominator of the smallest of 1/1, 1/2, 1/4, 1/8 that leaves both sides at least twice the
 * target. */
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

static unsigned find_orientation(const struct jpeg_decompress_struct *cinfo) {
    static const uint8_t exif[6] = "Exif\0";
    for (jpeg_saved_marker_ptr m = cinfo->marker_list; m; m = m->next)
        if (m->marker == MARKER_EXIF && m->data_length > sizeof exif && !memcmp(m->data, exif, sizeof exif))
            return insp_exif_orientation(m->data + sizeof exif, m->data_length - sizeof exif);
    return 1;
}

static void read_header(struct jpeg_reader *reader) {
    struct jpeg_decompress_struct *cinfo = &reader->cinfo;
    jpeg_mem_src(cinfo, reader->bytes, reader->count);
    jpeg_save_markers(cinfo, MARKER_EXIF, 0xffff);
    jpeg_read_header(cinfo, TRUE);
    if (cinfo->arith_code) {
        insp_fail(&reader->error, INSP_E_IMAGE, "the JPEG has arithmetic codes; only Huffman codes are supported");
        fail_as_is(reader);
    }
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
    reader->source.bits = 8;
    reader->source.orientation = (uint8_t)find_orientation(cinfo);
    reader->filled = cinfo->restart_interval || jpeg_has_multiple_scans(cinfo);
    if (reader->filled)
        insp_jpeg_source_fill(cinfo);
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

/* Converts ink to light without a colour profile. Adobe's files hold 255 - ink; Adobe's marker identifies
 * them. */
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

/* Returns the memory for the picture at its scaled size and, for several scans, for all coefficients. */
static uint64_t bytes_needed(struct jpeg_decompress_struct *cinfo) {
    uint64_t coefficients = 2 * (uint64_t)cinfo->num_components * cinfo->image_width * cinfo->image_height;
    if (!jpeg_has_multiple_scans(cinfo))
        coefficients = 0;
    else if (coefficients > DECODER_BYTES_MAX)
        coefficients = DECODER_BYTES_MAX;
    return 3 * (uint64_t)cinfo->output_width * cinfo->output_height + coefficients;
}

/* longjmp leaves only this function, and no local variable changes after setjmp. */
static int run(struct jpeg_reader *reader) {
    struct jpeg_decompress_struct *cinfo = &reader->cinfo;
    if (setjmp(reader->failed))
        return reader->error.code;
    jpeg_create_decompress(cinfo);
    cinfo->mem->max_memory_to_use = DECODER_BYTES_MAX;
    cinfo->progress = &reader->progress;
    read_header(reader);
    jpeg_calc_output_dimensions(cinfo);
    if (insp_image_reserve(reader->limits, cinfo->image_width, cinfo->image_height, bytes_needed(cinfo),
                           &reader->error))
        fail_as_is(reader);
    if (insp_image_new(cinfo->output_width, cinfo->output_height, &reader->image, &reader->error))
        fail_as_is(reader);
    reader->image->posted_width = cinfo->image_width;
    reader->image->posted_height = cinfo->image_height;
    jpeg_start_decompress(cinfo);
    if (cinfo->out_color_space == JCS_CMYK)
        read_cmyk(reader);
    else
        read_rgb(reader);
    jpeg_finish_decompress(cinfo); /* reads up to the end marker and so detects a file cut before it */
    if (reader->filled && reader->restarts != insp_jpeg_source_filled(cinfo))
        fail_short_part(reader);
    reader->image->source = reader->source;
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
