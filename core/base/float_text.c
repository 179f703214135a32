#include "core/base/float_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void insp_float_text(float value, char ret_text[INSP_FLOAT_BYTES]) {
    ret_text[0] = 0;
    for (int digits = 6; digits <= 9 && isfinite(value); digits++) {
        snprintf(ret_text, INSP_FLOAT_BYTES, "%.*g", digits, (double)value);
        if (strtof(ret_text, NULL) == value)
            break;
    }
}
