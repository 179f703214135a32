#include "core/image/decode/png_samples.h"

#include <string.h>

static bool is_key(const struct insp_png_samples *s, const uint16_t *colour, unsigned colours) {
    return s->has_key && !memcmp(colour, s->key, colours * sizeof *colour);
}

void insp_png_samples_convert(struct insp_png_samples *samples, const uint16_t *row, size_t width, size_t first,
                              size_t step, unsigned out_channels, uint8_t *out) {
    const unsigned colours = samples->channels < 3 ? 1 : 3, shift = samples->bits - 8;
    const bool alpha = samples->channels > colours;
    uint16_t seen = samples->seen, alpha_seen = samples->alpha_seen;
    for (size_t x = first; x < width; x += step) {
        const uint16_t *in = row + x * samples->channels;
        uint8_t *to = out + x * out_channels;
        for (unsigned c = 0; c < colours; c++) {
            seen |= in[c];
            to[c] = (uint8_t)(in[c] >> shift);
        }
        if (colours == 1)
            to[1] = to[2] = to[0];
        if (alpha) {
            alpha_seen |= in[colours];
            to[3] = (uint8_t)(in[colours] >> (samples->alpha_bits - 8));
        } else if (out_channels == 4) {
            to[3] = is_key(samples, in, colours) ? 0 : 255;
        }
    }
    samples->seen = seen;
    samples->alpha_seen = alpha_seen;
}

static bool fits(uint16_t seen, unsigned bits) {
    return seen >> bits == 0;
}

/* Says whether the lower 16 - bits bits are unused: the samples are in the upper end. */
static bool is_scaled(uint16_t seen, unsigned bits) {
    return (seen & ((1u << (16 - bits)) - 1)) == 0;
}

static unsigned least_bits(uint16_t seen) {
    static const unsigned common[] = {8, 10, 12, 14};
    for (size_t i = 0; seen && i < sizeof common / sizeof *common; i++)
        if (fits(seen, common[i]))
            return common[i];
    return 16;
}

int insp_png_samples_settle(const struct insp_png_samples *samples, unsigned *ret_bits, unsigned *ret_alpha_bits,
                            bool *ret_guessed, struct insp_error *reterr) {
    const uint16_t seen = samples->seen;
    unsigned bits = 16;
    bool guessed = false;
    if (samples->declared) {
        bits = samples->declared;
        if (!fits(seen, bits) && !is_scaled(seen, bits))
            return insp_fail(reterr, INSP_E_IMAGE,
                             "the 16-bit PNG has values beyond the %u bits that decode.png16_bits declares", bits);
        bits = fits(seen, bits) ? bits : 16;
    } else if (samples->sbit) {
        bits = fits(seen, samples->sbit) && !is_scaled(seen, samples->sbit) ? samples->sbit : 16;
    } else {
        bits = least_bits(seen);
        guessed = bits < 16;
    }
    bits = bits < 8 ? 8 : bits;
    *ret_bits = bits;
    *ret_alpha_bits = fits(samples->alpha_seen, bits) ? bits : 16;
    *ret_guessed = guessed;
    return 0;
}
