/* JPEG: kinds, scaling while decoding, damage, lying headers. */
#include "image_samples.h"

#include <stdio.h>

#include <jpeglib.h>

enum kind {
    BASELINE,
    PROGRESSIVE,
    SPECTRAL,
    GREY,
    CMYK,
    PLAIN_CMYK,
    YCCK,
    RGB,
    FULL_HEIGHT, /* chroma halved in height alone: 4:4:0 */
    QUARTER,     /* 4:1:1 */
    ARITHMETIC,
    RESTARTS, /* 4:2:0, a restart marker after each of its 8 or so units */
    RESTARTS_PROGRESSIVE,
};

struct encoded {
    unsigned char *bytes;
    unsigned long count;
};

/* The sample picture (grey: its red channel; CMYK: 255 - rgb and no black) straight from libjpeg. */
static struct encoded encode(enum kind kind, uint32_t width, uint32_t height) {
    struct jpeg_compress_struct cinfo;
    struct jpeg_error_mgr errors;
    struct encoded out = {0};
    struct insp_image *image = sample_image(width, height);
    bool cmyk = kind == CMYK || kind == PLAIN_CMYK || kind == YCCK;
    cinfo.err = jpeg_std_error(&errors);
    jpeg_create_compress(&cinfo);
    jpeg_mem_dest(&cinfo, &out.bytes, &out.count);
    cinfo.image_width = width;
    cinfo.image_height = height;
    cinfo.input_components = kind == GREY ? 1 : cmyk ? 4 : 3;
    cinfo.in_color_space = kind == GREY ? JCS_GRAYSCALE : cmyk ? JCS_CMYK : JCS_RGB;
    jpeg_set_defaults(&cinfo);
    jpeg_set_colorspace(&cinfo, kind == GREY   ? JCS_GRAYSCALE
                                : kind == YCCK ? JCS_YCCK
                                : cmyk         ? JCS_CMYK
                                : kind == RGB  ? JCS_RGB
                                               : JCS_YCbCr);
    jpeg_set_quality(&cinfo, 95, TRUE);
    if (kind == PLAIN_CMYK)
        cinfo.write_Adobe_marker = FALSE;
    if (kind == FULL_HEIGHT)
        cinfo.comp_info[0].h_samp_factor = 1;
    if (kind == QUARTER) {
        cinfo.comp_info[0].h_samp_factor = 4;
        cinfo.comp_info[0].v_samp_factor = 1;
    }
    cinfo.arith_code = kind == ARITHMETIC;
    if (kind == RESTARTS || kind == RESTARTS_PROGRESSIVE)
        cinfo.restart_interval = 7;
    if (kind == PROGRESSIVE || kind == RESTARTS_PROGRESSIVE)
        jpeg_simple_progression(&cinfo);
    /* Progressive without refinement: any of these scans may come again. */
    static const jpeg_scan_info spectral[] = {
        {3, {0, 1, 2}, 0, 0, 0, 0}, {1, {0}, 1, 63, 0, 0}, {1, {1}, 1, 63, 0, 0}, {1, {2}, 1, 63, 0, 0}};
    if (kind == SPECTRAL) {
        cinfo.scan_info = spectral;
        cinfo.num_scans = INSP_COUNT(spectral);
    }
    jpeg_start_compress(&cinfo, TRUE);
    unsigned char *row = malloc((size_t)width * 4);
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            const uint8_t *p = image->rgb + ((size_t)y * width + x) * 3;
            if (kind == GREY)
                row[x] = p[0];
            else if (cmyk) { /* Adobe's way is light, not ink: the value itself, black 255 */
                for (unsigned c = 0; c < 4; c++)
                    row[4 * x + c] = (c < 3 ? p[c] : 255) ^ (kind == PLAIN_CMYK ? 255 : 0);
            } else
                memcpy(row + 3 * x, p, 3);
        }
        jpeg_write_scanlines(&cinfo, &row, 1);
    }
    free(row);
    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);
    insp_image_free(image);
    return out;
}

