/* core/image/png_samples.h - 16-bit samples of a PNG to 8 bits, by the bits that are really in use.
 *
 * PNG wants samples scaled to all 16 bits, and the upper 8 are the picture then. Cameras with 10, 12 or 14 bits
 * often leave their values in the lower end, where the upper 8 are nearly black. */
#ifndef INSP_IMAGE_PNG_SAMPLES_H
#define INSP_IMAGE_PNG_SAMPLES_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of the samples, and what was seen in them. */
struct insp_png_samples {
    unsigned channels; /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA */
    bool has_key;      /* one colour is transparent: tRNS */
    uint16_t key[3];   /* that colour, all 16 bits */
    unsigned declared; /* bits by the operator's setting; 0: none */
    unsigned sbit;     /* bits by the sBIT chunk; 0: none */
    unsigned bits;     /* that colours are converted by */
    unsigned alpha_bits;
    uint16_t seen, alpha_seen; /* all values so far, or-ed */
};

/* Converts the pixels first, first + step, ... of a row of `width` from interleaved 16-bit samples (in the
 * machine's order) to 8 bits, by samples->bits and alpha_bits, into the same places of `out`: RGBA where
 * out_channels is 4, else RGB. Adds to seen and alpha_seen. */
void insp_png_samples_convert(struct insp_png_samples *samples, const uint16_t *row, size_t width, size_t first,
                              size_t step, unsigned out_channels, uint8_t *out);

/* Settles how many bits are in use, from what was seen, into *ret_bits (colours) and *ret_alpha_bits, 8..16.
 *   declared    that many, unless values are beyond them and the bits below them are unused (samples in the upper
 *               end: 16); values beyond them otherwise are INSP_E_IMAGE
 *   sBIT        that many, unless values are beyond them or the bits below them are unused: then the writer scaled
 *               as PNG wants it, 16
 *   neither     the least of 8, 10, 12, 14 and 16 that holds every value; *ret_guessed is true below 16
 * All samples 0: 16. */
int insp_png_samples_settle(const struct insp_png_samples *samples, unsigned *ret_bits, unsigned *ret_alpha_bits,
                            bool *ret_guessed, struct insp_error *reterr);

#endif
