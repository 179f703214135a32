/* core/image/decode/png_samples.h - convert the 16-bit samples of a PNG to 8 bits, by the bits in use.
 *
 * The PNG standard wants samples scaled to all 16 bits; then the upper 8 make the picture. Cameras with 10, 12
 * or 14 bits often store their values in the lower end, and the upper 8 bits are nearly black. */
#ifndef INSP_IMAGE_DECODE_PNG_SAMPLES_H
#define INSP_IMAGE_DECODE_PNG_SAMPLES_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Holds the known properties of the samples and the values found so far. */
struct insp_png_samples {
    unsigned channels; /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA */
    bool has_key;      /* one colour is transparent: tRNS */
    uint16_t key[3];   /* the transparent colour, all 16 bits */
    unsigned declared; /* bits by the operator's setting (decode.png16_bits); 0: none */
    unsigned sbit;     /* bits by the sBIT chunk; 0: none */
    unsigned bits;     /* bits by which colours are converted */
    unsigned alpha_bits;
    uint16_t seen, alpha_seen; /* bitwise or of all values so far */
};

/* Converts the pixels first, first + step, ... of a row of `width` pixels from interleaved 16-bit samples
 * (native byte order) to 8 bits, by samples->bits and alpha_bits. Writes to the same positions of `out`: RGBA
 * for out_channels 4, else RGB. Adds the values to seen and alpha_seen. Pure but for that. */
void insp_png_samples_convert(struct insp_png_samples *samples, const uint16_t *row, size_t width, size_t first,
                              size_t step, unsigned out_channels, uint8_t *out);

/* Determines the bits in use, 8..16, for colours (*ret_bits) and alpha (*ret_alpha_bits) from the values seen.
 *   declared  that many. If values exceed them and their lower bits are unused: 16, the samples are in the
 *             upper end; if values exceed them otherwise: INSP_E_IMAGE
 *   sBIT      that many. If values exceed them or their lower bits are unused: 16, the writer scaled as PNG
 *             wants
 *   neither   the least of 8, 10, 12, 14 and 16 that holds every value; *ret_guessed is true below 16
 * If all samples are 0 and nothing is declared: 16. */
int insp_png_samples_settle(const struct insp_png_samples *samples, unsigned *ret_bits, unsigned *ret_alpha_bits,
                            bool *ret_guessed, struct insp_error *reterr);

#endif
