/* core/heat/heat_colour.h - give heat its colours. Pure; any thread. */
#ifndef INSP_HEAT_HEAT_COLOUR_H
#define INSP_HEAT_HEAT_COLOUR_H

#include <stdint.h>

/* Fills [256][3] RGB8 for heat 0..1: from near-black through violet, red and orange to pale yellow. Lightness
 * (CIE L*) rises in even steps, so the order survives every kind of colour vision and grey print. */
void insp_heat_colours(uint8_t ret_rgb[256][3]);

#endif
