#include "core/line/pairs.h"

#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t";

/* Copies a side without the blanks around it. Returns false if it is empty or too long. */
static bool copy_side(const char *side, size_t bytes, char *ret) {
    size_t before = strspn(side, blanks);
    if (before >= bytes)
        return false;
    side += before;
    bytes -= before;
    while (bytes && strchr(blanks, side[bytes - 1]))
        bytes--;
    if (bytes >= INSP_PAIR_BYTES)
        return false;
    memcpy(ret, side, bytes);
    ret[bytes] = 0;
    return true;
}

bool insp_pair_next(const char **text, struct insp_pair *ret, struct insp_error *reterr) {
    reterr->code = 0;
    const char *at = *text + strspn(*text, blanks);
    if (!*at)
        return false;
    size_t bytes = strcspn(at, ",");
    const char *equals = memchr(at, '=', bytes);
    if (!equals || !copy_side(at, (size_t)(equals - at), ret->key) ||
        !copy_side(equals + 1, (size_t)(at + bytes - equals - 1), ret->value)) {
        insp_fail(reterr, INSP_E_CONFIG,
                  "has the entry \"%.*s\"; each must have the form name=value, with at most "
                  "%d bytes on each side",
                  bytes < 80 ? (int)bytes : 80, at, INSP_PAIR_BYTES - 1);
        return false;
    }
    *text = at + bytes + (at[bytes] == ',');
    return true;
}

bool insp_pair_number(const char *text, unsigned min, unsigned max, unsigned *ret) {
    size_t digits = strspn(text, "0123456789");
    if (!digits || digits > 9 || text[digits])
        return false;
    unsigned long value = strtoul(text, NULL, 10);
    if (value < min || value > max)
        return false;
    *ret = (unsigned)value;
    return true;
}
