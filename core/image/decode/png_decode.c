/* core/image/decode/png_decode.c - PNG (ISO/IEC 15948) by libspng: all colour types, 1 to 16 bits, interlaced or
 * not. */
#include "core/image/decode/decode.h"
#include "core/image/decode/png_samples.h"

#include <string.h>

#include <spng.h>

enum {
    CHUNK_BYTES_MAX = 8 << 20, /* unpacked text and profile chunks; picture data is not counted */
    PEEK_ROWS = 8,             /* usually enough to see how many of 16 bits are in use */
};

/* Holds one decoding. `context` belongs to the current pass: libspng cannot go back to the first row. */
struct png_reader {
    const void *bytes;
    size_t count;
    const struct insp_image_limits *limits;
    spng_ctx *context;
    struct spng_ihdr ihdr;
    bool alpha; /* in the samples, or by a transparent colour */
    struct insp_png_samples samples;
    uint16_t *row; /* of 16-bit samples; NULL for less */
    struct insp_image *image;
};

static void reader_clear(struct png_reader *reader) {
    spng_ctx_free(reader->context);
    free(reader->row);
    insp_image_free(reader->image);
}

static int fail_spng(struct insp_error *reterr, int error) {
    switch (error) {
    case SPNG_EMEM:
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to decode the PNG");
    case SPNG_IO_EOF:
    case SPNG_EIDAT_TOO_SHORT:
        return insp_fail(reterr, INSP_E_IMAGE, "the PNG is truncated: %s", spng_strerror(error));
    case SPNG_EWIDTH:
    case SPNG_EHEIGHT:
        return insp_fail(reterr, INSP_E_IMAGE, "the PNG's header gives a side of 0 or beyond 2^31 pixels");
    case SPNG_ECHUNK_CRC:
        return insp_fail(reterr, INSP_E_IMAGE, "the PNG is corrupt: a chunk's checksum is wrong");
    case SPNG_ECHUNK_LIMITS:
        return insp_fail(reterr, INSP_E_IMAGE_LIMIT, "the PNG's text or profile needs more than %d MiB",
                         CHUNK_BYTES_MAX >> 20);
    default:
        return insp_fail(reterr, INSP_E_IMAGE, "the PNG is corrupt: %s", spng_strerror(error));
    }
}

/* Converts RGBA to RGB in place: the write position never passes the read position. Mixes colours with black
 * by alpha, or keeps them if every pixel is fully transparent. */
static void drop_alpha(struct insp_image *image) {
    size_t count = (size_t)image->width * image->height, clear = 0;
    uint8_t seen = 0;
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        seen |= image->rgb[4 * i + 3];
        clear += image->rgb[4 * i + 3] != 255;
    }
    const uint8_t *in = image->rgb;
    uint8_t *out = image->rgb;
    for (size_t i = 0; i < count; i++, in += 4, out += 3) {
        unsigned alpha = seen ? in[3] : 255;
        for (unsigned c = 0; c < 3; c++) {
            unsigned product = in[c] * alpha + 128; /* round(v * alpha / 255) */
            out[c] = (uint8_t)((product + (product >> 8)) >> 8);
        }
    }
    image->source.alpha_ignored = seen == 0;
    image->source.transparent = seen ? (float)clear / (float)count : 0;
    uint8_t *narrower = realloc(image->rgb, count * 3);
    if (narrower)
        image->rgb = narrower;
}

/* libspng stops at the name of the end chunk and does not check that the chunk is complete. Walks the chunks:
 * length, name, data, checksum. */
static bool ends_with_iend(const uint8_t *bytes, size_t count) {
    static const uint8_t iend[12] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
    size_t at = 8;
    while (count - at >= sizeof iend) {
        if (!memcmp(bytes + at, iend, sizeof iend))
            return true;
        size_t length = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 | (size_t)bytes[at + 2] << 8 |
                        (size_t)bytes[at + 3];
        if (length > count - at - sizeof iend)
            return false;
        at += sizeof iend + length;
    }
    return false;
}

