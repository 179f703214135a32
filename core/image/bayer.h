/* core/image/bayer.h - make RGB pixels from those of a sensor behind a Bayer filter. Pure; any thread.
 *
 * The missing colours are interpolated linearly from the 5x5 pixels around each one, with the gradient of the
 * known colour as a correction (Malvar, He, Cutler: High-quality linear interpolation for demosaicing of
 * Bayer-patterned color images, ICASSP 2004). Compared with a mean of the neighbours it keeps edges, and it needs
 * no more than one pass. */
#ifndef INSP_IMAGE_BAYER_H
#define INSP_IMAGE_BAYER_H

#include <stddef.h>
#include <stdint.h>

/* The colours of the first two pixels of the first row. */
enum insp_bayer { INSP_BAYER_RG, INSP_BAYER_GR, INSP_BAYER_GB, INSP_BAYER_BG };

/* Fills `rgb` [height][width][3] from `raw` [height][width], one byte per pixel. At the border the pattern is
 * mirrored.
 *   width, height  at least 2 */
void insp_bayer_rgb8(enum insp_bayer pattern, const uint8_t *raw, size_t width, size_t height, uint8_t *rgb);

#endif
