/* The source between libjpeg and the bytes. test_jpeg_decode.c has the stray bytes that it is there for. */
#include "core/image/decode/jpeg_source.h"
#include "harness.h"

#include <stdint.h>
#include <string.h>

static void count_warning(j_common_ptr cinfo, int level) {
    cinfo->err->num_warnings += level < 0;
}

/* Feeds `bytes` through a source that begins at the first of them; gives everything that libjpeg would read. */
static size_t read_through(const unsigned char *bytes, size_t count, unsigned char *out, size_t *ret_filled) {
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr errors;
    cinfo.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&cinfo);
    jpeg_mem_src(&cinfo, bytes, count);
    insp_jpeg_source_fill(&cinfo);
    size_t used = 0;
    errors.emit_message = count_warning;
    errors.num_warnings = 0;
    for (;;) {
        cinfo.src->fill_input_buffer(&cinfo);
        if (errors.num_warnings)
            break;
        memcpy(out + used, cinfo.src->next_input_byte, cinfo.src->bytes_in_buffer);
        used += cinfo.src->bytes_in_buffer;
    }
    ck_assert_uint_eq(cinfo.src->bytes_in_buffer, 2); /* an end marker in place of the missing bytes */
    *ret_filled = insp_jpeg_source_filled(&cinfo);
    jpeg_destroy_decompress(&cinfo);
    return used;
}

static void check(const char *in, size_t in_count, const char *expected, size_t expected_count, size_t filled) {
    unsigned char out[512];
    size_t got_filled = 0, used = read_through((const unsigned char *)in, in_count, out, &got_filled);
    ck_assert_uint_eq(used, expected_count);
    ck_assert_mem_eq(out, expected, expected_count);
    ck_assert_uint_eq(got_filled, filled);
}
#define CHECK(in, expected, filled) check(in, sizeof(in) - 1, expected, sizeof(expected) - 1, filled)
#define FILLER "\0\0\0\0\0\0\0\0"

START_TEST(test_filler_before_restart_markers) {
    CHECK("abc", "abc", 0);
    CHECK("ab\xff\xd0"
          "cd\xff\xd7"
          "e\xff\xd9",
          "ab" FILLER "\xff\xd0"
          "cd" FILLER "\xff\xd7"
          "e\xff\xd9",
          2);
    CHECK("a\xff\x00\xd0"
          "b",
          "a\xff\x00\xd0"
          "b",
          0); /* a stuffed 0xff */
    CHECK("a\xff\xff\xff\xd1"
          "b",
          "a" FILLER "\xff\xd1"
          "b",
          1); /* fill bytes go */
    CHECK("a\xff\xd9"
          "b\xff\xd0",
          "a\xff\xd9"
          "b\xff\xd0",
          0);                       /* after the end */
    CHECK("a\xff\xff", "a\xff", 0); /* a marker that is cut */
    /* a segment between scans may hold anything */
    CHECK("a\xff\xc4\0\4\xff\xd0"
          "b\xff\xd0",
          "a\xff\xc4\0\4\xff\xd0"
          "b" FILLER "\xff\xd0",
          1);
    CHECK("a\xff\xc4\xff\xff\xff\xd0", "a\xff\xc4\xff\xff\xff\xd0", 0); /* longer than the rest */
}
END_TEST

/* Markers at every place around the end of the window. */
START_TEST(test_window) {
    enum { MARKERS = 3, ROOM = 70000 };
    unsigned char *in = calloc(1, ROOM), *out = malloc(2 * ROOM), *expected = malloc(2 * ROOM);
    for (size_t at = 65500; at < 65560; at++) {
        memset(in, 'x', ROOM);
        size_t n = 0;
        memcpy(expected, in, at);
        n = at;
        for (size_t m = 0; m < MARKERS; m++) {
            memcpy(in + at + 2 * m, "\xff\xd4", 2);
            memcpy(expected + n, FILLER "\xff\xd4", 10);
            n += 10;
        }
        memset(expected + n, 'x', ROOM - at - 2 * MARKERS);
        n += ROOM - at - 2 * MARKERS;
        size_t filled = 0;
        ck_assert_uint_eq(read_through(in, ROOM, out, &filled), n);
        ck_assert_mem_eq(out, expected, n);
        ck_assert_uint_eq(filled, MARKERS);
    }
    free(in);
    free(out);
    free(expected);
}
END_TEST

START_TEST(test_skip) {
    unsigned char in[100];
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)i;
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr errors;
    cinfo.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&cinfo);
    jpeg_mem_src(&cinfo, in, sizeof in);
    insp_jpeg_source_fill(&cinfo);
    cinfo.src->skip_input_data(&cinfo, 10);
    ck_assert_uint_eq(*cinfo.src->next_input_byte, 10);
    cinfo.src->skip_input_data(&cinfo, 0);
    cinfo.src->skip_input_data(&cinfo, 5);
    ck_assert_uint_eq(*cinfo.src->next_input_byte, 15);
    ck_assert_uint_eq(cinfo.src->bytes_in_buffer, 85);
    jpeg_destroy_decompress(&cinfo);
}
END_TEST

INSP_TESTS(test_filler_before_restart_markers, test_window, test_skip);