static void check_close(const struct insp_image *image, bool grey, int tolerance) {
    struct insp_image *expected = sample_image(image->width, image->height);
    for (size_t i = 0; i < (size_t)image->width * image->height * 3; i++) {
        int want = expected->rgb[grey ? i - i % 3 : i];
        ck_assert_int_le(abs(image->rgb[i] - want), tolerance);
    }
    insp_image_free(expected);
}

START_TEST(test_kinds) {
    static const enum kind all[] = {BASELINE, PROGRESSIVE, GREY,    CMYK,     PLAIN_CMYK,          YCCK,
                                    RGB,      FULL_HEIGHT, QUARTER, RESTARTS, RESTARTS_PROGRESSIVE};
    for (size_t i = 0; i < INSP_COUNT(all); i++) {
        struct encoded jpeg = encode(all[i], 70, 41);
        struct insp_image *image = sample_decode(jpeg.bytes, jpeg.count, 0);
        ck_assert_uint_eq(image->width, 70);
        ck_assert_uint_eq(image->height, 41);
        check_close(image, all[i] == GREY, 16);
        insp_image_free(image);
        free(jpeg.bytes);
    }
}
END_TEST

static void check_scaled(uint32_t width, uint32_t height, uint32_t target, uint32_t scaled_width,
                         uint32_t scaled_height) {
    struct encoded jpeg = encode(BASELINE, width, height);
    struct insp_image *image = sample_decode(jpeg.bytes, jpeg.count, target);
    ck_assert_uint_eq(image->width, scaled_width);
    ck_assert_uint_eq(image->height, scaled_height);
    ck_assert_uint_eq(image->posted_width, width);
    ck_assert_uint_eq(image->posted_height, height);
    insp_image_free(image);
    free(jpeg.bytes);
}

START_TEST(test_scaled_decoding_keeps_twice_the_target) {
    check_scaled(1024, 1024, 224, 512, 512);
    check_scaled(895, 895, 224, 448, 448); /* half, rounded up */
    check_scaled(894, 894, 224, 894, 894); /* half would be 447 */
    check_scaled(1024, 600, 224, 1024, 600);
    check_scaled(1001, 1003, 50, 126, 126); /* an eighth, never less */
    check_scaled(640, 640, 0, 640, 640);
    check_scaled(16, 16, UINT32_MAX, 16, 16);
}
END_TEST

START_TEST(test_truncated) {
    static const enum kind all[] = {BASELINE, PROGRESSIVE, CMYK};
    for (size_t i = 0; i < INSP_COUNT(all); i++) {
        struct encoded jpeg = encode(all[i], 64, 64);
        sample_refused_when_cut(jpeg.bytes, jpeg.count);
        free(jpeg.bytes);
    }
}
END_TEST

/* Returns the start of the frame header (SOF0 or SOF2). */
static unsigned char *frame(struct encoded *jpeg) {
    for (size_t i = 2; i + 9 < jpeg->count; i += 2 + (size_t)(jpeg->bytes[i + 2] << 8 | jpeg->bytes[i + 3])) {
        if (jpeg->bytes[i + 1] == 0xc0 || jpeg->bytes[i + 1] == 0xc2)
            return jpeg->bytes + i;
    }
    ck_abort_msg("no frame header");
}

static void lie(struct encoded *jpeg, unsigned width, unsigned height) {
    unsigned char *sof = frame(jpeg);
    sof[5] = (unsigned char)(height >> 8);
    sof[6] = (unsigned char)height;
    sof[7] = (unsigned char)(width >> 8);
    sof[8] = (unsigned char)width;
}

