/* core/line/pairs.h - read settings that are lists of pairs, such as "carpet=800, bottle=350". Pure; any thread.
 */
#ifndef INSP_LINE_PAIRS_H
#define INSP_LINE_PAIRS_H

#include "core/base/error.h"

#include <stdbool.h>

enum { INSP_PAIR_BYTES = 136 }; /* a camera's name and its NUL, with room to notice a longer one */

/* One pair, both sides without the blanks around them. */
struct insp_pair {
    char key[INSP_PAIR_BYTES], value[INSP_PAIR_BYTES];
};

/* Reads the next pair and advances *text behind its comma. Returns false at the end of the text, with *reterr's
 * code 0, and at a fault, with INSP_E_CONFIG: an entry without "=", with an empty side, or with a side that is
 * longer than INSP_PAIR_BYTES - 1 bytes. The detail is a clause about the entry that follows the name of the
 * setting. */
bool insp_pair_next(const char **text, struct insp_pair *ret, struct insp_error *reterr);

/* Reads a whole number of at most 9 digits within min..max. Returns false for any other text. */
bool insp_pair_number(const char *text, unsigned min, unsigned max, unsigned *ret);

#endif
