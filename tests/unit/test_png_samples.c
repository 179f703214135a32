/* 16-bit samples: the number of used bits, and the places of an interlaced picture's pixels. */
#include "core/image/decode/png_samples.h"
#include "harness.h"

#include <string.h>

START_TEST(test_settle) {
    static const struct {
        unsigned declared, sbit;
        uint16_t seen, alpha_seen;
        int code;
        unsigned bits, alpha_bits;
        bool guessed;
    } cases[] = {
        {0, 0, 0xffff, 0, 0, 16, 16, false},     {0, 0, 0x0fff, 0xffff, 0, 12, 16, true},
        {0, 0, 0x0fff, 0x0fff, 0, 12, 12, true}, {0, 0, 0x0001, 0, 0, 8, 8, true},
        {0, 0, 0x3fff, 0, 0, 14, 14, true},      {0, 0, 0x4000, 0, 0, 16, 16, false},
        {0, 12, 0x0fff, 0, 0, 12, 12, false}, /* not scaled, though PNG wants it */
        {0, 12, 0x0123, 0, 0, 12, 12, false}, /* dark, and still 12 bits */
        {0, 12, 0xfff0, 0, 0, 16, 16, false}, /* scaled */
        {0, 12, 0x0ff0, 0, 0, 16, 16, false}, /* scaled and dark */
        {0, 12, 0xffff, 0, 0, 16, 16, false}, /* scaled by repeating the upper bits */
        {12, 0, 0x0fff, 0, 0, 12, 12, false},    {12, 10, 0x01ff, 0, 0, 12, 12, false},
        {12, 0, 0xfff0, 0, 0, 16, 16, false},    {12, 0, 0x1fff, 0, INSP_E_IMAGE, 0, 0, false},
        {16, 0, 0x0fff, 0, 0, 16, 16, false},    {4, 0, 0x000f, 0, 0, 8, 8, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct insp_png_samples samples = {.declared = cases[i].declared,
                                                 .sbit = cases[i].sbit,
                                                 .seen = cases[i].seen,
                                                 .alpha_seen = cases[i].alpha_seen};
        unsigned bits = 0, alpha_bits = 0;
        bool guessed = false;
        struct insp_error error;
        ck_insp_code(insp_png_samples_settle(&samples, &bits, &alpha_bits, &guessed, &error), cases[i].code,
                     error);
        ck_assert_msg(bits == cases[i].bits, "case %zu: %u bits", i, bits);
        ck_assert_msg(alpha_bits == cases[i].alpha_bits, "case %zu: alpha of %u bits", i, alpha_bits);
        ck_assert(guessed == cases[i].guessed);
    }
}
END_TEST

START_TEST(test_convert) {
    const uint16_t row[] = {0x0123, 0x0456, 0x0789, 0x0fff, 0x0abc, 0x0def, 0x0123, 0x0456, 0x0788};
    struct insp_png_samples samples = {
        .channels = 3, .has_key = true, .key = {0x0123, 0x0456, 0x0789}, .bits = 12, .alpha_bits = 12};
    uint8_t out[12];
    insp_png_samples_convert(&samples, row, 3, 0, 1, 4, out);
    /* the key is compared with all bits: the last pixel stays opaque */
    ck_assert_mem_eq(out, ((uint8_t[]){0x12, 0x45, 0x78, 0, 0xff, 0xab, 0xde, 255, 0x12, 0x45, 0x78, 255}), 12);
    ck_assert_uint_eq(samples.seen, 0x0fff);
    memset(out, 7, sizeof out);
    samples = (struct insp_png_samples){.channels = 1, .bits = 16, .alpha_bits = 16};
    insp_png_samples_convert(&samples, row, 4, 1, 2, 3, out);
    ck_assert_mem_eq(out, ((uint8_t[]){7, 7, 7, 4, 4, 4, 7, 7, 7, 15, 15, 15}), 12);
}
END_TEST

INSP_TESTS(test_settle, test_convert);