START_TEST(test_lying_headers) {
    struct insp_image_limits limits = insp_image_limits_default();
    struct encoded jpeg = encode(BASELINE, 64, 64);
    ck_assert_uint_lt(jpeg.count, 2048);
    lie(&jpeg, 10000, 10000);
    sample_refused(jpeg.bytes, jpeg.count, &limits, INSP_E_IMAGE_LIMIT, "10000 x 10000 pixels; at most 64000000");
    lie(&jpeg, 65535, 64);
    sample_refused(jpeg.bytes, jpeg.count, &limits, INSP_E_IMAGE_LIMIT, "65500");
    lie(&jpeg, 16385, 64);
    sample_refused(jpeg.bytes, jpeg.count, &limits, INSP_E_IMAGE_LIMIT, "at most 16384 x 16384");
    lie(&jpeg, 8000, 8000); /* within the limits, and soon at the end of its data */
    sample_refused(jpeg.bytes, jpeg.count, &limits, INSP_E_IMAGE, "truncated or corrupt");
    lie(&jpeg, 64, 0);
    sample_refused(jpeg.bytes, jpeg.count, &limits, INSP_E_IMAGE, "Empty JPEG");
    lie(&jpeg, 64, 64);
    frame(&jpeg)[4] = 12;
    sample_refused(jpeg.bytes, jpeg.count, &limits, INSP_E_IMAGE, "12");
    free(jpeg.bytes);
}
END_TEST

START_TEST(test_decoder_memory_is_limited) {
    struct insp_image_limits limits = insp_image_limits_default();
    struct encoded jpeg = encode(PROGRESSIVE, 64, 64);
    frame(&jpeg)[11] = 0x11; /* no subsampling: 6 bytes of coefficients a pixel */
    lie(&jpeg, 7999, 7999);
    sample_refused(jpeg.bytes, jpeg.count, &limits, INSP_E_IMAGE_LIMIT, "more than 256 MiB");
    free(jpeg.bytes);
}
END_TEST

/* A progressive file's last scan, `times` times more: each costs little to send and a walk over the picture to
 * read. */
static struct encoded repeat_last_scan(size_t times) {
    struct encoded jpeg = encode(SPECTRAL, 64, 64);
    size_t last = 0;
    for (size_t i = 2; i + 1 < jpeg.count; i++) {
        if (jpeg.bytes[i] == 0xff && jpeg.bytes[i + 1] == 0xda)
            last = i;
    }
    size_t scan = jpeg.count - 2 - last;
    struct encoded many = {malloc(jpeg.count + times * scan), jpeg.count + times * scan};
    memcpy(many.bytes, jpeg.bytes, jpeg.count - 2);
    for (size_t i = 0; i < times; i++)
        memcpy(many.bytes + jpeg.count - 2 + i * scan, jpeg.bytes + last, scan);
    memcpy(many.bytes + many.count - 2, "\xff\xd9", 2);
    free(jpeg.bytes);
    return many;
}

START_TEST(test_scans_are_limited) {
    struct insp_image_limits limits = insp_image_limits_default();
    struct encoded jpeg = repeat_last_scan(96); /* 100 in all */
    insp_image_free(sample_decode(jpeg.bytes, jpeg.count, 0));
    free(jpeg.bytes);
    jpeg = repeat_last_scan(97);
    sample_refused(jpeg.bytes, jpeg.count, &limits, INSP_E_IMAGE_LIMIT, "more than 100 scans");
    free(jpeg.bytes);
}
END_TEST

/* The same 100 scans are too many for a picture that is half of the largest: 16 of that are 32 of this. */
START_TEST(test_scanned_pixels_are_limited) {
    struct insp_image_limits limits = insp_image_limits_default();
    struct encoded jpeg = repeat_last_scan(28); /* 32 in all */
    limits.pixels = 64 * 64 * 2;
    struct insp_media_type type = sample_type(INSP_MEDIA_JPEG);
    struct insp_image *image = NULL;
    struct insp_error error;
    ck_insp_ok(insp_image_decode(jpeg.bytes, jpeg.count, &type, 0, &limits, &image, &error), error);
    insp_image_free(image);
    free(jpeg.bytes);
    jpeg = repeat_last_scan(29);
    sample_refused(jpeg.bytes, jpeg.count, &limits, INSP_E_IMAGE_LIMIT, "64 x 64 pixels has more than 32 scans");
    free(jpeg.bytes);
}
END_TEST

