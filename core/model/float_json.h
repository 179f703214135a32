/* core/model/float_json.h - floats in JSON documents. Any thread. */
#ifndef INSP_MODEL_FLOAT_JSON_H
#define INSP_MODEL_FLOAT_JSON_H

#include "core/base/float_text.h"

#include <jansson.h>
#include <stdlib.h>

/* Makes the double whose decimal is the shortest that reads back as the same float, so that a file says 0.7 and
 * not 0.699999988079071. A new reference; NULL for a value that is not finite, or without memory. */
static inline json_t *insp_float_json(float value) {
    char text[INSP_FLOAT_BYTES];
    insp_float_text(value, text);
    return *text ? json_real(strtod(text, NULL)) : NULL;
}

#endif
