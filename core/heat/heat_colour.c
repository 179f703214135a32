/* core/heat/heat_colour.c - a few hues in order, each brought to the lightness of its position. */
#include "core/heat/heat_colour.h"

#include <math.h>
#include <stddef.h>

/* Linear light of the hues at heat 0, 1/5 .. 1; only the proportions count, lightness is set below. */
static const double HUE[][3] = {
    {0.20, 0.15, 1.00}, /* violet blue */
    {0.35, 0.06, 0.80}, /* violet */
    {0.80, 0.05, 0.30}, /* crimson */
    {1.00, 0.16, 0.04}, /* red orange */
    {1.00, 0.48, 0.02}, /* amber */
    {1.00, 0.92, 0.35}, /* pale yellow */
};
enum { HUES = sizeof HUE / sizeof *HUE };

/* Converts CIE 1976 L* (0..100) to relative luminance Y (0..1). */
static double luminance(double lightness) {
    return lightness > 8 ? pow((lightness + 16) / 116, 3) : lightness / 903.3;
}

/* Encodes sRGB (IEC 61966-2-1). */
static uint8_t encode(double linear) {
    double v = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;
    return (uint8_t)(fmin(fmax(v, 0), 1) * 255 + 0.5);
}

void insp_heat_colours(uint8_t ret_rgb[256][3]) {
    for (unsigned i = 0; i < 256; i++) {
        double place = i / 255.0 * (HUES - 1);
        unsigned hue = place < HUES - 2 ? (unsigned)place : HUES - 2;
        double light[3], target = luminance(2 + i / 255.0 * 92);
        for (unsigned c = 0; c < 3; c++)
            light[c] = HUE[hue][c] + (place - hue) * (HUE[hue + 1][c] - HUE[hue][c]);
        double scale = target / (0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]);
        double peak = scale * fmax(light[0], fmax(light[1], light[2]));
        for (unsigned c = 0; c < 3; c++) {
            double v = scale * light[c];
            /* Mix a hue that cannot be this light with the grey of this lightness until its largest channel
             * fits. */
            if (peak > 1)
                v = target + (v - target) * (1 - target) / (peak - target);
            ret_rgb[i][c] = encode(v);
        }
    }
}