START_TEST(test_arithmetic_codes_are_refused) {
    struct insp_image_limits limits = insp_image_limits_default();
    struct encoded jpeg = encode(ARITHMETIC, 64, 64);
    sample_refused(jpeg.bytes, jpeg.count, &limits, INSP_E_IMAGE, "arithmetic codes; only Huffman");
    free(jpeg.bytes);
}
END_TEST

/* `restart` bytes of `value` before each restart marker and `end` before the end marker. */
static struct encoded with_stray(const struct encoded *jpeg, size_t restart, size_t end, int value) {
    struct encoded out = {calloc(jpeg->count, 4 + restart), 0};
    bool scan = false;
    for (size_t i = 0; i < jpeg->count; i++) {
        bool marker = jpeg->bytes[i] == 0xff && i + 1 < jpeg->count;
        unsigned code = marker ? jpeg->bytes[i + 1] : 0;
        scan = code == 0xda || (scan && code != 0xc4);
        size_t count = scan && code >= 0xd0 && code <= 0xd7 ? restart : code == 0xd9 ? end : 0;
        memset(out.bytes + out.count, value, count);
        out.count += count;
        out.bytes[out.count++] = jpeg->bytes[i];
    }
    return out;
}

/* Bytes astray before restart markers are counted one by one, and those before the end beyond the read-ahead. */
static void check_stray(enum kind kind, size_t count, int value) {
    struct insp_image_limits limits = insp_image_limits_default();
    struct encoded clean = encode(kind, 200, 90), jpeg = with_stray(&clean, count, 0, value);
    struct insp_image *expected = sample_decode(clean.bytes, clean.count, 0);
    struct insp_image *image = sample_decode(jpeg.bytes, jpeg.count, 0);
    ck_assert_mem_eq(image->rgb, expected->rgb, (size_t)200 * 90 * 3);
    ck_assert_uint_eq(expected->source.stray_bytes, 0);
    ck_assert_uint_eq(image->source.stray_bytes, jpeg.count - clean.count);
    insp_image_free(image);
    insp_image_free(expected);
    if (count) {
        limits.jpeg_stray_bytes = (uint32_t)count - 1;
        sample_refused(jpeg.bytes, jpeg.count, &limits, INSP_E_IMAGE, "decode.jpeg_stray_bytes");
    }
    free(jpeg.bytes);
    free(clean.bytes);
}

START_TEST(test_stray_bytes_before_restart_markers) {
    static const int values[] = {0, 0x55, 0xd0};
    for (size_t count = 0; count <= 20; count++) {
        for (size_t v = 0; v < INSP_COUNT(values); v++) {
            check_stray(RESTARTS, count, values[v]);
            check_stray(RESTARTS_PROGRESSIVE, count, values[v]);
        }
    }
}
END_TEST

START_TEST(test_stray_bytes_before_the_end) {
    struct insp_image_limits limits = insp_image_limits_default();
    static const enum kind kinds[] = {BASELINE, PROGRESSIVE, RESTARTS};
    for (size_t k = 0; k < INSP_COUNT(kinds); k++) {
        struct encoded clean = encode(kinds[k], 200, 90);
        for (size_t count = 1; count <= 80; count += count == 64 ? 8 : 9) {
            struct encoded jpeg = with_stray(&clean, 0, count, 0);
            if (count <= 64)
                insp_image_free(sample_decode(jpeg.bytes, jpeg.count, 0));
            else
                sample_refused(jpeg.bytes, jpeg.count, &limits, INSP_E_IMAGE, "stray bytes");
            free(jpeg.bytes);
        }
        free(clean.bytes);
    }
}
END_TEST

/* A part of a scan that lost its last bytes would read on in the filler. */
START_TEST(test_short_part_before_a_restart_marker) {
    struct insp_image_limits limits = insp_image_limits_default();
    struct encoded jpeg = encode(RESTARTS, 200, 90);
    size_t parts = 0;
    for (size_t i = 0; i + 1 < jpeg.count; i++) {
        if (jpeg.bytes[i] != 0xff || jpeg.bytes[i + 1] < 0xd0 || jpeg.bytes[i + 1] > 0xd7)
            continue;
        parts++;
        for (size_t lost = 1; lost <= 12; lost++) {
            struct encoded cut = {malloc(jpeg.count - lost), jpeg.count - lost};
            memcpy(cut.bytes, jpeg.bytes, i - lost);
            memcpy(cut.bytes + i - lost, jpeg.bytes + i, jpeg.count - i);
            sample_refused(cut.bytes, cut.count, &limits, INSP_E_IMAGE, "");
            free(cut.bytes);
        }
    }
    ck_assert_uint_gt(parts, 8);
    free(jpeg.bytes);
}
END_TEST