/* Starts, or starts again, at the first byte. */
static int open_context(struct png_reader *reader, struct insp_error *reterr) {
    spng_ctx_free(reader->context);
    reader->context = spng_ctx_new(0);
    if (!reader->context)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to decode the PNG");
    int error = spng_set_crc_action(reader->context, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
    if (!error)
        error = spng_set_chunk_limits(reader->context, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX);
    if (!error)
        error = spng_set_png_buffer(reader->context, reader->bytes, reader->count);
    if (!error)
        error = spng_get_ihdr(reader->context, &reader->ihdr);
    return error ? fail_spng(reterr, error) : 0;
}

static unsigned widest(const struct spng_ihdr *ihdr, const struct spng_sbit *sbit) {
    if (!(ihdr->color_type & SPNG_COLOR_TYPE_TRUECOLOR))
        return sbit->grayscale_bits;
    unsigned bits = sbit->red_bits > sbit->green_bits ? sbit->red_bits : sbit->green_bits;
    return bits > sbit->blue_bits ? bits : sbit->blue_bits;
}

/* Reads the chunks that describe the samples: transparent colour and bits in use. */
static int read_meaning(struct png_reader *reader, struct insp_error *reterr) {
    struct spng_trns key = {0};
    struct spng_sbit sbit = {0};
    int no_key = spng_get_trns(reader->context, &key), no_sbit = spng_get_sbit(reader->context, &sbit);
    if (no_key && no_key != SPNG_ECHUNKAVAIL)
        return fail_spng(reterr, no_key);
    if (no_sbit && no_sbit != SPNG_ECHUNKAVAIL)
        return fail_spng(reterr, no_sbit);
    uint8_t type = reader->ihdr.color_type;
    bool in_samples = type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA || type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA;
    reader->alpha = in_samples || !no_key;
    if (reader->ihdr.bit_depth < 16)
        return 0;
    unsigned colours = type & SPNG_COLOR_TYPE_TRUECOLOR ? 3 : 1;
    reader->samples = (struct insp_png_samples){
        .channels = colours + in_samples,
        .has_key = !in_samples && !no_key,
        .declared = reader->limits->png16_bits,
        .sbit = no_sbit ? 0 : widest(&reader->ihdr, &sbit),
    };
    uint16_t *to = reader->samples.key;
    if (colours == 1)
        to[0] = key.gray;
    else
        to[0] = key.red, to[1] = key.green, to[2] = key.blue;
    reader->row = malloc((size_t)reader->ihdr.width * reader->samples.channels * sizeof *reader->row);
    return reader->row ? 0
                       : insp_fail(reterr, INSP_E_NOMEM, "no memory for a row of %u pixels", reader->ihdr.width);
}

/* Converts the pixels of a row that the current pass of Adam7 brings (PNG section 8.2). */
static void convert_row(struct png_reader *reader, const struct spng_row_info *info, uint8_t *out) {
    static const uint8_t first[] = {0, 4, 0, 2, 0, 1, 0}, step[] = {8, 8, 4, 4, 2, 2, 1};
    bool interlaced = reader->ihdr.interlace_method != 0;
    insp_png_samples_convert(&reader->samples, reader->row, reader->ihdr.width, interlaced ? first[info->pass] : 0,
                             interlaced ? step[info->pass] : 1, reader->alpha ? 4 : 3, out);
}

/* Reads every row. With `peek` it stops after the first few rows if they show other bits than samples.bits. */
static int read_rows(struct png_reader *reader, bool peek, struct insp_error *reterr) {
    const struct insp_image *image = reader->image;
    size_t stride = (size_t)image->width * (reader->alpha ? 4 : 3);
    size_t row_bytes = (size_t)image->width * reader->samples.channels * sizeof *reader->row;
    struct spng_row_info info;
    int error = 0;
    for (unsigned rows = 0; !error; rows++) {
        int code = insp_image_check_cancelled(reader->limits, reterr);
        if (code)
            return code;
        if ((error = spng_get_row_info(reader->context, &info)) != 0)
            break;
        uint8_t *out = image->rgb + info.row_num * stride;
        if (reader->row) {
            error = spng_decode_row(reader->context, reader->row, row_bytes);
            if (!error || error == SPNG_EOI)
                convert_row(reader, &info, out);
        } else {
            error = spng_decode_row(reader->context, out, stride);
        }
        unsigned bits, alpha_bits;
        bool guessed;
        if (peek && rows + 1 == PEEK_ROWS && !error && reader->samples.seen &&
            !insp_png_samples_settle(&reader->samples, &bits, &alpha_bits, &guessed, NULL) &&
            bits != reader->samples.bits)
            return 0;
    }
    return error == SPNG_EOI ? 0 : fail_spng(reterr, error);
}

static int begin_pixels(struct png_reader *reader, struct insp_error *reterr) {
    int format = reader->row ? SPNG_FMT_PNG : reader->alpha ? SPNG_FMT_RGBA8 : SPNG_FMT_RGB8;
    int flags = SPNG_DECODE_PROGRESSIVE | (reader->alpha && !reader->row ? SPNG_DECODE_TRNS : 0);
    int error = spng_decode_image(reader->context, NULL, 0, format, flags);
    return error ? fail_spng(reterr, error) : 0;
}

/* Decodes 16-bit samples with an assumed number of bits in use, and again until the values confirm it: first
 * the declared bits or all 16, then the bits of the first rows, then the bits of all rows. */
static int read_deep(struct png_reader *reader, struct insp_error *reterr) {
    struct insp_png_samples *s = &reader->samples;
    bool first = true, guessed = false;
    unsigned bits = s->declared ? s->declared : s->sbit ? s->sbit : 16, alpha_bits;
    bits = alpha_bits = bits < 8 ? 8 : bits;
    do {
        int code = first ? 0 : open_context(reader, reterr);
        s->bits = bits;
        s->alpha_bits = alpha_bits;
        s->seen = s->alpha_seen = 0;
        if (!code)
            code = begin_pixels(reader, reterr);
        if (!code)
            code = read_rows(reader, first, reterr);
        if (!code)
            code = insp_png_samples_settle(s, &bits, &alpha_bits, &guessed, reterr);
        if (code)
            return code;
        first = false;
    } while (bits != s->bits || (s->channels % 2 == 0 && alpha_bits != s->alpha_bits));
    reader->image->source.bits = (uint8_t)bits;
    reader->image->source.bits_guessed = guessed;
    return 0;
}

static int read_pixels(struct png_reader *reader, struct insp_error *reterr) {
    struct insp_image *image = reader->image;
    if (reader->alpha) {
        uint8_t *wider = realloc(image->rgb, (size_t)image->width * image->height * 4);
        if (!wider)
            return insp_fail(reterr, INSP_E_NOMEM, "no memory for a PNG of %u x %u pixels", image->width,
                             image->height);
        image->rgb = wider;
    }
    int code = reader->row ? read_deep(reader, reterr) : begin_pixels(reader, reterr);
    if (!code && !reader->row)
        code = read_rows(reader, false, reterr);
    if (code)
        return code;
    /* Continue to IEND: the file must be complete, and the chunks behind the picture must have right checksums
     * too. */
    int error = spng_decode_chunks(reader->context);
    if (error)
        return fail_spng(reterr, error);
    struct spng_exif exif;
    if (!spng_get_exif(reader->context, &exif))
        image->source.orientation = (uint8_t)insp_exif_orientation(exif.data, exif.length);
    if (reader->alpha)
        drop_alpha(image);
    return 0;
}

int insp_png_decode(const void *bytes, size_t count, const struct insp_image_limits *limits,
                    struct insp_image **ret, struct insp_error *reterr) {
    _cleanup_(reader_clear) struct png_reader reader = {.bytes = bytes, .count = count, .limits = limits};
    int code = open_context(&reader, reterr);
    if (!code)
        code = insp_image_check_size("PNG", reader.ihdr.width, reader.ihdr.height, limits, reterr);
    if (!code && !ends_with_iend(bytes, count))
        code = insp_fail(reterr, INSP_E_IMAGE, "the PNG is truncated: its %zu bytes do not reach its end", count);
    if (!code)
        code = read_meaning(&reader, reterr);
    if (!code)
        code =
            insp_image_reserve(limits, reader.ihdr.width, reader.ihdr.height,
                               (reader.alpha ? 4 : 3) * (uint64_t)reader.ihdr.width * reader.ihdr.height, reterr);
    if (!code)
        code = insp_image_new(reader.ihdr.width, reader.ihdr.height, &reader.image, reterr);
    if (!code)
        code = read_pixels(&reader, reterr);
    if (code)
        return code;
    *ret = insp_take_ptr(reader.image);
    return 0;
}
