/* core/base/float_text.h - floats as decimals. Pure; any thread. */
#ifndef INSP_BASE_FLOAT_TEXT_H
#define INSP_BASE_FLOAT_TEXT_H

enum { INSP_FLOAT_BYTES = 32 };

/* Writes a finite float in the fewest digits (6 to 9 significant) that read back as the same, 0.7 rather than
 * 0.699999988; "" for one that is not finite. */
void insp_float_text(float value, char ret_text[INSP_FLOAT_BYTES]);

#endif