/* Some encoders write one more restart marker after the last part. */
START_TEST(test_restart_marker_at_the_end) {
    struct encoded jpeg = encode(RESTARTS, 200, 90);
    unsigned char *longer = malloc(jpeg.count + 2);
    memcpy(longer, jpeg.bytes, jpeg.count - 2);
    memcpy(longer + jpeg.count - 2, "\xff\xd3\xff\xd9", 4);
    insp_image_free(sample_decode(longer, jpeg.count + 2, 0));
    free(longer);
    free(jpeg.bytes);
}
END_TEST

static bool count_down(void *arg) {
    int *left = arg;
    return --*left < 0;
}

/* Ends at each question, until it is asked no more. */
START_TEST(test_cancelled) {
    static const enum kind kinds[] = {BASELINE, PROGRESSIVE, CMYK};
    for (size_t k = 0; k < INSP_COUNT(kinds); k++) {
        struct encoded jpeg = encode(kinds[k], 64, 64);
        int asked = 0;
        for (int code = INSP_E_CANCELLED; code; asked++) {
            int left = asked;
            struct insp_image_limits limits = insp_image_limits_default();
            limits.cancelled = count_down;
            limits.cancelled_arg = &left;
            struct insp_media_type type = sample_type(INSP_MEDIA_JPEG);
            struct insp_image *image = NULL;
            struct insp_error error = {0};
            code = insp_image_decode(jpeg.bytes, jpeg.count, &type, 0, &limits, &image, &error);
            ck_assert(code == 0 || code == INSP_E_CANCELLED);
            ck_assert(code == 0 || error.code == INSP_E_CANCELLED);
            insp_image_free(image);
        }
        ck_assert_int_ge(asked, 4);
        free(jpeg.bytes);
    }
}
END_TEST

START_TEST(test_corrupt_data_is_an_error) {
    struct insp_image_limits limits = insp_image_limits_default();
    struct encoded jpeg = encode(BASELINE, 64, 64);
    unsigned char *at = jpeg.bytes + jpeg.count / 2 + jpeg.count / 4;
    memcpy(at, "\xff\xd9", 2); /* an end marker in the midst of the data */
    sample_refused(jpeg.bytes, jpeg.count, &limits, INSP_E_IMAGE, "truncated or corrupt");
    free(jpeg.bytes);
    sample_refused("\xff\xd8\xff\xd9", 4, &limits, INSP_E_IMAGE, "JPEG");
    sample_refused("\xff\xd8\xff\xe0\x00\x00", 6, &limits, INSP_E_IMAGE, "JPEG");
}
END_TEST

START_TEST(test_bytes_after_the_end_are_ignored) {
    struct encoded jpeg = encode(BASELINE, 64, 64);
    unsigned char *padded = calloc(1, jpeg.count + 512); /* cameras that send whole blocks */
    memcpy(padded, jpeg.bytes, jpeg.count);
    insp_image_free(sample_decode(padded, jpeg.count + 512, 0));
    free(padded);
    free(jpeg.bytes);
}
END_TEST

INSP_TESTS(test_kinds, test_scaled_decoding_keeps_twice_the_target, test_truncated, test_lying_headers,
           test_decoder_memory_is_limited, test_scans_are_limited, test_scanned_pixels_are_limited,
           test_arithmetic_codes_are_refused, test_stray_bytes_before_restart_markers,
           test_stray_bytes_before_the_end, test_short_part_before_a_restart_marker,
           test_restart_marker_at_the_end, test_cancelled, test_corrupt_data_is_an_error,
           test_bytes_after_the_end_are_ignored);
